/* The helpers for tests of others: look-ups, and differences that a person reads. */
#include "metrics/testing.h"
#include "metrics_page.h"

struct metrics_registry mine = METRICS_REGISTRY_INIT;
COUNTER_VEC_IN(mine, jobs, "jobs_total", "Jobs.", queue, state);
GAUGE_IN(mine, level, "level", "Level.");
HISTOGRAM_IN(mine, spread, "spread_seconds", "Spread.", BUCKETS(.5, 1));

static int set(void **state)
{
    (void)state;
    metric_clear(&jobs);
    counter_add(with(jobs, .queue = "mail", .state = "a,\"}b\\"), 3);
    counter_add(with(jobs, .queue = "post", .state = ""), 4);
    gauge_set(&level, 1.5);
    return 0;
}

static void a_value_is_found_by_name_and_labels(void **state)
{
    (void)state;
    histogram_observe(&spread, .7);
    assert_true(metric_value(&mine, "level") == 1.5);
    assert_true(metric_value(&mine, "jobs_total{queue=\"post\",state=\"\"}") == 4);
    assert_true(metric_value(&mine, "jobs_total{state=\"\",queue=\"post\"}") == 4);
    assert_true(metric_value(&mine, "jobs_total{queue=\"mail\",state=\"a,\\\"}b\\\\\"}") == 3);
    assert_true(metric_value(&mine, "spread_seconds_bucket{le=\"0.5\"}") == 0);
    assert_true(metric_value(&mine, "spread_seconds_bucket{le=\"1.0\"}") == 1);
    assert_true(metric_value(&mine, "spread_seconds_sum") == .7);
    assert_true(metric_value(NULL, "process_open_fds") > 0); /* the default registry */
}

static void what_is_not_there_is_nan(void **state)
{
    static const char *const absent[] = {"",
                                         "lev",
                                         "level2",
                                         "level{a=\"b\"}",
                                         "jobs_total",
                                         "jobs_total{queue=\"post\"}",
                                         "jobs_total{queue=\"post\",state=\"x\"}",
                                         "jobs_total{queue=\"post\"",
                                         "jobs_total{queue=post}",
                                         "spread_seconds"};
    (void)state;
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (!isnan(metric_value(&mine, absent[i])))
            fail_msg("\"%s\" has a value", absent[i]);
}

#define HEAD "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\n"
#define MAIL "jobs_total{queue=\"mail\",state=\"a,\\\"}b\\\\\"} 3\n"
#define POST "jobs_total{queue=\"post\",state=\"\"} 4\n"

static void the_same_is_no_difference(void **state)
{
    (void)state;
    assert_null(metrics_expect(&mine, HEAD MAIL POST, "jobs_total"));
    assert_null(
        metrics_expect(&mine, "# HELP level Level.\n# TYPE level gauge\nlevel 1.5\n", "level"));
    assert_null(metrics_expect(&mine, "", "no_such"));
}

static void expect_difference(const char *expected, const char *difference)
{
    char *said = metrics_expect(&mine, expected, "jobs_total");
    assert_non_null(said);
    assert_string_equal(said, difference);
    free(said);
}

#define SAME_HEAD "  # HELP jobs_total Jobs.\n  # TYPE jobs_total counter\n"

static void a_difference_is_told_line_by_line(void **state)
{
    (void)state;
    expect_difference(HEAD MAIL "jobs_total{queue=\"post\",state=\"\"} 5\n",
                      SAME_HEAD "  " MAIL "- jobs_total{queue=\"post\",state=\"\"} 5\n+ " POST);
    expect_difference(HEAD POST, SAME_HEAD "+ " MAIL "  " POST);
    expect_difference(HEAD MAIL "more 1\n" POST, SAME_HEAD "  " MAIL "- more 1\n  " POST);
    expect_difference(HEAD MAIL, SAME_HEAD "  " MAIL "+ " POST);
    expect_difference(HEAD MAIL POST "more 1",
                      SAME_HEAD "  " MAIL "  " POST "- more 1\n(without an end of line)\n");
    expect_difference(HEAD POST MAIL, SAME_HEAD "- " POST "  " MAIL "+ " POST);
    expect_difference("",
                      "+ # HELP jobs_total Jobs.\n+ # TYPE jobs_total counter\n+ " MAIL "+ " POST);
}

static void without_a_name_all_is_compared(void **state)
{
    (void)state;
    char *said = metrics_expect(&mine, HEAD MAIL POST);
    assert_non_null(strstr(said, "+ level 1.5\n"));
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_value_is_found_by_name_and_labels, set),
        cmocka_unit_test_setup(what_is_not_there_is_nan, set),
        cmocka_unit_test_setup(the_same_is_no_difference, set),
        cmocka_unit_test_setup(a_difference_is_told_line_by_line, set),
        cmocka_unit_test_setup(without_a_name_all_is_compared, set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
