/* Infos, state sets, plain summaries, and what functions tell at an exposition. */
#include "metrics_page.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static struct metrics_registry mine = METRICS_REGISTRY_INIT;

INFO_IN(mine, build, "shop_build_info", "What was built.", version, compiler);
STATESET_IN(mine, phase, "shop_phase", "What it is doing.", STATES(starting, open, closing));
STATESET_VEC_IN(mine, doors, "shop_door", "Its doors.", STATES(open, locked), door);
SUMMARY_IN(mine, waits, "waits_seconds", "Sum and count.");
SUMMARY_VEC_IN(mine, walks, "walks_seconds", "Sum and count, labelled.", way);
SUMMARY_VEC_IN(mine, talks, "talks_seconds", "Labelled twice.", who, where);
SUMMARY_IN(mine, rests, "rests_seconds", "The last ten minutes.", QUANTILES(.5));
SUMMARY_VEC_IN(mine, naps, "naps_seconds", "All of it.", QUANTILES(.5), WINDOW(60), who);

static double queue_length(void *ctx)
{
    return *(double *)ctx;
}
static double queued = 3, served = 10;
GAUGE_CALLBACK_IN(mine, length, "queue_length", "Who waits.", queue_length, &queued);
COUNTER_CALLBACK_IN(mine, total, "served_total", "Who waited.", queue_length, &served);

static void assert_formats(const char *text, const char *openmetrics)
{
    for (int format = METRICS_TEXT; format <= METRICS_OPENMETRICS; format++) {
        struct buf out = {0};
        const struct metrics_exposition what = {.format = (enum metrics_format)format};
        assert_int_equal(metrics_write(&mine, &what, &out), OK);
        if (!strstr(buf_cstr(&out), format == METRICS_TEXT ? text : openmetrics))
            fail_msg("not in\n%s", buf_cstr(&out));
        buf_free(&out);
    }
}

static void an_info_says_what_was_set_last(void **state)
{
    (void)state;
    assert_formats("# TYPE shop_build_info gauge\n#", "# TYPE shop_build info\n# HELP shop_build");
    info_set(build, .version = "1", .compiler = "cc");
    info_set(build, .compiler = "cc", .version = "2");
    assert_formats(
        "# TYPE shop_build_info gauge\nshop_build_info{version=\"2\",compiler=\"cc\"} 1\n#",
        "# HELP shop_build What was built.\n"
        "shop_build_info{version=\"2\",compiler=\"cc\"} 1\n#");
    info_set(build, .version = "1", .compiler = "cc");
    assert_true(page_value(&mine, "shop_build_info{version=\"1\",compiler=\"cc\"}") == 1);
    assert_true(isnan(page_value(&mine, "shop_build_info{version=\"2\",compiler=\"cc\"}")));
}

enum { ROUNDS = 5000 };
INFO_IN(mine, raced, "raced_info", "Set by two threads.", who);
static char names[2][2] = {"a", "b"};
static atomic_uint arrived;

/* Spins, so that both go on at the same moment. */
static void meet(unsigned times)
{
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < 2 * times)
        sched_yield();
}

static void count(void *ctx, const char *const values[], void *child)
{
    (void)values;
    (void)child;
    ++*(unsigned *)ctx;
}

/* After each round, in which both have set it, there is one. */
static void *set_again_and_again(void *ctx)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned n = 0;
        meet(2 * i + 1);
        info_set(raced, .who = ctx);
        meet(2 * i + 2);
        metric_each_child(&raced, count, &n);
        wrong += n != 1;
    }
    return (void *)(uintptr_t)wrong;
}

static void of_two_that_set_an_info_at_once_one_wins(void **state)
{
    (void)state;
    pthread_t thread;
    void *wrong;
    assert_int_equal(pthread_create(&thread, NULL, set_again_and_again, names[0]), 0);
    assert_null(set_again_and_again(names[1]));
    pthread_join(thread, &wrong);
    assert_null(wrong);
}

static void a_state_set_has_a_series_a_state(void **state)
{
    (void)state;
    stateset_enter(&phase, starting);
    stateset_enter(&phase, open);
    assert_true(stateset_is(&phase, open));
    assert_false(stateset_is(&phase, starting));
    assert_formats("# TYPE shop_phase gauge\nshop_phase{shop_phase=\"starting\"} 0\n"
                   "shop_phase{shop_phase=\"open\"} 1\nshop_phase{shop_phase=\"closing\"} 0\n",
                   "# TYPE shop_phase stateset\n# HELP shop_phase What it is doing.\n"
                   "shop_phase{shop_phase=\"starting\"} 0\n");
}

static void several_states_may_hold(void **state)
{
    (void)state;
    stateset_set(with(doors, .door = "back"), open, true);
    stateset_set(with(doors, .door = "back"), locked, true);
    stateset_set(with(doors, .door = "back"), open, false);
    stateset_set(with(doors, .door = "back"), locked, true);
    assert_true(page_value(&mine, "shop_door{door=\"back\",shop_door=\"open\"}") == 0);
    assert_true(page_value(&mine, "shop_door{door=\"back\",shop_door=\"locked\"}") == 1);
    without(doors, .door = "back");
    assert_false(stateset_is(with(doors, .door = "back"), locked));
}

static void a_plain_summary_is_sum_and_count(void **state)
{
    (void)state;
    summary_observe(&waits, 2);
    summary_observe(with(walks, .way = "home"), 3);
    summary_observe(with(talks, .who = "a", .where = "b"), 4);
    assert_formats("# TYPE waits_seconds summary\nwaits_seconds_sum 2\nwaits_seconds_count 1\n",
                   "waits_seconds_sum 2\nwaits_seconds_count 1\n");
    assert_true(page_value(&mine, "walks_seconds_sum{way=\"home\"}") == 3);
    assert_true(page_value(&mine, "talks_seconds_sum{who=\"a\",where=\"b\"}") == 4);
}

static void a_summary_with_quantiles_says_so(void **state)
{
    (void)state;
    summary_observe(&rests, 2);
    summary_observe(with(naps, .who = "a"), 3);
    assert_true(fabs(page_value(&mine, "rests_seconds{quantile=\"0.5\"}") - 2) < .02);
    assert_true(fabs(page_value(&mine, "naps_seconds{who=\"a\",quantile=\"0.5\"}") - 3) < .03);
}

static void a_callback_is_asked_at_each_exposition(void **state)
{
    (void)state;
    assert_true(page_value(&mine, "queue_length") == 3);
    queued = 5;
    assert_true(page_value(&mine, "queue_length") == 5);
    assert_true(page_value(&mine, "served_total") == 10);
    served = 12;
    assert_true(page_value(&mine, "served_total") == 12);
}

static void what_a_callback_does_not_know_is_left_out(void **state)
{
    (void)state;
    double errors = errors_of("not_a_number");
    queued = served = NAN;
    assert_true(isnan(page_value(&mine, "queue_length")));
    assert_formats("# TYPE queue_length gauge\n# HELP", "# HELP queue_length Who waits.\n# TYPE");
    assert_true(isnan(page_value(&mine, "served_total")));
    assert_true(errors_of("not_a_number") == errors);
    queued = 1;
    served = 13;
    assert_true(page_value(&mine, "queue_length") == 1);
    assert_true(page_value(&mine, "served_total") == 13);
}

GAUGE_IN(mine, inflight, "inflight", "In progress.");

static int nested(int way)
{
    IN_PROGRESS(&inflight)
    {
        IN_PROGRESS(&inflight)
        {
            assert_true(gauge_value(&inflight) == 2);
            if (way == 0)
                break; /* leaves the inner block */
            if (way == 1)
                return 1;
        }
        assert_true(gauge_value(&inflight) == 1);
    }
    assert_true(gauge_value(&inflight) == 0);
    return 0;
}

static void in_progress_counts_down_however_it_is_left(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        assert_int_equal(nested(way), way == 1);
        assert_true(gauge_value(&inflight) == 0);
    }
}

static void the_dynamic_forms_do_the_same(void **state)
{
    (void)state;
    struct metric_family *f[3];
    const char *states[] = {"in progress", "done"}, *const labels[] = {"version"};
    const struct metric_spec specs[] = {
        {.type = METRIC_INFO, .name = "d_info", .help = "H.", .labels = labels, .n_labels = 1},
        {.type = METRIC_STATESET, .name = "d", .help = "H.", .states = states, .n_states = 2},
        {.type = METRIC_GAUGE, .name = "g", .help = "H.", .read = queue_length, .ctx = &queued},
    };
    assert_int_equal(metric_family_new(&mine, &specs[0], &f[0], NULL), OK);
    assert_int_equal(metric_family_new(&mine, &specs[1], &f[1], NULL), ERR_INVALID); /* a clash */
    metric_family_free(f[0]);
    for (int i = 1; i < 3; i++)
        assert_int_equal(metric_family_new(&mine, &specs[i], &f[i], NULL), OK);
    states[0] = "copied";
    metric_state_enter(stateset_with(f[1], NULL), 1);
    queued = 9;
    assert_true(page_value(&mine, "d{d=\"done\"}") == 1);
    assert_true(page_value(&mine, "d{d=\"in progress\"}") == 0);
    assert_true(page_value(&mine, "g") == 9);
    metric_family_free(f[1]);
    metric_family_free(f[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_info_says_what_was_set_last),
        cmocka_unit_test(of_two_that_set_an_info_at_once_one_wins),
        cmocka_unit_test(a_state_set_has_a_series_a_state),
        cmocka_unit_test(several_states_may_hold),
        cmocka_unit_test(a_plain_summary_is_sum_and_count),
        cmocka_unit_test(a_summary_with_quantiles_says_so),
        cmocka_unit_test(a_callback_is_asked_at_each_exposition),
        cmocka_unit_test(what_a_callback_does_not_know_is_left_out),
        cmocka_unit_test(in_progress_counts_down_however_it_is_left),
        cmocka_unit_test(the_dynamic_forms_do_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
