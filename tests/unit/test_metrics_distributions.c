/* Histograms and summaries: where observations end up, and how well quantiles are told. */
#include "metrics_page.h"

HISTOGRAM(sizes, "sizes", "Sizes.", BUCKETS(1, 2, 5));
HISTOGRAM(edges, "edges", "Values on the bounds.", BUCKETS(-1, 0, .5, 1, 1e300));
HISTOGRAM(linear, "linear", "Computed bounds.", BUCKETS_LINEAR(10, 5, 3));
HISTOGRAM(growing, "growing", "Computed bounds.", BUCKETS_EXPONENTIAL(1, 10, 7));
HISTOGRAM(named, "named", "+Inf is named.", BUCKETS(1, INFINITY));
HISTOGRAM(bare, "bare", "A count and a sum.", BUCKETS(INFINITY));
SUMMARY(waits, "waits", "Waits.", QUANTILES(0, .5, .9, .99, 1), WINDOW(600));
SUMMARY(short_lived, "short_lived", "Forgets.", QUANTILES(.5), WINDOW(10));
SUMMARY(extreme, "extreme", "Everything a double is.", QUANTILES(.5), WINDOW(600));
SUMMARY(spread, "spread", "Many magnitudes.", QUANTILES(.5), WINDOW(600));

static void observations_fall_into_buckets(void **state)
{
    (void)state;
    const double values[] = {.5, 1, 1.5, 2, 2, 4, 6, 100};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        histogram_observe(&sizes, values[i]);
    assert_int_equal(histogram_bucket(&sizes, 0), 2);
    assert_int_equal(histogram_bucket(&sizes, 1), 5);
    assert_int_equal(histogram_bucket(&sizes, 2), 6);
    assert_int_equal(histogram_bucket(&sizes, 3), 8);
    assert_int_equal(histogram_count(&sizes), 8);
    assert_true(histogram_sum(&sizes) == 117);
    assert_true(page_value(&metrics_default, "sizes_bucket{le=\"+Inf\"}") == 8);
    assert_true(page_value(&metrics_default, "sizes_count") == 8);
}

static void a_bound_belongs_to_its_bucket(void **state)
{
    (void)state;
    const double bounds[] = {-1, 0, .5, 1, 1e300, INFINITY};
    for (unsigned i = 0; i < 6; i++) {
        uint64_t below = i ? histogram_bucket(&edges, i - 1) : 0;
        uint64_t here = histogram_bucket(&edges, i);
        histogram_observe(&edges, bounds[i]);
        assert_int_equal(histogram_bucket(&edges, i), here + 1);
        if (i)
            assert_int_equal(histogram_bucket(&edges, i - 1), below);
    }
    histogram_observe(&edges, -INFINITY);
    assert_int_equal(histogram_bucket(&edges, 0), 2);
}

static void every_value_is_in_the_bucket_a_plain_search_finds(void **state)
{
    (void)state;
    const double bounds[] = {-1, 0, .5, 1, 1e300};
    uint64_t expected[6], before[6];
    for (unsigned i = 0; i < 6; i++)
        expected[i] = before[i] = histogram_bucket(&edges, i);
    srand(1);
    for (unsigned n = 0; n < 10000; n++) {
        double v = (double)rand() / RAND_MAX * 3 - 1.5;
        histogram_observe(&edges, v);
        for (unsigned i = 0; i < 6; i++)
            expected[i] += i == 5 || v <= bounds[i];
    }
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(histogram_bucket(&edges, i), expected[i]);
}

static void nan_is_in_no_bucket(void **state)
{
    (void)state;
    uint64_t count = histogram_count(&sizes), observed = summary_count(&waits);
    double errors = errors_of("not_a_number"), sum = histogram_sum(&sizes);
    histogram_observe(&sizes, NAN);
    summary_observe(&waits, NAN);
    assert_int_equal(histogram_count(&sizes), count);
    assert_true(histogram_sum(&sizes) == sum);
    assert_int_equal(summary_count(&waits), observed);
    assert_true(errors_of("not_a_number") == errors + 2);
}

static void bounds_are_computed(void **state)
{
    (void)state;
    struct metrics_registry *r = &metrics_default;
    assert_true(page_value(r, "linear_bucket{le=\"10.0\"}") == 0);
    assert_true(page_value(r, "linear_bucket{le=\"20.0\"}") == 0);
    assert_true(isnan(page_value(r, "linear_bucket{le=\"25.0\"}")));
    assert_true(page_value(r, "growing_bucket{le=\"100000.0\"}") == 0);
    assert_true(page_value(r, "growing_bucket{le=\"1e+06\"}") == 0);
}

static void inf_may_be_named_but_is_there_once(void **state)
{
    (void)state;
    histogram_observe(&named, 7);
    assert_int_equal(histogram_count(&named), 1);
    char *page = page_of(&metrics_default);
    char *first = strstr(page, "named_bucket{le=\"+Inf\"} 1\n");
    assert_non_null(first);
    assert_null(strstr(first + 1, "named_bucket{le=\"+Inf\"}"));
    free(page);
    histogram_observe(&bare, 7);
    assert_int_equal(histogram_count(&bare), 1);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The exact quantile of sorted values, by the same definition: the smallest value that at least a
 * share q of all does not exceed. */
static double exact(const double *sorted, unsigned n, double q)
{
    unsigned rank = (unsigned)ceil(q * n);
    return sorted[rank ? rank - 1 : 0];
}

static void assert_quantiles_within_one_percent(summary *s, double *values, unsigned n)
{
    qsort(values, n, sizeof *values, ascending);
    for (double q = 0; q <= 1; q += .001) {
        double e = exact(values, n, q);
        assert_true(fabs(summary_quantile(s, q) - e) <= fabs(e) * .008);
    }
}

static void quantiles_are_within_one_percent(void **state)
{
    (void)state;
    enum { N = 20000 };
    static double values[N], wide[N];
    assert_true(isnan(summary_quantile(&waits, .5)));
    srand(2);
    for (unsigned i = 0; i < N; i++) {
        values[i] = -log(1 - (double)rand() / ((double)RAND_MAX + 1)) * .1; /* exponential */
        wide[i] = (rand() % 2 ? 1 : -1) * pow(10, (double)rand() / RAND_MAX * 24 - 12);
        summary_observe(&waits, values[i]);
        summary_observe(&spread, wide[i]);
    }
    assert_quantiles_within_one_percent(&waits, values, N);
    assert_quantiles_within_one_percent(&spread, wide, N);
    assert_int_equal(summary_count(&waits), N);
    double shown = page_value(&metrics_default, "waits{quantile=\"0.99\"}");
    assert_true(shown == summary_quantile(&waits, .99));
}

static void any_double_can_be_observed(void **state)
{
    (void)state;
    const double values[] = {0,
                             -0.0,
                             5e-324,
                             -5e-324,
                             1e308,
                             -1e308,
                             INFINITY,
                             -INFINITY,
                             0x1p-64,
                             0x1p64,
                             0x1.fffffffffffffp63};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        summary_observe(&extreme, values[i]);
    assert_true(summary_quantile(&extreme, .5) == 0);
    assert_true(fabs(summary_quantile(&extreme, 1) - 0x1p64) < .01 * 0x1p64);
    assert_true(fabs(summary_quantile(&extreme, 0) + 0x1p64) < .01 * 0x1p64);
    assert_int_equal(summary_count(&extreme), sizeof values / sizeof *values);
}

static void a_summary_forgets_after_its_window(void **state)
{
    (void)state;
    const uint64_t slice = 2 * NS_PER_S; /* a fifth of the window */
    uint64_t now = (clock_now() / slice + 100) * slice;
    metrics_tick(now);
    summary_observe(&short_lived, 1);
    metrics_tick(now + slice);
    summary_observe(&short_lived, 100);
    assert_true(fabs(summary_quantile(&short_lived, .5) - 1) < .01);
    metrics_tick(now + 4 * slice); /* both are still in it */
    assert_true(fabs(summary_quantile(&short_lived, .5) - 1) < .01);
    metrics_tick(now + 3 * slice); /* time does not run backwards */
    metrics_tick(now + 5 * slice); /* the first is out */
    assert_true(fabs(summary_quantile(&short_lived, .5) - 100) < 1);
    metrics_tick(now + 6 * slice);
    assert_true(isnan(summary_quantile(&short_lived, .5)));
    assert_int_equal(summary_count(&short_lived), 2);
    assert_true(summary_sum(&short_lived) == 101);
}

static void a_long_pause_empties_the_window(void **state)
{
    (void)state;
    uint64_t now = clock_now() + 10000 * NS_PER_S;
    metrics_tick(now);
    summary_observe(&short_lived, 7);
    metrics_tick(now + 1004 * NS_PER_S); /* no whole number of turns of the ring */
    assert_true(isnan(summary_quantile(&short_lived, .5)));
    summary_observe(&short_lived, 8);
    assert_true(fabs(summary_quantile(&short_lived, .5) - 8) < .08);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(observations_fall_into_buckets),
        cmocka_unit_test(a_bound_belongs_to_its_bucket),
        cmocka_unit_test(every_value_is_in_the_bucket_a_plain_search_finds),
        cmocka_unit_test(nan_is_in_no_bucket),
        cmocka_unit_test(bounds_are_computed),
        cmocka_unit_test(inf_may_be_named_but_is_there_once),
        cmocka_unit_test(quantiles_are_within_one_percent),
        cmocka_unit_test(any_double_can_be_observed),
        cmocka_unit_test(a_summary_forgets_after_its_window),
        cmocka_unit_test(a_long_pause_empties_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
