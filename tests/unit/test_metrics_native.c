/* Native histograms: the specification's buckets, the limit, and how well quantiles are told. */
#include "metrics/buckets.h"
#include "metrics_page.h"

#include <float.h>
#include <pthread.h>

HISTOGRAM(plain, "plain_seconds", "Native.", BUCKETS_NATIVE);
HISTOGRAM(both, "both_seconds", "Native and classic.", BUCKETS_NATIVE_AND(BUCKETS(1, 2, 4)));
HISTOGRAM(odd, "odd", "What is no number.", BUCKETS_NATIVE_AND(BUCKETS(1)));
HISTOGRAM_VEC(by_name, "by_name_seconds", "Labelled.", BUCKETS_NATIVE, name);

static struct metric_scratch scratch;
static struct metric_point point;

static const struct metric_native_view *view_of(const struct histogram *h)
{
    assert_int_equal(metric_histogram_ops.read(&h->child, &scratch, &point), OK);
    assert_non_null(point.native);
    return point.native;
}

/* A histogram of its own for each test, freed at its end. */
static struct metric_family *family;

static struct histogram *made(const struct metric_buckets *buckets)
{
    struct err err = {0};
    const struct metric_spec spec = {
        .type = METRIC_HISTOGRAM, .name = "made", .help = "Made.", .buckets = buckets};
    if (metric_family_new(&metrics_default, &spec, &family, &err) != OK)
        fail_msg("%s", err.text);
    return histogram_with(family, NULL);
}

static int forget(void **state)
{
    (void)state;
    if (family)
        metric_family_free(family);
    family = NULL;
    return 0;
}

/* ---- Which bucket --------------------------------------------------------------------------- */

/* The specification's: the least i for which value <= 2^(i / 2^schema), in long double. */
static int32_t expected_index(double value, int schema)
{
    if (isinf(value))
        return (int32_t)ldexp(1024, schema) + 1;
    return (int32_t)ceill(ldexpl(log2l(value), schema));
}

/* Of the one observation that there is. */
static int32_t index_of_only(const struct metric_native_side *side)
{
    assert_int_equal(side->n_spans, 1);
    assert_int_equal(side->spans[0].length, 1);
    assert_int_equal(side->n, 1);
    assert_int_equal(side->counts[0], 1);
    return side->spans[0].offset;
}

static void assert_index(double value, double factor, int schema)
{
    const char *const name[] = {"x"};
    const struct metric_native native = {.factor = factor};
    const struct metric_spec spec = {.type = METRIC_HISTOGRAM,
                                     .name = "one",
                                     .help = "Made.",
                                     .labels = (const char *const[]){"a"},
                                     .n_labels = 1,
                                     .buckets = &(const struct metric_buckets){.native = &native}};
    struct metric_family *f;
    assert_int_equal(metric_family_new(&metrics_default, &spec, &f, NULL), OK);
    struct histogram *h = histogram_with(f, name);
    histogram_observe(h, value);
    histogram_observe(h, -value);
    const struct metric_native_view *v = view_of(h);
    assert_int_equal(v->schema, schema);
    assert_int_equal(index_of_only(&v->positive), expected_index(value, schema));
    assert_int_equal(index_of_only(&v->negative), expected_index(value, schema));
    assert_int_equal(v->zero_count, 0);
    metric_family_free(f);
}

static const struct {
    double factor;
    int schema;
} schemas[] = {{65536, -4}, {256, -3}, {16, -2},  {4, -1},   {2, 0},    {1.5, 1},  {1.2, 2},
               {1.1, 3},    {0, 3},    {1.05, 4}, {1.03, 5}, {1.01, 7}, {1.001, 8}};

static void a_value_is_in_the_bucket_of_the_specification(void **state)
{
    (void)state;
    const double values[] = {
        1,    1.0000000000000002,  2,        0.5,     1.5,      3,       1e-9, 0.3,
        1e30, 0x1.fffffffffffffp0, 0x1p-127, DBL_MAX, 0x1p1023, INFINITY};
    for (size_t s = 0; s < sizeof schemas / sizeof *schemas; s++)
        for (size_t i = 0; i < sizeof values / sizeof *values; i++)
            assert_index(values[i], schemas[s].factor, schemas[s].schema);
}

static void every_mantissa_is_in_its_bucket(void **state)
{
    (void)state;
    srand(3);
    for (unsigned n = 0; n < 2000; n++) {
        double value = ldexp(1 + (double)rand() / RAND_MAX, rand() % 200 - 100);
        assert_index(value, schemas[n % 13].factor, schemas[n % 13].schema);
    }
}

static void a_power_of_two_belongs_to_the_lower_bucket(void **state)
{
    (void)state;
    assert_int_equal(expected_index(1, 3), 0);
    for (int e = -127; e < 1024; e += 50)
        assert_index(ldexp(1, e), 1.1, 3);
}

static void what_is_nearly_zero_is_in_the_zero_bucket(void **state)
{
    (void)state;
    struct histogram *h = made(BUCKETS_NATIVE);
    const double values[] = {0, -0.0, 0x1p-128, -0x1p-128, 5e-324, -1e-300};
    for (size_t i = 0; i < 6; i++)
        histogram_observe(h, values[i]);
    const struct metric_native_view *v = view_of(h);
    assert_int_equal(v->zero_count, 6);
    assert_true(v->zero_threshold == 0x1p-128);
    assert_int_equal(v->positive.n_spans + v->negative.n_spans, 0);
    histogram_observe(h, 0x1.0000000000001p-128);
    assert_int_equal(index_of_only(&view_of(h)->positive), -128 * 8 + 1);
}

/* Its first update, before which a thread has no cells. */
static void *observe_threshold(void *h)
{
    histogram_observe(h, -0x1p-128);
    return NULL;
}

static void on_a_new_thread_too(void **state)
{
    (void)state;
    struct histogram *h = made(BUCKETS_NATIVE);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, observe_threshold, h), 0);
    pthread_join(thread, NULL);
    assert_int_equal(view_of(h)->zero_count, 1);
}

static void what_is_no_number_is_in_no_bucket_or_in_the_last(void **state)
{
    (void)state;
    double errors = errors_of("not_a_number");
    histogram_observe(&odd, 1);
    histogram_observe(&odd, INFINITY);
    assert_true(histogram_sum(&odd) == INFINITY);
    histogram_observe(&odd, NAN);
    const struct metric_native_view *v = view_of(&odd);
    assert_int_equal(point.count, 3);
    assert_int_equal(v->positive.n, 2); /* 1 and +Inf */
    assert_int_equal(v->positive.spans[1].offset, 8193 - 1);
    assert_int_equal(v->zero_count, 0);
    assert_true(isnan(point.value));
    assert_int_equal(point.cumulative[0], 1);
    assert_int_equal(point.cumulative[1], 3);
    assert_int_equal(histogram_count(&odd), 3);
    assert_true(errors_of("not_a_number") == errors + 1);
    histogram_observe(&odd, -INFINITY);
    assert_int_equal(index_of_only(&view_of(&odd)->negative), 8193);
}

static void spans_bridge_small_gaps_only(void **state)
{
    (void)state;
    struct histogram *h = made(BUCKETS_NATIVE_WITH(.factor = 2));
    const int exponents[] = {-2, -1, 2, 6, 7}; /* the indices too, for schema 0 */
    for (unsigned i = 0; i < 5; i++)
        for (unsigned n = 0; n <= i; n++)
            histogram_observe(h, ldexp(1, exponents[i]));
    const struct metric_native_side *side = &view_of(h)->positive;
    const uint64_t counts[] = {1, 2, 0, 0, 3, 4, 5};
    assert_int_equal(side->n_spans, 2);
    assert_int_equal(side->spans[0].offset, -2);
    assert_int_equal(side->spans[0].length, 5);
    assert_int_equal(side->spans[1].offset, 3);
    assert_int_equal(side->spans[1].length, 2);
    assert_int_equal(side->n, 7);
    assert_memory_equal(side->counts, counts, sizeof counts);
}

/* ---- Both kinds of buckets, and the text ---------------------------------------------------- */

static void one_declaration_has_both_kinds(void **state)
{
    (void)state;
    const double values[] = {.5, 1, 1.5, 3, 5};
    for (size_t i = 0; i < 5; i++)
        histogram_observe(&both, values[i]);
    assert_int_equal(histogram_bucket(&both, 0), 2);
    assert_int_equal(histogram_bucket(&both, 1), 3);
    assert_int_equal(histogram_bucket(&both, 3), 5);
    assert_true(page_value(&metrics_default, "both_seconds_bucket{le=\"4.0\"}") == 4);
    assert_true(page_value(&metrics_default, "both_seconds_bucket{le=\"+Inf\"}") == 5);
    assert_true(page_value(&metrics_default, "both_seconds_sum") == 11);
    assert_int_equal(view_of(&both)->positive.n, 5);
}

/* As it is between the two additions of an observation on another thread. */
static void what_is_half_observed_is_not_told(void **state)
{
    (void)state;
    struct histogram *h = made(BUCKETS_NATIVE_AND(BUCKETS(1, 2)));
    histogram_observe(h, 1);
    metric_cell_add(&metric_cells_claim()[h->child.cells + HISTOGRAM_BUCKETS].n, 1);
    view_of(h);
    assert_int_equal(point.count, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(point.cumulative[i], 1);
}

static void in_text_a_native_histogram_is_its_sum_and_count(void **state)
{
    (void)state;
    histogram_observe(with(by_name, .name = "a"), 3);
    histogram_observe(with(by_name, .name = "a"), -1);
    assert_true(page_value(&metrics_default, "by_name_seconds_count{name=\"a\"}") == 2);
    assert_true(page_value(&metrics_default, "by_name_seconds_sum{name=\"a\"}") == 2);
    assert_true(page_value(&metrics_default, "by_name_seconds_bucket{name=\"a\",le=\"+Inf\"}") ==
                2);
    without(by_name, .name = "a");
    assert_int_equal(histogram_count(with(by_name, .name = "a")), 0); /* it is back at 0 */
    assert_true(histogram_sum(with(by_name, .name = "a")) == 0);
}

/* ---- The limit ------------------------------------------------------------------------------ */

static unsigned populated(const struct metric_native_side *side)
{
    unsigned n = 0;
    for (unsigned i = 0; i < side->n; i++)
        n += side->counts[i] > 0;
    return n;
}

static uint64_t total(const struct metric_native_view *v)
{
    uint64_t n = v->zero_count;
    for (unsigned i = 0; i < v->positive.n; i++)
        n += v->positive.counts[i];
    for (unsigned i = 0; i < v->negative.n; i++)
        n += v->negative.counts[i];
    return n;
}

static void too_many_small_ones_widen_the_zero_bucket(void **state)
{
    (void)state;
    struct histogram *h = made(BUCKETS_NATIVE_WITH(.max_buckets = 4, .max_zero_threshold = 1));
    for (int e = -5; e <= 1; e++) {
        histogram_observe(h, ldexp(1, e));
        histogram_observe(h, -ldexp(1, e));
    }
    const struct metric_native_view *v = view_of(h);
    assert_int_equal(v->schema, 3);
    assert_true(v->zero_threshold == .5); /* and so 1 and 2 are left on each side */
    assert_int_equal(v->zero_count, 10);
    assert_int_equal(populated(&v->positive) + populated(&v->negative), 4);
    assert_int_equal(total(v), 14);
}

static void too_many_large_ones_halve_the_resolution(void **state)
{
    (void)state;
    struct histogram *h = made(BUCKETS_NATIVE_WITH(.max_buckets = 10));
    for (double v = 1.01; v < 1024; v *= 1.05)
        histogram_observe(h, v);
    uint64_t count = histogram_count(h);
    const struct metric_native_view *v = view_of(h);
    assert_int_equal(v->schema, 0); /* ten octaves */
    assert_int_equal(populated(&v->positive), 10);
    assert_int_equal(v->positive.spans[0].offset, 1);
    assert_int_equal(total(v), count);
    assert_true(v->zero_threshold == 0x1p-128);
    assert_int_equal(view_of(h)->schema, 0); /* and the next time too */
}

static void the_whole_range_of_doubles_stays_below_the_limit(void **state)
{
    (void)state;
    struct histogram *h = made(BUCKETS_NATIVE);
    unsigned n = 0;
    for (int e = -127; e < 1024; e++, n += 2) {
        histogram_observe(h, ldexp(1.3, e));
        histogram_observe(h, ldexp(-1.3, e));
    }
    const struct metric_native_view *v = view_of(h);
    assert_true(populated(&v->positive) + populated(&v->negative) <= 160);
    assert_int_equal(total(v), n);
    assert_int_equal(point.count, n);
}

static void what_is_old_enough_begins_anew(void **state)
{
    (void)state;
    struct histogram *h = made(BUCKETS_NATIVE_WITH(.max_buckets = 3, .min_reset = 1e-9));
    for (int e = 0; e < 3; e++)
        histogram_observe(h, ldexp(1, e));
    assert_int_equal(total(view_of(h)), 3);
    histogram_observe(h, 100);
    histogram_observe(h, NAN);
    const struct metric_native_view *v = view_of(h);
    assert_int_equal(total(v), 0);
    assert_int_equal(point.count, 0);
    assert_true(point.value == 0); /* not NaN */
    histogram_observe(h, 5);
    v = view_of(h);
    assert_int_equal(total(v), 1);
    assert_int_equal(v->schema, 3);
    assert_true(fabs(v->created - (double)time(NULL)) < 2);
    assert_true(point.value == 5 && histogram_sum(h) == 5);
    assert_int_equal(histogram_count(h), 1);
}

/* ---- Quantiles ------------------------------------------------------------------------------ */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* PromQL's histogram_quantile for positive buckets: the bucket that holds the rank, and within it
 * a line from its lower to its upper bound. */
static double histogram_quantile(const struct metric_native_view *v, double q, double count)
{
    double rank = q * count, seen = (double)v->zero_count, growth = exp2(ldexp(1, -v->schema));
    unsigned k = 0;
    int32_t index = 0;
    for (unsigned s = 0; s < v->positive.n_spans; s++) {
        index += v->positive.spans[s].offset;
        for (uint32_t i = 0; i < v->positive.spans[s].length; i++, index++, k++) {
            double here = (double)v->positive.counts[k];
            double upper = exp2(ldexp(index, -v->schema));
            if (here > 0 && seen + here >= rank)
                return upper / growth + (upper - upper / growth) * (rank - seen) / here;
            seen += here;
        }
    }
    return NAN;
}

enum { N = 100000 };
static double uniform(void)
{
    return ((double)rand() + .5) / ((double)RAND_MAX + 1);
}
static double exponential(void)
{
    return -log(uniform()) * .02;
}
static double lognormal(void)
{
    double normal = sqrt(-2 * log(uniform())) * cos(2 * acos(-1) * uniform());
    return exp(normal - 5);
}
static double pareto(void)
{
    return .001 / pow(uniform(), 1 / 1.5);
}
static double two_peaks(void)
{
    return rand() % 10 ? .001 + uniform() * .0005 : .5 + uniform();
}

static void assert_quantiles(double (*draw)(void), double factor)
{
    static double values[N];
    struct histogram *h = made(BUCKETS_NATIVE_WITH(.factor = factor, .max_buckets = 100000));
    srand(4);
    for (unsigned i = 0; i < N; i++)
        histogram_observe(h, values[i] = draw());
    qsort(values, N, sizeof *values, ascending);
    const struct metric_native_view *v = view_of(h);
    double width = exp2(ldexp(1, -v->schema));
    assert_true(width <= factor);
    for (double q = .001; q < 1; q += .001) {
        double exact = values[(unsigned)ceil(q * N) - 1], told = histogram_quantile(v, q, N);
        if (!(told / exact <= width && exact / told <= width))
            fail_msg("quantile %g: %g is told, %g is right", q, told, exact);
    }
    forget(NULL);
}

static void a_quantile_is_right_within_its_bucket(void **state)
{
    (void)state;
    double (*const draws[])(void) = {uniform, exponential, lognormal, pareto, two_peaks};
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++) {
        assert_quantiles(draws[i], 1.1);
        assert_quantiles(draws[i], 1.01);
        assert_quantiles(draws[i], 2);
    }
}

/* ---- Threads -------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 50000 };
HISTOGRAM(shared, "shared_seconds", "By all threads.",
          BUCKETS_NATIVE_AND(BUCKETS_EXPONENTIAL(1, 2, 10)));
static atomic_bool done;

static void *observe(void *ctx)
{
    (void)ctx;
    for (unsigned i = 0; i < ROUNDS; i++)
        histogram_observe(&shared, (double)(i % 1000) - 100);
    return NULL;
}

/* In every view the buckets add up to the count, of either kind, and nothing goes back. */
static void *scrape(void *ctx)
{
    struct metric_scratch own = {0};
    struct metric_point p;
    uint64_t before = 0;
    unsigned *wrong = ctx;
    while (!atomic_load(&done)) {
        if (metric_histogram_ops.read(&shared.child, &own, &p) != OK)
            ++*wrong;
        *wrong += total(p.native) != p.count || p.cumulative[p.n - 1] != p.count;
        *wrong += p.count < before || p.cumulative[p.n - 2] > p.count;
        before = p.count;
    }
    metric_scratch_free(&own);
    return NULL;
}

static void all_threads_observe_and_nothing_is_lost(void **state)
{
    (void)state;
    pthread_t threads[THREADS], scraper;
    unsigned wrong = 0;
    assert_int_equal(pthread_create(&scraper, NULL, scrape, &wrong), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, observe, NULL), 0);
    observe(NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&done, true);
    pthread_join(scraper, NULL);
    assert_int_equal(wrong, 0);
    const uint64_t all = (THREADS + 1) * ROUNDS;
    const struct metric_native_view *v = view_of(&shared);
    assert_int_equal(total(v), all);
    assert_int_equal(point.count, all);
    assert_true(point.value == (double)all * 399.5);
    assert_int_equal(v->zero_count, all / 1000);
    assert_int_equal(point.cumulative[0], all / 1000 * 102);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_in_the_bucket_of_the_specification),
        cmocka_unit_test(every_mantissa_is_in_its_bucket),
        cmocka_unit_test(a_power_of_two_belongs_to_the_lower_bucket),
        cmocka_unit_test_teardown(what_is_nearly_zero_is_in_the_zero_bucket, forget),
        cmocka_unit_test_teardown(on_a_new_thread_too, forget),
        cmocka_unit_test(what_is_no_number_is_in_no_bucket_or_in_the_last),
        cmocka_unit_test_teardown(spans_bridge_small_gaps_only, forget),
        cmocka_unit_test(one_declaration_has_both_kinds),
        cmocka_unit_test_teardown(what_is_half_observed_is_not_told, forget),
        cmocka_unit_test(in_text_a_native_histogram_is_its_sum_and_count),
        cmocka_unit_test_teardown(too_many_small_ones_widen_the_zero_bucket, forget),
        cmocka_unit_test_teardown(too_many_large_ones_halve_the_resolution, forget),
        cmocka_unit_test_teardown(the_whole_range_of_doubles_stays_below_the_limit, forget),
        cmocka_unit_test_teardown(what_is_old_enough_begins_anew, forget),
        cmocka_unit_test_teardown(a_quantile_is_right_within_its_bucket, forget),
        cmocka_unit_test(all_threads_observe_and_nothing_is_lost),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    metric_scratch_free(&scratch);
    return failed;
}
