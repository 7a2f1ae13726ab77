/* Many threads update and make children while another writes expositions: nothing is lost. */
#include "metrics_page.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 20000, NAMES = 50 };

COUNTER(events, "events_total", "Events.");
COUNTER(halves, "halves_total", "Halves.");
GAUGE(level, "level", "Level.");
HISTOGRAM(sizes, "sizes", "Sizes.", BUCKETS_DEFAULT);
SUMMARY(waits, "waits", "Waits.", QUANTILES(.5, .99), WINDOW(600));
COUNTER_VEC(named, "named_total", "By name.", name, kind);
GAUGE_VEC(flicker, "flicker", "Comes and goes.", name);

static void *update(void *ctx)
{
    (void)ctx;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%u", i % NAMES);
        counter_inc(&events);
        counter_add(&halves, .5);
        gauge_inc(&level);
        histogram_observe(&sizes, i % 12);
        summary_observe(&waits, 1 + i % 10);
        counter_inc(with(named, .name = name, .kind = "x"));
        gauge_set(with(flicker, .name = name), 1);
        without(flicker, .name = name);
    }
    return NULL;
}

static atomic_bool done;

/* In every page +Inf equals the count, and counters do not go back. */
static void *scrape(void *ctx)
{
    unsigned *wrong = ctx;
    double before = 0;
    for (uint64_t now = clock_now(); !atomic_load(&done); now += NS_PER_MS) {
        struct buf out = {0};
        if (metrics_write_text(&out) != OK)
            ++*wrong;
        double inf = 0, count = 0, total = 0;
        const char *page = buf_cstr(&out);
        sscanf(strstr(page, "sizes_bucket{le=\"+Inf\"} "), "sizes_bucket{le=\"+Inf\"} %lf", &inf);
        sscanf(strstr(page, "sizes_count "), "sizes_count %lf", &count);
        sscanf(strstr(page, "\nevents_total "), "\nevents_total %lf", &total);
        *wrong += inf != count || total < before;
        before = total;
        buf_free(&out);
        metrics_tick(now);
    }
    return NULL;
}

static void nothing_is_lost(void **state)
{
    (void)state;
    pthread_t threads[THREADS], scraper;
    unsigned wrong = 0;
    assert_int_equal(pthread_create(&scraper, NULL, scrape, &wrong), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, update, NULL), 0);
    update(NULL); /* the thread with cells of its own */
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&done, true);
    pthread_join(scraper, NULL);

    const double all = (THREADS + 1.0) * ROUNDS;
    assert_int_equal(wrong, 0);
    assert_true(counter_value(&events) == all);
    assert_true(counter_value(&halves) == all / 2);
    assert_true(gauge_value(&level) == all);
    assert_true(histogram_count(&sizes) == (uint64_t)all);
    assert_true(summary_count(&waits) == (uint64_t)all);
    assert_true(summary_sum(&waits) == all * 5.5);
    assert_true(fabs(summary_quantile(&waits, .5) - 5) < .05);
    for (unsigned i = 0; i < NAMES; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%u", i);
        assert_true(counter_value(with(named, .name = name, .kind = "x")) == all / NAMES);
    }
}

/* Threads that make the same child at the same moment get the same pointer. */
static void *make_all(void *ctx)
{
    counter **made = ctx;
    for (unsigned i = 0; i < 1000; i++) {
        char name[8];
        snprintf(name, sizeof name, "m%u", i);
        made[i] = with(named, .name = name, .kind = "raced");
    }
    return NULL;
}

static void a_child_is_made_once(void **state)
{
    (void)state;
    static counter *made[THREADS][1000];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_all, made[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 1; i < THREADS; i++)
        assert_memory_equal(made[0], made[i], sizeof made[0]);
}

struct metrics_registry fresh = METRICS_REGISTRY_INIT;
COUNTER_VEC_IN(fresh, visits, "visits_total", "Visits.", name);
HISTOGRAM_VEC_IN(fresh, stays, "stays_seconds", "Stays.", BUCKETS_DEFAULT, name);

/* All formats, one behind the other; the caller frees it. */
static void *write_all(void *ctx)
{
    struct buf *out = calloc(1, sizeof *out);
    (void)ctx;
    for (enum metrics_format format = METRICS_TEXT; format <= METRICS_PROTOBUF; format++)
        if (metrics_write(&fresh, &(struct metrics_exposition){.format = format}, out) != OK)
            buf_clear(out);
    return out;
}

/* The first expositions there are: each finds that it or another thread renders the series. */
static void expositions_at_once_are_the_same(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < 1000; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%u", i);
        counter_add(with(visits, .name = name), i);
        histogram_observe(with(stays, .name = name), i);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_all, NULL), 0);
    struct buf *expected = write_all(NULL);
    assert_true(buf_len(expected) > 100000);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        struct buf *out = result;
        assert_int_equal(buf_len(out), buf_len(expected));
        assert_memory_equal(buf_data(out), buf_data(expected), buf_len(out));
        buf_free(out);
        free(out);
    }
    buf_free(expected);
    free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(a_child_is_made_once),
        cmocka_unit_test(expositions_at_once_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
