/*
 * What it costs to count and to observe. Values come from a table of 2^18 random numbers, so that
 * the branch predictor cannot learn them: exponential, like latencies, around the default bounds.
 */
#include "measure.h"
#include "metrics/metrics.h"

#include <math.h>
#include <stdlib.h>

enum { VALUES = 1 << 18 };

COUNTER(events, "bench_events_total", "Events.");
COUNTER_VEC(requests, "bench_requests_total", "Requests.", method, endpoint);
GAUGE(level, "bench_level", "Level.");
HISTOGRAM(latency, "bench_latency_seconds", "Latency.", BUCKETS_DEFAULT);
HISTOGRAM(native, "bench_native_seconds", "Latency.", BUCKETS_NATIVE);
SUMMARY(job, "bench_job_seconds", "Jobs.", QUANTILES(.5, .9, .99), WINDOW(600));

static double values[VALUES];

static void fill_values(void)
{
    srand48(1);
    for (unsigned i = 0; i < VALUES; i++)
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
        gauge_set(&level, values[i % VALUES]);
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
static void native_observes(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        histogram_observe(&native, values[i % VALUES]);
}
static void summary_observes(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        summary_observe(&job, values[i % VALUES]);
}

void measure_updates(void)
{
    fill_values();
    measure_show("counter_inc", measure_ns(counter_incs), "ns");
    measure_show("counter_inc_2threads", measure_two_threads_ns(counter_incs), "ns");
    measure_show("lookup_inc", measure_ns(lookup_incs), "ns");
    measure_show("gauge_set", measure_ns(gauge_sets), "ns");
    measure_show("gauge_inc", measure_ns(gauge_incs), "ns");
    measure_show("histogram", measure_ns(histogram_observes), "ns");
    measure_show("native", measure_ns(native_observes), "ns");
    measure_show("summary", measure_ns(summary_observes), "ns");
}
