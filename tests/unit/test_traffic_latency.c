/* Percentiles to 1 %, against the sorted values themselves. */
#include "traffic/latency.h"
#include "traffic/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 100000 };

static struct latency l;
static uint64_t values[N];

static int clear(void **state)
{
    (void)state;
    memset(&l, 0, sizeof l);
    return 0;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void check_quantile(double q)
{
    uint64_t exact = values[(size_t)ceil(q * N) - 1];
    double error = fabs((double)latency_quantile(&l, q) - (double)exact) / (double)exact;
    if (error > 0.01)
        fail_msg("quantile %g is off by %g", q, error);
}

static void check_quantiles(void)
{
    for (int i = 0; i < N; i++)
        latency_record(&l, values[i]);
    qsort(values, N, sizeof *values, by_size);
    const double quantiles[] = {.001, .01, .1, .25, .5, .75, .9, .95, .99, .999, .9999, 1};
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        check_quantile(quantiles[i]);
}

static void test_uniform_latencies(void **state)
{
    (void)state;
    struct random r = {1};
    for (int i = 0; i < N; i++)
        values[i] = 50000 + random_below(&r, 4000000);
    check_quantiles();
}

static void test_latencies_from_microseconds_to_minutes(void **state)
{
    (void)state;
    struct random r = {2};
    for (int i = 0; i < N; i++)
        values[i] = (uint64_t)exp(7 + 18 * random_unit(&r));
    check_quantiles();
}

static void test_exponential_latencies(void **state)
{
    (void)state;
    struct random r = {3};
    for (int i = 0; i < N; i++)
        values[i] = 1000 + (uint64_t)(-log(random_unit(&r)) * 1e6);
    check_quantiles();
}

static void test_every_value_lands_in_a_bucket_that_holds_it(void **state)
{
    (void)state;
    for (uint64_t ns = 1; ns < LATENCY_MAX_NS; ns += 1 + ns / 999) {
        memset(&l, 0, sizeof l);
        latency_record(&l, ns);
        latency_record(&l, LATENCY_MAX_NS); /* else the maximum would be the answer */
        uint64_t told = latency_quantile(&l, .5);
        uint64_t off = told > ns ? told - ns : ns - told;
        assert_true(off * 100 <= ns);
    }
}

static void test_empty_tells_nothing(void **state)
{
    (void)state;
    assert_int_equal(latency_quantile(&l, .5), 0);
    assert_int_equal(latency_quantile(&l, 1), 0);
}

static void test_one_value_is_every_quantile(void **state)
{
    (void)state;
    latency_record(&l, 1234567);
    assert_int_equal(latency_quantile(&l, 0), 1234567);
    assert_int_equal(latency_quantile(&l, .5), 1234567);
    assert_int_equal(latency_quantile(&l, 1), 1234567);
}

static void test_what_is_too_long_is_kept_as_the_longest(void **state)
{
    (void)state;
    latency_record(&l, UINT64_MAX);
    latency_record(&l, LATENCY_MAX_NS + 1);
    assert_int_equal(l.count, 2);
    assert_true(latency_quantile(&l, .5) > LATENCY_MAX_NS - LATENCY_MAX_NS / 100);
    assert_int_equal(l.max, LATENCY_MAX_NS);
}

static void test_merge_is_as_if_recorded_in_one(void **state)
{
    (void)state;
    static struct latency a, b;
    struct random r = {4};
    for (int i = 0; i < N; i++) {
        uint64_t ns = random_below(&r, 100000000);
        latency_record(&l, ns);
        latency_record(i % 3 ? &a : &b, ns);
    }
    latency_merge(&a, &b);
    assert_memory_equal(&a, &l, sizeof l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_uniform_latencies, clear),
        cmocka_unit_test_setup(test_latencies_from_microseconds_to_minutes, clear),
        cmocka_unit_test_setup(test_exponential_latencies, clear),
        cmocka_unit_test_setup(test_every_value_lands_in_a_bucket_that_holds_it, clear),
        cmocka_unit_test_setup(test_empty_tells_nothing, clear),
        cmocka_unit_test_setup(test_one_value_is_every_quantile, clear),
        cmocka_unit_test_setup(test_what_is_too_long_is_kept_as_the_longest, clear),
        cmocka_unit_test_setup(test_merge_is_as_if_recorded_in_one, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
