/*
 * Cells: any thread counts in its own, and all that threads counted stays, whether they run, ended,
 * got no slab, or were forked away.
 */
#include "metrics/cells.h"
#include "metrics_page.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 40000, GENERATIONS = 60, SHORT = 200 };

COUNTER(events, "events_total", "Events.");
COUNTER(halves, "halves_total", "Halves.");
GAUGE(level, "level", "Level.");
HISTOGRAM(sizes, "sizes", "Sizes.", BUCKETS(1, 5, 10));
HISTOGRAM(depths, "depths", "Searched, not led to.", BUCKETS(-1, 5, 10));
SUMMARY(waits, "waits", "Waits.", QUANTILES(.5), WINDOW(600));
COUNTER_VEC(named, "named_total", "By name.", name);
COUNTER(scrapes, "scrapes_total", "Expositions.");
COUNTER(farewells, "farewells_total", "What ending threads still count.");

/* ---- What may fail -------------------------------------------------------------------------- */

static atomic_bool no_maps, no_specifics;
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);

void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    return no_maps ? MAP_FAILED : __real_mmap(at, n, prot, flags, fd, offset);
}
int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
    return no_specifics ? ENOMEM : __real_pthread_setspecific(key, value);
}

/* ---- Totals --------------------------------------------------------------------------------- */

static double expected; /* updates of each metric so far */

static void update(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        counter_inc(&events);
        counter_add(&halves, .5);
        gauge_inc(&level);
        histogram_observe(&sizes, 1 + i % 4);
        histogram_observe(&depths, 1 + i % 4);
        summary_observe(&waits, i % 4);
    }
}

static void assert_totals(void)
{
    assert_true(counter_value(&events) == expected);
    assert_true(counter_value(&halves) == expected / 2);
    assert_true(gauge_value(&level) == expected);
    assert_true(histogram_count(&sizes) == (uint64_t)expected);
    assert_true(histogram_bucket(&sizes, 0) == (uint64_t)expected / 4);
    assert_true(histogram_sum(&sizes) == expected * 2.5);
    assert_true(histogram_count(&depths) == (uint64_t)expected);
    assert_true(histogram_sum(&depths) == expected * 2.5);
    assert_true(summary_count(&waits) == (uint64_t)expected);
    assert_true(summary_sum(&waits) == expected * 1.5);
}

static void *update_often(void *ctx)
{
    (void)ctx;
    update(ROUNDS);
    return NULL;
}

static void *update_shortly(void *ctx)
{
    (void)ctx;
    update(SHORT);
    return NULL;
}

static void run(unsigned n, void *(*work)(void *), unsigned rounds)
{
    pthread_t threads[2 * THREADS];
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    expected += (double)n * rounds;
}

/* ---- Threads -------------------------------------------------------------------------------- */

static atomic_bool done;

/* In every page +Inf is the count, and nothing goes back. */
static void *scrape(void *ctx)
{
    unsigned *wrong = ctx;
    double before = 0, observed = 0;
    while (!atomic_load(&done)) {
        counter_inc(&scrapes);
        double total = page_value(&metrics_default, "events_total");
        uint64_t cumulative = summary_count(&waits);
        *wrong += total < before || (double)cumulative < observed;
        before = total;
        observed = (double)cumulative;
    }
    return NULL;
}

static void threads_come_and_go_and_nothing_is_lost(void **state)
{
    (void)state;
    pthread_t scraper;
    unsigned wrong = 0;
    assert_int_equal(pthread_create(&scraper, NULL, scrape, &wrong), 0);
    for (int i = 0; i < GENERATIONS; i++)
        run(THREADS, update_shortly, SHORT);
    run(THREADS, update_often, ROUNDS);
    update(ROUNDS);
    expected += ROUNDS;
    atomic_store(&done, true);
    pthread_join(scraper, NULL);
    assert_int_equal(wrong, 0);
    assert_totals();
}

static void slabs_are_as_many_as_threads_ran_at_once(void **state)
{
    (void)state;
    assert_in_range(metric_slabs(), 3, 1 + 1 + THREADS + 1); /* common, main, and the scraper */
}

/* First of all, while no ended thread has left a slab. */
static void without_memory_for_slabs_threads_share_one(void **state)
{
    (void)state;
    unsigned before = metric_slabs();
    no_maps = true;
    run(THREADS, update_often, ROUNDS);
    no_maps = false;
    assert_int_equal(metric_slabs(), before);
    assert_totals();
}

/* Nobody would take its slab back from such a thread. */
static void threads_whose_end_would_go_unnoticed_share_one(void **state)
{
    (void)state;
    no_specifics = true;
    run(THREADS, update_often, ROUNDS);
    no_specifics = false;
    assert_totals();
}

static void say_farewell(void *value)
{
    (void)value;
    counter_inc(&farewells);
}

/* The key is older than the one that gives slabs back, or younger: both orders are tried. */
static void *leave(void *key)
{
    pthread_setspecific(*(pthread_key_t *)key, key);
    counter_inc(&farewells);
    return NULL;
}

static void what_an_ending_thread_counts_is_not_lost(void **state)
{
    (void)state;
    pthread_key_t keys[40]; /* those beyond the 32nd lie elsewhere */
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(pthread_key_create(&keys[i], say_farewell), 0);
    for (size_t i = 0; i < 40; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, leave, &keys[i]), 0);
        pthread_join(thread, NULL);
    }
    assert_true(counter_value(&farewells) == 80);
    for (size_t i = 0; i < 40; i++)
        pthread_key_delete(keys[i]);
}

/* ---- fork ----------------------------------------------------------------------------------- */

static int in_child(void)
{
    unsigned slabs = metric_slabs();
    update(ROUNDS);
#ifndef __SANITIZE_THREAD__               /* which allows no threads there */
    run(slabs - 2, update_often, ROUNDS); /* all but the common one and this thread's are free */
#endif
    expected += ROUNDS;
    return counter_value(&events) == expected && summary_sum(&waits) == expected * 1.5 &&
           metric_slabs() == slabs;
}

static void a_forked_process_goes_on_with_a_copy(void **state)
{
    (void)state;
    pthread_t scraper;
    unsigned wrong = 0;
    int status = -1;
    atomic_store(&done, false);
    assert_int_equal(pthread_create(&scraper, NULL, scrape, &wrong), 0);
    for (double before = counter_value(&scrapes); counter_value(&scrapes) == before;)
        ; /* until the scraper has a slab */
    pid_t child = fork();
    if (child == 0)
        _exit(in_child() ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    atomic_store(&done, true);
    pthread_join(scraper, NULL);
    assert_int_equal(status, 0);
    assert_int_equal(wrong, 0);
    assert_totals();
}

/* ---- Runs of cells -------------------------------------------------------------------------- */

static void without_cells_with_gives_the_overflow_child(void **state)
{
    (void)state;
    double errors = errors_of("out_of_memory");
    struct {
        uint32_t first;
        unsigned n;
    } runs[100];
    unsigned n_runs = 0;
    for (unsigned n = METRIC_SLAB_CELLS / 2; n; n /= 2) /* all that is left */
        for (uint32_t first; (first = metric_cells_alloc(n)); n_runs++) {
            runs[n_runs].first = first;
            runs[n_runs].n = n;
        }
    counter *c = with(named, .name = "new");
    counter_inc(c);
    assert_ptr_equal(c, with(named, .name = "overflow"));
    assert_true(errors_of("out_of_memory") == errors + 1);
    while (n_runs--)
        metric_cells_free(runs[n_runs].first, runs[n_runs].n);
    assert_ptr_not_equal(c, with(named, .name = "new"));
}

static void count_from_zero(struct metric_child *child, enum metric_type type)
{
    counter *c = (counter *)child;
    histogram *h = (histogram *)child;
    summary *s = (summary *)child;
    if (type == METRIC_COUNTER) {
        assert_true(counter_value(c) == 0);
        counter_add(c, 7);
        counter_add(c, .5);
    } else if (type == METRIC_HISTOGRAM) {
        assert_true(histogram_count(h) == 0 && histogram_sum(h) == 0);
        histogram_observe(h, 1.5);
    } else {
        assert_true(summary_count(s) == 0 && summary_sum(s) == 0);
        summary_observe(s, 1.5);
    }
}

static void cells_are_used_again_from_zero(void **state)
{
    (void)state;
    const struct metric_spec specs[] = {
        {.name = "again_total", .help = "h"},
        {.type = METRIC_HISTOGRAM, .name = "again", .help = "h", .buckets = BUCKETS(1, 2)},
        {.type = METRIC_SUMMARY, .name = "again", .help = "h", .window = 60},
    };
    uint32_t most = 0, first_round = 0;
    for (unsigned i = 0; i < 3 * 20; i++) {
        struct metric_family *f;
        assert_int_equal(metric_family_new(&metrics_default, &specs[i % 3], &f, NULL), OK);
        struct metric_child *child = metric_family_with(f, NULL);
        count_from_zero(child, f->spec.type);
        most = child->cells > most ? child->cells : most;
        first_round = i == 2 ? most : first_round;
        metric_family_free(f);
    }
    assert_int_equal(most, first_round);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_for_slabs_threads_share_one),
        cmocka_unit_test(threads_whose_end_would_go_unnoticed_share_one),
        cmocka_unit_test(threads_come_and_go_and_nothing_is_lost),
        cmocka_unit_test(slabs_are_as_many_as_threads_ran_at_once),
        cmocka_unit_test(what_an_ending_thread_counts_is_not_lost),
        cmocka_unit_test(a_forked_process_goes_on_with_a_copy),
        cmocka_unit_test(without_cells_with_gives_the_overflow_child),
        cmocka_unit_test(cells_are_used_again_from_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
