/*
 * What an update of a metric costs, and an exposition: `NAME VALUE UNIT` lines.
 *
 * Method: each figure is the best of REPEATS runs over OPERATIONS operations, on one thread unless
 * the name says otherwise; the loop itself, about 0.3 ns, is in it. Values come from a table of
 * 2^18 random numbers, so that the branch predictor cannot learn them. The scrape is the whole text
 * format into a buffer that has grown already.
 */
#include "metrics/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REPEATS = 5,
    OPERATIONS = 20 * 1000 * 1000,
    VALUES = 1 << 18,
    FAMILIES = 50,
    CHILDREN = 2000
};

COUNTER(events, "bench_events_total", "Events.");
COUNTER_VEC(requests, "bench_requests_total", "Requests.", method, endpoint);
GAUGE(level, "bench_level", "Level.");
HISTOGRAM(latency, "bench_latency_seconds", "Latency.", BUCKETS_DEFAULT);
SUMMARY(job, "bench_job_seconds", "Jobs.", QUANTILES(.5, .9, .99), WINDOW(600));

static double values[VALUES];
static atomic_bool stop;

static void fill_values(void)
{
    for (unsigned i = 0; i < VALUES; i++) /* exponential, like latencies, around the bounds */
        values[i] = -log(1 - drand48()) * .5;
}

static void counter_incs(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        counter_inc(&events);
}
static void lookup_incs(unsigned n)
{
    static const char *const methods[] = {"GET", "POST"};
    static const char *const endpoints[] = {"/hello", "/fruit", "/stats", "/metrics"};
    for (unsigned i = 0; i < n; i++)
        counter_inc(with(requests, .method = methods[i & 1], .endpoint = endpoints[i >> 1 & 3]));
}
static void gauge_sets(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        gauge_set(&level, i);
}
static void gauge_incs(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        gauge_inc(&level);
}
static void histogram_observes(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        histogram_observe(&latency, values[i % VALUES]);
}
static void summary_observes(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        summary_observe(&job, values[i % VALUES]);
}

static double best_ns(void (*run)(unsigned), unsigned n)
{
    double best = INFINITY;
    for (int i = 0; i < REPEATS; i++) {
        uint64_t start = clock_now();
        run(n);
        double ns = clock_seconds(start, clock_now()) * 1e9 / n;
        best = ns < best ? ns : best;
    }
    return best;
}

static void *inc_until_stopped(void *ctx)
{
    (void)ctx;
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        counter_incs(1000);
    return NULL;
}

static void two_threads(void)
{
    pthread_t other;
    if (pthread_create(&other, NULL, inc_until_stopped, NULL) != 0)
        return;
    printf("counter_inc_2threads %.2f ns\n", best_ns(counter_incs, OPERATIONS));
    atomic_store(&stop, true);
    pthread_join(other, NULL);
}

static int make_family(unsigned i, bool fractions)
{
    static const char *const labels[] = {"instance"};
    struct metric_family *f;
    char name[40], value[20];
    snprintf(name, sizeof name, "bench_series_%s_%u", fractions ? "double" : "int", i);
    const struct metric_spec spec = {.type = METRIC_GAUGE,
                                     .name = name,
                                     .help = "One of many.",
                                     .labels = labels,
                                     .n_labels = 1};
    if (metric_family_new(&metrics_default, &spec, &f, NULL) != OK)
        return ERR_NOMEM;
    for (unsigned k = 0; k < CHILDREN; k++) {
        snprintf(value, sizeof value, "10.0.0.%u:%u", k % 256, k);
        gauge_set(gauge_with(f, (const char *[]){value}), fractions ? drand48() : k);
    }
    return OK;
}

static struct buf page;

static void scrapes(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        buf_clear(&page);
        if (metrics_write_text(&page) != OK)
            exit(1);
    }
}

/* What 100,000 series of one kind cost; those made before are told apart by subtraction. */
static double many_series(bool fractions, double before)
{
    for (unsigned i = 0; i < FAMILIES; i++)
        if (make_family(i, fractions) != OK)
            exit(1);
    double ns = best_ns(scrapes, 1) - before;
    const char *name = fractions ? "encode_double" : "encode_int";
    printf("%s %.1f ns\n", name, ns / FAMILIES / CHILDREN);
    if (!fractions)
        printf("scrape_100k %.2f ms\n", ns / 1e6);
    return ns + before;
}

int main(void)
{
    fill_values();
    printf("counter_inc %.2f ns\n", best_ns(counter_incs, OPERATIONS));
    printf("lookup_inc %.2f ns\n", best_ns(lookup_incs, OPERATIONS));
    printf("gauge_set %.2f ns\n", best_ns(gauge_sets, OPERATIONS));
    printf("gauge_inc %.2f ns\n", best_ns(gauge_incs, OPERATIONS));
    printf("histogram %.2f ns\n", best_ns(histogram_observes, OPERATIONS));
    printf("summary %.2f ns\n", best_ns(summary_observes, OPERATIONS));
    two_threads();
    double before = best_ns(scrapes, 1);
    before = many_series(false, before);
    many_series(true, before);
    buf_free(&page);
    return 0;
}
