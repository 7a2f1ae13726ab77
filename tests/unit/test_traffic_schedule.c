/* Arrival times: exact rates, no drift in hours, and what makes a Poisson process one. */
#include "base/clock.h"
#include "traffic/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START 123456789012345ULL

static void test_constant_arrivals_are_evenly_spaced_from_the_start(void **state)
{
    (void)state;
    struct schedule s;
    schedule_init(&s, ARRIVALS_CONSTANT, 1000, START, 1);
    for (uint64_t i = 0; i < 5000; i++, schedule_advance(&s))
        assert_int_equal(schedule_due(&s), START + i * NS_PER_MS);
}

static void test_a_rate_that_is_no_divisor_does_not_drift_in_hours(void **state)
{
    (void)state;
    struct schedule s;
    schedule_init(&s, ARRIVALS_CONSTANT, 700, START, 1);
    for (uint64_t second = 0; second < 10 * 3600; second++) {
        uint64_t due = schedule_due(&s) - START;
        assert_true(due >= second * NS_PER_S && due <= second * NS_PER_S + 1);
        for (int i = 0; i < 700; i++)
            schedule_advance(&s);
    }
}

static void test_slow_and_fast_rates_are_exact(void **state)
{
    (void)state;
    const double rates[] = {SCHEDULE_RATE_MIN, 1.0 / 3, 1, 7, 99999, SCHEDULE_RATE_MAX};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct schedule s;
        schedule_init(&s, ARRIVALS_CONSTANT, rates[i], START, 1);
        for (int n = 0; n < 1000; n++)
            schedule_advance(&s);
        double passed = (double)(schedule_due(&s) - START);
        assert_true(fabs(passed - 1000 / rates[i] * 1e9) <= 1 + passed * 1e-15);
    }
}

static void test_ten_seconds_hold_ten_times_the_rate(void **state)
{
    (void)state;
    for (int rate = 1; rate < 3000; rate++) {
        struct schedule s;
        schedule_init(&s, ARRIVALS_CONSTANT, rate, START, 1);
        assert_int_equal(schedule_skip(&s, START + 10 * NS_PER_S), 10 * rate);
    }
}

static void test_skip_counts_what_was_due(void **state)
{
    (void)state;
    struct schedule s;
    schedule_init(&s, ARRIVALS_CONSTANT, 100, START, 1);
    assert_int_equal(schedule_skip(&s, START), 0); /* `until` itself is not past */
    assert_int_equal(schedule_skip(&s, START + NS_PER_S), 100);
    assert_int_equal(schedule_skip(&s, START + NS_PER_S), 0);
    assert_int_equal(schedule_due(&s), START + NS_PER_S);
}

/* The gaps of a Poisson process have the mean 1 / rate, and the same standard deviation. */
static void test_poisson_gaps_have_the_mean_and_deviation_of_the_rate(void **state)
{
    (void)state;
    enum { N = 1000000 };
    struct schedule s;
    schedule_init(&s, ARRIVALS_POISSON, 1000, START, 42);
    double sum = 0, squares = 0;
    uint64_t before = START;
    for (int i = 0; i < N; i++, schedule_advance(&s)) {
        double gap = (double)(schedule_due(&s) - before) / 1e6;
        before = schedule_due(&s);
        sum += gap;
        squares += gap * gap;
    }
    double mean = sum / N;
    assert_true(fabs(mean - 1) < 0.005); /* five standard errors */
    assert_true(fabs(sqrt(squares / N - mean * mean) - 1) < 0.01);
}

/* In windows of ten mean gaps the counts' variance equals their mean: no clumps, no even spacing.
 */
static void test_poisson_counts_are_as_variable_as_their_mean(void **state)
{
    (void)state;
    enum { WINDOWS = 100000 };
    struct schedule s;
    schedule_init(&s, ARRIVALS_POISSON, 1000, START, 7);
    double sum = 0, squares = 0;
    for (uint64_t w = 1; w <= WINDOWS; w++) {
        double n = (double)schedule_skip(&s, START + w * 10 * NS_PER_MS);
        sum += n;
        squares += n * n;
    }
    double mean = sum / WINDOWS;
    double variance = squares / WINDOWS - mean * mean;
    assert_true(fabs(mean - 10) < 0.1);
    assert_true(fabs(variance - 10) < 0.3);
}

static void test_the_same_seed_gives_the_same_arrivals(void **state)
{
    (void)state;
    struct schedule a, b, c;
    schedule_init(&a, ARRIVALS_POISSON, 50, START, 5);
    schedule_init(&b, ARRIVALS_POISSON, 50, START, 5);
    schedule_init(&c, ARRIVALS_POISSON, 50, START, 6);
    int differs = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(schedule_due(&a), schedule_due(&b));
        differs += schedule_due(&a) != schedule_due(&c);
        schedule_advance(&a);
        schedule_advance(&b);
        schedule_advance(&c);
    }
    assert_true(differs > 90);
}

/* As many as the area beneath the rate, each at its time. */
static void test_a_ramp_makes_as_many_as_lie_beneath_it(void **state)
{
    (void)state;
    const struct schedule_stage stages[] = {{100, 10}, {100, 5}, {0, 0}, {0, 20}, {50, 4}, {0, 0}};
    const double area[] = {500, 500, 0, 0, 100};
    struct schedule s;
    schedule_init_ramp(&s, 0, stages, 6, START);
    double from = 0;
    for (int i = 0; i < 5; from += stages[i++].seconds) {
        uint64_t until = START + (uint64_t)((from + stages[i].seconds) * (double)NS_PER_S);
        assert_int_equal(schedule_skip(&s, until), area[i]);
    }
    assert_true(schedule_due(&s) == UINT64_MAX);
    schedule_advance(&s);
    assert_true(schedule_due(&s) == UINT64_MAX);
}

static void test_a_ramp_of_one_rate_is_a_constant_one(void **state)
{
    (void)state;
    const struct schedule_stage stages[] = {{40, 5}, {40, 5}};
    struct schedule s;
    schedule_init_ramp(&s, 40, stages, 2, START);
    for (uint64_t i = 0; i < 400; i++, schedule_advance(&s)) {
        uint64_t exact = START + i * NS_PER_S / 40;
        assert_true(schedule_due(&s) + 1 >= exact && schedule_due(&s) <= exact + 1);
    }
    assert_true(schedule_due(&s) == UINT64_MAX);
}

/* 0 to 100 in ten seconds: arrival n is due when 5 t^2 are n. */
static void test_a_ramp_spaces_by_its_rate_at_that_time(void **state)
{
    (void)state;
    const struct schedule_stage stages[] = {{100, 10}};
    struct schedule s;
    schedule_init_ramp(&s, 0, stages, 1, START);
    for (int i = 0; i < 500; i++, schedule_advance(&s)) {
        double due = (double)(schedule_due(&s) - START) / (double)NS_PER_S;
        assert_true(fabs(due - sqrt(i / 5.0)) < 1e-6);
    }
    assert_true(schedule_ramp_rate(0, stages, 1, 2.5) == 25);
    assert_true(schedule_ramp_rate(0, stages, 1, 11) == 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_arrivals_are_evenly_spaced_from_the_start),
        cmocka_unit_test(test_a_rate_that_is_no_divisor_does_not_drift_in_hours),
        cmocka_unit_test(test_slow_and_fast_rates_are_exact),
        cmocka_unit_test(test_ten_seconds_hold_ten_times_the_rate),
        cmocka_unit_test(test_skip_counts_what_was_due),
        cmocka_unit_test(test_poisson_gaps_have_the_mean_and_deviation_of_the_rate),
        cmocka_unit_test(test_poisson_counts_are_as_variable_as_their_mean),
        cmocka_unit_test(test_the_same_seed_gives_the_same_arrivals),
        cmocka_unit_test(test_a_ramp_makes_as_many_as_lie_beneath_it),
        cmocka_unit_test(test_a_ramp_of_one_rate_is_a_constant_one),
        cmocka_unit_test(test_a_ramp_spaces_by_its_rate_at_that_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
