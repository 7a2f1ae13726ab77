/*
 * Properties of histograms and summaries over many random inputs: each value is in the bucket that
 * a plain search finds, and each quantile is within 0.78 % of the exact one.
 */
#include "metrics_page.h"

#include <float.h>
#include <pthread.h>

struct metrics_registry mine = METRICS_REGISTRY_INIT;

static double uniform(void)
{
    return drand48();
}

static struct metric_family *made(const struct metric_spec *spec)
{
    struct metric_family *f;
    struct err err;
    if (metric_family_new(&mine, spec, &f, &err) != OK)
        fail_msg("%s", err.text);
    return f;
}

static struct metric_family *made_histogram(const double *at, unsigned n)
{
    const struct metric_buckets buckets = {.at = at, .n = n};
    return made(&(struct metric_spec){
        .type = METRIC_HISTOGRAM, .name = "any", .help = "h", .buckets = &buckets});
}

/* ---- Buckets -------------------------------------------------------------------------------- */

enum { MAX_BOUNDS = METRICS_MAX_BUCKETS, FREE_VALUES = 300 };

static double bounds[MAX_BOUNDS];
static unsigned n_bounds;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts them and drops what is there twice. */
static void settle_bounds(unsigned n)
{
    qsort(bounds, n, sizeof *bounds, ascending);
    n_bounds = 0;
    for (unsigned i = 0; i < n; i++)
        if (n_bounds == 0 || bounds[i] > bounds[n_bounds - 1])
            bounds[n_bounds++] = bounds[i];
}

/* Any double: bits at random, but no NaN. */
static double anything(void)
{
    uint64_t bits = (uint64_t)mrand48() << 32 ^ (uint32_t)mrand48();
    double value;
    memcpy(&value, &bits, sizeof value);
    return isnan(value) ? INFINITY : value;
}

static double positive(void)
{
    return fabs(anything());
}
static double of_latency(void)
{
    return exp(uniform() * 16 - 12);
}
static double around_zero(void)
{
    return rint(uniform() * 40 - 20);
}
static double from_zero(void)
{
    return rint(uniform() * 40);
}
static double close_together(void)
{
    return 1e6 + rint(uniform() * 1000);
}
static double next_to_each_other(void)
{
    return 1 + rint(uniform() * 300) * DBL_EPSILON;
}

static unsigned plain_search(double value)
{
    unsigned i = 0;
    while (i < n_bounds && value > bounds[i])
        i++;
    return i;
}

static uint64_t counted[MAX_BOUNDS + 1];

static void observe(histogram *h, double value)
{
    histogram_observe(h, value);
    counted[plain_search(value)]++;
}

static void observe_around_bounds(histogram *h)
{
    for (unsigned i = 0; i < n_bounds; i++) {
        observe(h, bounds[i]);
        observe(h, nextafter(bounds[i], INFINITY));
        observe(h, nextafter(bounds[i], -INFINITY));
    }
}

static void observe_extremes(histogram *h)
{
    const double values[] = {0,       -0.0,    DBL_MIN,  -DBL_MIN, 5e-324,
                             -5e-324, DBL_MAX, -DBL_MAX, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        observe(h, values[i]);
}

static void assert_counted(const histogram *h)
{
    uint64_t cumulative = 0;
    for (unsigned i = 0; i <= n_bounds; i++) {
        cumulative += counted[i];
        assert_int_equal(histogram_bucket(h, i), cumulative);
    }
    assert_int_equal(histogram_count(h), cumulative);
}

static void check_buckets(double (*draw)(void))
{
    struct metric_family *f = made_histogram(bounds, n_bounds);
    histogram *h = histogram_with(f, NULL);
    memset(counted, 0, sizeof counted);
    observe_around_bounds(h);
    observe_extremes(h);
    for (unsigned i = 0; i < FREE_VALUES; i++)
        observe(h, draw() * (1 + uniform() * .1));
    assert_counted(h);
    metric_family_free(f);
}

static void every_value_is_in_the_bucket_that_a_plain_search_finds(void **state)
{
    (void)state;
    double (*const draws[])(void) = {positive,  of_latency,     around_zero,        anything,
                                     from_zero, close_together, next_to_each_other, uniform};
    srand48(1);
    for (unsigned i = 0; i < 800; i++) {
        double (*draw)(void) = draws[i % 8];
        unsigned n = i % 3 ? 1 + (unsigned)(uniform() * 20) : 1 + (unsigned)(uniform() * 256);
        for (unsigned k = 0; k < n; k++)
            do
                bounds[k] = draw();
            while (isinf(bounds[k]));
        settle_bounds(n);
        check_buckets(draw);
    }
}

static void common_buckets_need_no_search(void **state)
{
    (void)state;
    static const struct {
        const double at[3];
        bool led;
    } cases[] = {{{.005, .01, 10}, true},
                 {{0, 1, 2}, true},
                 {{1, 2, 1e9}, true},
                 {{-1, 0, 1}, false},
                 {{1, 1 + DBL_EPSILON, 1e9}, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct metric_family *f = made_histogram(cases[i].at, 3);
        assert_int_equal(f->grid.cells != NULL, cases[i].led);
        metric_family_free(f);
    }
}

/* ---- Quantiles ------------------------------------------------------------------------------ */

enum { N = 20000 };

static double exponential(void)
{
    return -log(1 - uniform()) * .1;
}
static double normal(void)
{
    return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}
static double lognormal(void)
{
    return exp(normal() * 2 - 5);
}
static double bimodal(void)
{
    return uniform() < .9 ? .001 + uniform() * .0005 : .5 + uniform();
}
static double constant(void)
{
    return .123456789;
}
static double negative(void)
{
    return -1 - exponential() * 100;
}
static double of_both_signs(void)
{
    return normal() * 1000;
}
static double of_huge_range(void)
{
    return (uniform() < .5 ? -1 : 1) * exp2(uniform() * 127 - 63.5);
}

static double values[N];

static void *observe_half(void *ctx)
{
    for (unsigned i = N / 2; i < N; i++)
        summary_observe(ctx, values[i]);
    return NULL;
}

static void check_quantiles(double (*draw)(void))
{
    struct metric_family *f = made(
        &(struct metric_spec){.type = METRIC_SUMMARY, .name = "any", .help = "h", .window = 600});
    pthread_t thread;
    summary *s = summary_with(f, NULL);
    for (unsigned i = 0; i < N; i++)
        values[i] = draw();
    assert_int_equal(pthread_create(&thread, NULL, observe_half, s), 0);
    for (unsigned i = 0; i < N / 2; i++)
        summary_observe(s, values[i]);
    pthread_join(thread, NULL);
    qsort(values, N, sizeof *values, ascending);
    for (double q = 0; q <= 1; q += .0005) {
        unsigned rank = (unsigned)ceil(q * N);
        double exact = values[rank ? rank - 1 : 0], told = summary_quantile(s, q);
        if (!(fabs(told - exact) <= fabs(exact) * .0078))
            fail_msg("quantile %g: %g is told, %g is right", q, told, exact);
    }
    assert_int_equal(summary_count(s), N);
    metric_family_free(f);
}

static void quantiles_are_within_their_bound(void **state)
{
    (void)state;
    double (*const draws[])(void) = {uniform,  exponential, lognormal,     bimodal,
                                     constant, negative,    of_both_signs, of_huge_range};
    srand48(2);
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++)
        check_quantiles(draws[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_in_the_bucket_that_a_plain_search_finds),
        cmocka_unit_test(common_buckets_need_no_search),
        cmocka_unit_test(quantiles_are_within_their_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
