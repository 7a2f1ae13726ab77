/* When memory runs out: every allocation fails in turn, and nothing crashes, leaks or lies. */
#include "failing_alloc.h"
#include "metrics_page.h"

struct metrics_registry mine = METRICS_REGISTRY_INIT;
COUNTER_VEC_IN(mine, named, "named_total", "By name.", name);
HISTOGRAM_VEC_IN(mine, sizes, "sizes", "Sizes.", BUCKETS_DEFAULT, name);
HISTOGRAM_VEC_IN(mine, wide, "wide", "Native.", BUCKETS_NATIVE, name);
SUMMARY_VEC_IN(mine, waits, "waits", "Waits.", QUANTILES(.5), WINDOW(600), name);

static void without_memory_with_gives_the_overflow_child(void **state)
{
    (void)state;
    double errors = errors_of("out_of_memory");
    alloc_fail_at(0);
    counter *c = with(named, .name = "new");
    alloc_fail_at(0);
    counter *invalid = with(named, .name = "\xff");
    alloc_fail_at(0);
    histogram *h = with(sizes, .name = "new");
    assert_true(alloc_fail_never());
    counter_inc(c);
    histogram_observe(h, 1);
    assert_ptr_equal(c, with(named, .name = "overflow"));
    assert_ptr_equal(c, invalid);
    assert_true(page_value(&mine, "named_total{name=\"overflow\"}") == 1);
    assert_true(page_value(&mine, "sizes_count{name=\"overflow\"}") == 1);
    assert_true(errors_of("out_of_memory") == errors + 3);
    assert_ptr_not_equal(c, with(named, .name = "new")); /* it works again */
}

static void without_memory_a_summary_keeps_sum_and_count(void **state)
{
    (void)state;
    double errors = errors_of("out_of_memory");
    summary *s = with(waits, .name = "a");
    for (int i = 0; i < 2; i++) {
        alloc_fail_at(0); /* the octave's bins */
        summary_observe(s, 1);
        assert_true(alloc_fail_never());
    }
    assert_int_equal(summary_count(s), 2);
    assert_true(summary_sum(s) == 2);
    assert_true(isnan(summary_quantile(s, .5)));
    assert_true(errors_of("out_of_memory") == errors + 2);
    summary_observe(s, 1);
    assert_false(isnan(summary_quantile(s, .5)));
}

/* The window is longer for a while: it ends where the last copy of the bins was made. */
static void without_memory_a_window_forgets_later(void **state)
{
    (void)state;
    const uint64_t slice = 120 * NS_PER_S;
    uint64_t now = clock_now() + 1000 * slice;
    summary *s = with(waits, .name = "window");
    metrics_tick(now);
    summary_observe(s, 1);
    double errors = errors_of("out_of_memory");
    alloc_fail_at(0);
    metrics_tick(now + slice);
    assert_true(alloc_fail_never());
    assert_true(errors_of("out_of_memory") == errors + 1);
    summary_observe(s, 100);
    metrics_tick(now + 2 * slice);
    metrics_tick(now + 5 * slice);
    assert_true(fabs(summary_quantile(s, 0) - 1) < .01);
    metrics_tick(now + 6 * slice);
    assert_true(isnan(summary_quantile(s, 0)));
    assert_int_equal(summary_count(s), 2);
}

static void without_memory_a_reset_summary_shows_its_old_window(void **state)
{
    (void)state;
    summary *s = with(waits, .name = "reset");
    summary_observe(s, 7);
    without(waits, .name = "reset");
    double errors = errors_of("out_of_memory");
    alloc_fail_at(0);
    assert_ptr_equal(s, with(waits, .name = "reset"));
    assert_true(alloc_fail_never());
    assert_true(errors_of("out_of_memory") == errors + 1);
    assert_int_equal(summary_count(s), 0);
    assert_true(summary_sum(s) == 0);
    assert_false(isnan(summary_quantile(s, .5)));
}

static void without_memory_a_native_histogram_misses_an_observation(void **state)
{
    (void)state;
    double errors = errors_of("out_of_memory");
    histogram *h = with(wide, .name = "a");
    alloc_fail_at(0); /* the chunks of one side */
    histogram_observe(h, 1);
    assert_true(alloc_fail_never());
    assert_int_equal(histogram_count(h), 0);
    assert_true(histogram_sum(h) == 0);
    assert_true(errors_of("out_of_memory") == errors + 1);
    histogram_observe(h, 1);
    assert_int_equal(histogram_count(h), 1);
}

static void a_table_that_cannot_grow_loses_nothing(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 40; n++) {
        char name[20];
        snprintf(name, sizeof name, "grow%u", n);
        alloc_fail_at(n % 2);
        counter *c = with(named, .name = name);
        alloc_fail_never();
        counter *again = with(named, .name = name);
        assert_true(c == again || c == with(named, .name = "overflow"));
    }
}

/* A family that has never been written. */
static struct metric_family *fresh_family(struct metrics_registry *r)
{
    static const char *const labels[] = {"name"};
    const struct metric_spec spec = {.type = METRIC_HISTOGRAM,
                                     .name = "fresh",
                                     .help = "Fresh.",
                                     .labels = labels,
                                     .n_labels = 1,
                                     .buckets = BUCKETS_DEFAULT};
    struct metric_family *f;
    assert_int_equal(metric_family_new(r, &spec, &f, NULL), OK);
    for (int i = 0; i < 3; i++)
        histogram_observe(histogram_with(f, (const char *[]){(const char *[]){"a", "b", "c"}[i]}),
                          i);
    return f;
}

/* Lets allocation n fail; n < 0: none. Returns whether it came, and what was written. */
static int write_fresh(enum metrics_format format, long n, struct buf *out, int *rc)
{
    struct metrics_registry r = METRICS_REGISTRY_INIT;
    struct metric_family *f = fresh_family(&r);
    *out = (struct buf){0};
    assert_int_equal(buf_text(out, "before"), OK);
    alloc_fail_at(n);
    *rc = metrics_write(&r, &(struct metrics_exposition){.format = format}, out);
    int came = alloc_fail_never();
    metric_family_free(f);
    return came;
}

/* Without memory to keep series in, they are written all the same. */
static void an_exposition_fails_cleanly_or_is_whole(void **state)
{
    (void)state;
    for (enum metrics_format format = METRICS_TEXT; format <= METRICS_PROTOBUF; format++) {
        struct buf whole, out;
        int came = 1, failed = 0, did_without = 0, rc;
        write_fresh(format, -1, &whole, &rc);
        for (long n = 0; came; n++) {
            came = write_fresh(format, n, &out, &rc);
            assert_true(rc == OK || (came && rc == ERR_NOMEM));
            assert_int_equal(buf_len(&out), rc == OK ? buf_len(&whole) : strlen("before"));
            assert_memory_equal(buf_data(&out), buf_data(&whole), buf_len(&out));
            failed += rc != OK;
            did_without += came && rc == OK;
            buf_free(&out);
        }
        assert_true(failed > 0);
        assert_int_equal(did_without, 3); /* a child each */
        buf_free(&whole);
    }
}

static const char *const labels[] = {"a", "b"};
static const struct metric_spec specs[] = {
    {.name = "c", .help = "h", .labels = labels, .n_labels = 2},
    {.type = METRIC_HISTOGRAM,
     .name = "h",
     .help = "h",
     .labels = labels,
     .n_labels = 2,
     .buckets = BUCKETS(1, 2)},
    {.type = METRIC_HISTOGRAM,
     .name = "n",
     .help = "h",
     .buckets = BUCKETS_NATIVE_AND(BUCKETS(1, 2))},
    {.type = METRIC_SUMMARY, .name = "s", .help = "h", .window = 60, .quantiles = QUANTILES(.5)},
};

static void a_family_is_made_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        struct metric_family *f = NULL;
        for (long n = 0; !f; n++) {
            struct err err;
            alloc_fail_at(n);
            int rc = metric_family_new(&mine, &specs[i], &f, &err);
            assert_int_equal(rc, alloc_fail_never() ? ERR_NOMEM : OK);
        }
        metric_family_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_with_gives_the_overflow_child),
        cmocka_unit_test(without_memory_a_summary_keeps_sum_and_count),
        cmocka_unit_test(without_memory_a_window_forgets_later),
        cmocka_unit_test(without_memory_a_reset_summary_shows_its_old_window),
        cmocka_unit_test(without_memory_a_native_histogram_misses_an_observation),
        cmocka_unit_test(a_table_that_cannot_grow_loses_nothing),
        cmocka_unit_test(an_exposition_fails_cleanly_or_is_whole),
        cmocka_unit_test(a_family_is_made_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
