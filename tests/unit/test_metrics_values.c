/* Counters and gauges: what is added is read back, and what makes no sense is counted as an error.
 */
#include "metrics_page.h"

COUNTER(whole, "whole_total", "Whole numbers.");
COUNTER(mixed, "mixed_total", "Numbers of any type.");
COUNTER(refused, "refused_total", "Nothing that makes sense.");
COUNTER(mirrored, "mirrored_total", "A total from elsewhere.");
COUNTER(huge, "huge_total", "More than a double holds exactly.");
GAUGE(level, "level", "Goes up and down.");
GAUGE(timed, "timed_seconds", "How long.");
HISTOGRAM(timed_often, "timed_often_seconds", "How long each time.", BUCKETS_DEFAULT);
SUMMARY(timed_lately, "timed_lately_seconds", "How long lately.", QUANTILES_NONE, WINDOW(60));

static void a_counter_starts_at_zero_and_counts(void **state)
{
    (void)state;
    assert_true(counter_value(&whole) == 0);
    counter_inc(&whole);
    counter_add(&whole, 41);
    assert_true(counter_value(&whole) == 42);
}

static void a_counter_takes_every_number_type(void **state)
{
    (void)state;
    counter_add(&mixed, (short)1);
    counter_add(&mixed, 2);
    counter_add(&mixed, 3L);
    counter_add(&mixed, 4u);
    counter_add(&mixed, (size_t)5);
    counter_add(&mixed, .5f);
    counter_add(&mixed, .25);
    counter_add(&mixed, 0);
    assert_true(counter_value(&mixed) == 15.75);
}

static void senseless_additions_change_nothing_and_are_counted(void **state)
{
    (void)state;
    double negative = errors_of("negative"), nan = errors_of("not_a_number");
    counter_add(&refused, -1);
    counter_add(&refused, -1L);
    counter_add(&refused, -.5);
    counter_add(&refused, NAN);
    counter_add(&refused, INFINITY);
    assert_true(counter_value(&refused) == 0);
    assert_true(errors_of("negative") == negative + 3);
    assert_true(errors_of("not_a_number") == nan + 2);
}

static void whole_counts_are_exact_beyond_doubles(void **state)
{
    (void)state;
    counter_add(&huge, 9007199254740993u); /* 2^53 + 1 */
    char *page = page_of(&metrics_default);
    assert_non_null(strstr(page, "\nhuge_total 9007199254740993\n"));
    free(page);
}

static void a_mirrored_total_never_goes_back(void **state)
{
    (void)state;
    double negative = errors_of("negative");
    counter_mirror(&mirrored, 2.5);
    counter_mirror(&mirrored, 4);
    counter_mirror(&mirrored, 3);
    assert_true(counter_value(&mirrored) == 4);
    assert_true(errors_of("negative") == negative + 1);
}

static void a_gauge_goes_both_ways(void **state)
{
    (void)state;
    gauge_set(&level, 10);
    gauge_inc(&level);
    gauge_dec(&level);
    gauge_dec(&level);
    gauge_add(&level, -.5);
    assert_true(gauge_value(&level) == 8.5);
}

static void a_gauge_shows_the_current_time(void **state)
{
    (void)state;
    gauge_set_to_current_time(&level);
    assert_true(fabs(gauge_value(&level) - (double)time(NULL)) < 2);
}

static int leave_early(void)
{
    TIME (&timed_often) {
        return 1;
    }
    return 0;
}

static void time_observes_however_the_block_is_left(void **state)
{
    (void)state;
    assert_int_equal(leave_early(), 1);
    TIME (&timed_often) {
        break;
    }
    int turns = 0;
    TIME (&timed_often)
        TIME (&timed_lately)
            turns++;
    assert_int_equal(turns, 1);
    assert_int_equal(histogram_count(&timed_often), 3);
    assert_int_equal(summary_count(&timed_lately), 1);
    assert_true(histogram_sum(&timed_often) > 0 && histogram_sum(&timed_often) < 1);
}

static void time_and_stopwatch_measure_seconds(void **state)
{
    (void)state;
    stopwatch w = stopwatch_start();
    TIME (&timed) {
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    }
    assert_true(gauge_value(&timed) >= .02 && gauge_value(&timed) < 2);
    double before = histogram_sum(&timed_often);
    histogram_stop(&timed_often, w);
    assert_true(histogram_sum(&timed_often) - before >= .02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_starts_at_zero_and_counts),
        cmocka_unit_test(a_counter_takes_every_number_type),
        cmocka_unit_test(senseless_additions_change_nothing_and_are_counted),
        cmocka_unit_test(whole_counts_are_exact_beyond_doubles),
        cmocka_unit_test(a_mirrored_total_never_goes_back),
        cmocka_unit_test(a_gauge_goes_both_ways),
        cmocka_unit_test(a_gauge_shows_the_current_time),
        cmocka_unit_test(time_observes_however_the_block_is_left),
        cmocka_unit_test(time_and_stopwatch_measure_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
