/*
 * Writes one metric of every kind, and what is awkward to write; check_golden.py compares.
 *
 *     metrics_golden FORMAT EARLIER      FORMAT: its number in enum metrics_format
 *                                        EARLIER: pages of all formats to write before
 */
#include "base/clock.h"
#include "metrics/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The linker sends all who ask for the time here. */
uint64_t __wrap_clock_wall_ms(void);
uint64_t __wrap_clock_wall_ms(void)
{
    return 1700000000500;
}

static struct metrics_registry golden = METRICS_REGISTRY_INIT;

COUNTER_IN(golden, hello, "hello_total", "Back\\slash, \"quotes\" and\nnewline.");
COUNTER_IN(golden, odd, "odd_events", "A counter that OpenMetrics calls unknown.");
COUNTER_IN(golden, busy, "busy_seconds_total", "Fractions, and a unit.");
GAUGE_VEC_IN(golden, level, "level", "Awkward values.", value);
GAUGE_VEC_IN(golden, named, "named_bytes", "Awkward labels.", first, second);
GAUGE_VEC_IN(golden, unused, "unused", "No child yet.", label);
HISTOGRAM_VEC_IN(golden, latency, "latency_seconds", "Latency.", BUCKETS(.00001, .005, 1, 1e6),
                 method);
HISTOGRAM_IN(golden, idle, "idle_seconds", "Nothing observed.", BUCKETS(1));
HISTOGRAM_IN(golden, change, "change_celsius", "Buckets below 0.", BUCKETS(-1.5, 0, 1.5));
HISTOGRAM_IN(golden, below, "below", "A sum below 0.", BUCKETS(1));
HISTOGRAM_IN(golden, native, "native_seconds", "Native buckets alone.", BUCKETS_NATIVE);
HISTOGRAM_IN(golden, native_idle, "native_idle_seconds", "None yet.", BUCKETS_NATIVE);
HISTOGRAM_VEC_IN(golden, both, "both_seconds", "Native and classic buckets.",
                 BUCKETS_NATIVE_AND(BUCKETS(.5, 2)), method);
SUMMARY_VEC_IN(golden, job, "job_seconds", "Quantiles.", QUANTILES(.5, .99, 1), WINDOW(600), job);
SUMMARY_IN(golden, plain, "plain_seconds", "No quantiles.", QUANTILES_NONE, WINDOW(600));
SUMMARY_IN(golden, drift, "drift", "All of it below 0.", QUANTILES(.5), WINDOW(600));

INFO_IN(golden, built, "page_info", "What this is.", version, format);
STATESET_IN(golden, phase, "phase", "One of them.", STATES(starting, open, closing));
STATESET_VEC_IN(golden, door, "door", "Two at once.", STATES(open, locked), room);

static double unknown(void *ctx)
{
    (void)ctx;
    return NAN;
}
static double told(void *ctx)
{
    return *(const double *)ctx;
}
static double seven = 7;
GAUGE_CALLBACK_IN(golden, told_level, "told_level", "Told by a function.", told, &seven);
COUNTER_CALLBACK_IN(golden, told_events, "told_events_total", "Likewise.", told, &seven);
GAUGE_CALLBACK_IN(golden, unknown_level, "unknown_level", "Not known.", unknown, NULL);

static void set_states(void)
{
    info_set(built, .version = "1.2", .format = "golden");
    stateset_enter(&phase, open);
    stateset_set(with(door, .room = "hall"), open, true);
    stateset_set(with(door, .room = "hall"), locked, true);
    (void)with(door, .room = "attic");
}

static void set_values(void)
{
    counter_add(&hello, 9007199254740992u); /* and 1 more, which no double is */
    counter_inc(&odd);
    counter_add(&busy, .1 + .2);
    gauge_set(with(level, .value = "nan"), NAN);
    gauge_set(with(level, .value = "inf"), INFINITY);
    gauge_set(with(level, .value = "-inf"), -INFINITY);
    gauge_set(with(level, .value = "-0"), -0.0);
    gauge_set(with(level, .value = "least"), 5e-324);
    gauge_set(with(level, .value = "most"), 0x1.fffffffffffffp1023);
    gauge_set(with(level, .value = "whole"), -1234567890123);
    gauge_set(with(named, .first = "", .second = "\\\"\n"), 1);
    gauge_set(with(named, .first = "x\"} 1\nforged 2\n# EOF\n", .second = "\xc3\xa4\xff"), 2);
    gauge_set(with(unused, .label = "taken out again"), 3);
    without(unused, .label = "taken out again");
}

static void observe(void)
{
    histogram_observe(with(latency, .method = "GET"), .25);
    histogram_observe(with(latency, .method = "GET"), 2e6);
    (void)with(latency, .method = "POST");
    histogram_observe(&change, -2);
    histogram_observe(&below, -3);
    (void)idle, (void)native_idle; /* never observed */
    for (int i = -2; i < 20; i++)
        histogram_observe(&native, i);
    histogram_observe(with(both, .method = "GET"), 1);
    summary_observe(with(job, .job = "done"), 2);
    (void)with(job, .job = "none");
    summary_observe(&plain, 1.5);
    summary_observe(&drift, -1);
}

static void show_exemplars(void)
{
    counter_inc_exemplar(&hello, EXEMPLAR("trace_id", "4bf92f35", "span_id", "a\"\\\n"));
    counter_inc_exemplar(&odd, EXEMPLAR("trace_id", "4bf92f35"));
    histogram_observe_exemplar(with(latency, .method = "GET"), .75, EXEMPLAR("trace_id", "0001"));
    histogram_observe_exemplar(with(latency, .method = "GET"), 1e6, EXEMPLAR());
    histogram_observe_exemplar(&native, 3, EXEMPLAR("trace_id", "0002"));
    histogram_observe_exemplar(with(both, .method = "GET"), 3, EXEMPLAR("trace_id", "0003"));
}

static int write_page(int format, struct buf *page)
{
    const struct metrics_exposition what = {.format = (enum metrics_format)format, .created = true};
    buf_clear(page);
    return metrics_write(&golden, &what, page);
}

int main(int argc, char **argv)
{
    struct buf page = {0};
    set_states();
    set_values();
    observe();
    show_exemplars();
    for (int i = 0; argc > 2 && i < atoi(argv[2]); i++)
        if (write_page(i % (METRICS_PROTOBUF + 1), &page) != OK)
            return 1;
    if (argc < 2 || write_page(atoi(argv[1]), &page) != OK)
        return 1;
    fwrite(buf_data(&page), 1, buf_len(&page), stdout);
    buf_free(&page);
    return 0;
}
