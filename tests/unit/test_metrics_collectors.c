/* Custom collectors, and metrics in several registries. */
#include "failing_alloc.h"
#include "metrics/collector.h"
#include "metrics_page.h"

static struct metrics_registry mine = METRICS_REGISTRY_INIT, other = METRICS_REGISTRY_INIT;

COUNTER_IN(mine, events, "events_total", "Events.");
GAUGE_VEC_IN(mine, jobs, "jobs", "Jobs.", queue);
HISTOGRAM_IN(mine, sizes, "sizes", "Sizes.", BUCKETS(1));
SUMMARY_IN(mine, waits, "waits", "Waits.");
STATESET_IN(mine, phase, "phase", "Phase.", STATES(open, closed));

static const struct table {
    const char *name;
    double rows;
} tables[] = {{"fruit", 17}, {"hello", 4}};

static void collect_tables(void *ctx, struct metrics_sink *out)
{
    double *factor = ctx;
    metrics_emit_family(out, METRIC_GAUGE, "table_rows", "Rows by table.", "schema", "table");
    for (size_t i = 0; i < 2; i++)
        metrics_emit(out, *factor * tables[i].rows, "public", tables[i].name);
    metrics_emit_family(out, METRIC_COUNTER, "commits_total", "Commits.");
    metrics_emit(out, 9);
}
static double factor = 1;
static const struct metrics_collector database = {collect_tables, &factor};

static int leave(void **state)
{
    (void)state;
    mine.n_collectors = 0;
    return 0;
}

static void add(const struct metrics_collector *collector)
{
    assert_int_equal(metrics_collector_register(&mine, collector), OK);
}

static void a_collector_is_asked_at_each_exposition(void **state)
{
    (void)state;
    add(&database);
    for (factor = 1; factor < 3; factor++)
        assert_true(page_value(&mine, "table_rows{schema=\"public\",table=\"fruit\"}") ==
                    17 * factor);
    factor = 1;
    assert_true(page_value(&mine, "commits_total") == 9);
    metrics_collector_unregister(&mine, &database);
    assert_true(isnan(page_value(&mine, "commits_total")));
}

static void families_are_sorted_whoever_tells_them(void **state)
{
    (void)state;
    add(&database);
    char *page = page_of(&mine);
    const char *const names[] = {"# TYPE commits_total counter\ncommits_total 9\n",
                                 "# TYPE events_total",
                                 "# TYPE jobs",
                                 "# TYPE sizes",
                                 "# TYPE table_rows gauge\ntable_rows{",
                                 "# TYPE waits"};
    const char *at = page;
    for (size_t i = 0; i < 6; i++)
        if (!(at = strstr(at, names[i])))
            fail_msg("%s is not in its place in\n%s", names[i], page);
    free(page);
}

static void a_collector_may_be_in_several_registries(void **state)
{
    (void)state;
    add(&database);
    assert_int_equal(metrics_collector_register(&other, &database), OK);
    assert_true(page_value(&mine, "commits_total") == 9);
    assert_true(page_value(&other, "commits_total") == 9);
    metrics_collector_unregister(&other, &database);
    assert_page(&other, "");
    for (unsigned i = 0; i < METRICS_MAX_COLLECTORS - 1; i++)
        add(&database);
    assert_int_equal(metrics_collector_register(&mine, &database), ERR_FULL);
}

static void collect_buckets(void *ctx, struct metrics_sink *out)
{
    (void)ctx;
    const struct metric_spec spec = {.type = METRIC_HISTOGRAM,
                                     .name = "disk_seconds",
                                     .help = "Disk.",
                                     .labels = (const char *const[]){"disk"},
                                     .n_labels = 1,
                                     .buckets = BUCKETS(.1, 1)};
    metrics_emit_spec(out, &spec);
    metrics_emit_buckets(out, 2.5, (const uint64_t[]){1, 3, 4}, (const char *const[]){"sda"}, 1);
    metrics_emit_buckets(out, 2.5, (const uint64_t[]){3, 1, 4}, (const char *const[]){"sdb"}, 1);
}

static void a_collector_tells_of_histograms(void **state)
{
    (void)state;
    static const struct metrics_collector disks = {collect_buckets, NULL};
    double errors = errors_of("collector");
    add(&disks);
    assert_true(page_value(&mine, "disk_seconds_bucket{disk=\"sda\",le=\"1.0\"}") == 3);
    assert_true(page_value(&mine, "disk_seconds_bucket{disk=\"sda\",le=\"+Inf\"}") == 4);
    assert_true(page_value(&mine, "disk_seconds_sum{disk=\"sda\"}") == 2.5);
    assert_true(isnan(page_value(&mine, "disk_seconds_sum{disk=\"sdb\"}"))); /* they go down */
    assert_true(errors_of("collector") == errors + 4);
}

static void collect_sums(void *ctx, struct metrics_sink *out)
{
    (void)ctx;
    metrics_emit_family(out, METRIC_SUMMARY, "read_seconds", "Reading.", "disk");
    metrics_emit_sum(out, 2.5, 7, (const char *const[]){"sda"}, 1);
    metrics_emit(out, 2.5, "sdb"); /* a value alone is none of a summary */
    metrics_emit_family(out, METRIC_GAUGE, "depth", "A gauge.");
    metrics_emit_sum(out, 2.5, 7, NULL, 0); /* nor are two of a gauge */
    metrics_emit_spec(out, &(const struct metric_spec){.type = METRIC_SUMMARY,
                                                       .name = "write_seconds",
                                                       .help = "Writing.",
                                                       .quantiles = QUANTILES(.5)});
}

static void a_collector_tells_of_sums_and_counts(void **state)
{
    (void)state;
    static const struct metrics_collector disks = {collect_sums, NULL};
    double errors = errors_of("collector");
    add(&disks);
    assert_true(page_value(&mine, "read_seconds_sum{disk=\"sda\"}") == 2.5);
    assert_true(page_value(&mine, "read_seconds_count{disk=\"sda\"}") == 7);
    assert_true(isnan(page_value(&mine, "read_seconds_count{disk=\"sdb\"}")));
    assert_true(isnan(page_value(&mine, "depth")));
    assert_true(isnan(page_value(&mine, "write_seconds_count")));
    assert_true(errors_of("collector") == errors + 15); /* at each of five */
}

/* Each of these is a mistake, and what comes right before and after it is not. */
static void collect_wrong(void *ctx, struct metrics_sink *out)
{
    (void)ctx;
    metrics_emit(out, 1); /* without a family */
    metrics_emit_family(out, METRIC_GAUGE, "right", "Right.", "a");
    metrics_emit(out, 1, "x");
    metrics_emit(out, 2, "x");      /* 1 twice */
    metrics_emit(out, 2, "x", "y"); /* 2 a label too many */
    metrics_emit(out, 2);           /* 3 one too few */
    metrics_emit(out, 3, "overflow");
    metrics_emit_family(out, METRIC_GAUGE, "wrong name", "Wrong."); /* 4 */
    metrics_emit(out, 1);                                           /* goes with it */
    metrics_emit_family(out, METRIC_GAUGE, "events", "Clashes.");   /* 5 */
    metrics_emit_family(out, METRIC_GAUGE, "right_total", "A gauge.");
    metrics_emit_family(out, METRIC_COUNTER, "right", "Another type.", "a"); /* 6 */
    metrics_emit_family(out, METRIC_GAUGE, "right", "Other labels.", "b");   /* 7 */
    metrics_emit_family(out, METRIC_INFO, "told_info", "Cannot.");           /* 8 */
    metrics_emit_family(out, METRIC_COUNTER, "down_total", "Goes down.");
    metrics_emit(out, -1); /* 9 */
    metrics_emit_family(out, METRIC_GAUGE, "right", "Gone on with.", "a");
    metrics_emit(out, 5, "z\n\"");
}

static void what_makes_no_sense_is_left_out_and_counted(void **state)
{
    (void)state;
    static const struct metrics_collector wrong = {collect_wrong, NULL};
    double errors = errors_of("collector");
    add(&wrong);
    char *page = page_of(&mine);
    assert_non_null(strstr(page, "# TYPE right gauge\nright{a="));
    assert_non_null(strstr(page, "right{a=\"x\"} 1\n"));
    assert_non_null(strstr(page, "right{a=\"overflow\"} 3\n"));
    assert_non_null(strstr(page, "right{a=\"z\\n\\\"\"} 5\n"));
    assert_null(strstr(page, "right 2"));
    assert_null(strstr(page, "wrong"));
    assert_null(strstr(page, "Clashes"));
    assert_null(strstr(page, "down_total -1"));
    free(page);
    assert_true(errors_of("collector") == errors + 9);
}

static void without_memory_the_exposition_fails_whole(void **state)
{
    (void)state;
    static const struct metrics_collector disks = {collect_buckets, NULL};
    int failed = 1, failures = 0;
    add(&database);
    add(&disks);
    counter_inc(&events); /* every child has been shown once */
    char *whole = page_of(&mine);
    for (long n = 0; failed; n++, failures += failed) {
        struct buf out = {0};
        alloc_fail_at(n);
        int rc = metrics_registry_write_text(&mine, &out);
        failed = alloc_fail_never();
        assert_true(rc == OK || failed);
        if (rc == OK)
            assert_string_equal(buf_cstr(&out), whole);
        else
            assert_int_equal(buf_len(&out), 0);
        buf_free(&out);
    }
    assert_true(failures > 10);
    free(whole);
}

/* ---- Several registries --------------------------------------------------------------------- */

static void a_metric_may_be_in_several_registries(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(metrics_register(&other, &events, NULL), OK);
    assert_int_equal(metrics_register(&other, &jobs, NULL), OK);
    assert_int_equal(metrics_register(&other, &sizes, NULL), OK);
    assert_int_equal(metrics_register(&other, &waits, NULL), OK);
    assert_int_equal(metrics_register(&other, &phase.set, NULL), OK);
    assert_int_equal(metrics_register(&other, &events, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "is taken by \"events_total\""));
    gauge_set(with(jobs, .queue = "mail"), 3);
    char *here = page_of(&mine), *there = page_of(&other);
    assert_string_equal(here, there);
    assert_non_null(strstr(here, "jobs{queue=\"mail\"} 3\n"));
    metrics_unregister(&other, &events);
    metrics_unregister(&other, &events); /* it is not there */
    assert_true(isnan(page_value(&other, "events_total")));
    assert_false(isnan(page_value(&mine, "events_total")));
    metrics_unregister(&other, &jobs);
    metrics_unregister(&other, &sizes);
    metrics_unregister(&other, &waits);
    metrics_unregister(&other, &phase.set);
    assert_page(&other, "");
    free(here);
    free(there);
}

static void out_of_all_registries_it_goes_on_counting(void **state)
{
    (void)state;
    double before = counter_value(&events);
    metrics_unregister(&mine, &events);
    counter_inc(&events);
    assert_true(isnan(page_value(&mine, "events_total")));
    assert_int_equal(metrics_register(&mine, &events, NULL), OK);
    assert_true(page_value(&mine, "events_total") == before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_collector_is_asked_at_each_exposition, leave),
        cmocka_unit_test_teardown(families_are_sorted_whoever_tells_them, leave),
        cmocka_unit_test_teardown(a_collector_may_be_in_several_registries, leave),
        cmocka_unit_test_teardown(a_collector_tells_of_histograms, leave),
        cmocka_unit_test_teardown(a_collector_tells_of_sums_and_counts, leave),
        cmocka_unit_test_teardown(what_makes_no_sense_is_left_out_and_counted, leave),
        cmocka_unit_test_teardown(without_memory_the_exposition_fails_whole, leave),
        cmocka_unit_test(a_metric_may_be_in_several_registries),
        cmocka_unit_test(out_of_all_registries_it_goes_on_counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
