/*
 * Writes an exposition with all that a parser may stumble over; check_exposition.py reads it.
 *
 *     metrics_specimen FORMAT      its number in enum metrics_format
 */
#include "metrics/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

COUNTER(events, "events_total", "Back\\slash, \"quotes\" and\nnewline.");
COUNTER(plain, "odd_events", "One that OpenMetrics takes for no counter.");
COUNTER_VEC(named, "named_total", "By odd names.", name);
GAUGE_VEC(level, "level", "Odd values.", value);
HISTOGRAM_VEC(latency, "latency_seconds", "Latency.", BUCKETS_DEFAULT, method, endpoint);
HISTOGRAM(tiny, "tiny_seconds", "Small bounds.", BUCKETS_EXPONENTIAL(1e-9, 10, 9));
SUMMARY_VEC(job, "job_seconds", "Jobs.", QUANTILES(.5, .9, .99), WINDOW(600), job);
SUMMARY(empty, "empty_seconds", "Nothing yet.", QUANTILES(.5, 1), WINDOW(600));
BUILD_INFO("page_build_info", "0.1.0");

static const char *const names[] = {
    "",        "plain",
    "a\"b",    "a\\b",
    "a\nb",    "\\n",
    "{}=,#",   "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8d\x90",
    "bad\xff", "x\"} 1\nforged_total 7",
};

static void set_levels(void)
{
    gauge_set(with(level, .value = "nan"), NAN);
    gauge_set(with(level, .value = "inf"), INFINITY);
    gauge_set(with(level, .value = "-inf"), -INFINITY);
    gauge_set(with(level, .value = "tiny"), 5e-324);
    gauge_set(with(level, .value = "sum"), .1 + .2);
    gauge_set(with(level, .value = "large"), -1e300);
}

int main(int argc, char **argv)
{
    struct buf page = {0};
    const struct metrics_exposition what = {argc > 1 ? (enum metrics_format)atoi(argv[1]) : 0};
    counter_inc(&plain);
    counter_add(&events, 9007199254740992u);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        counter_add(with(named, .name = names[i]), i + 1);
    set_levels();
    for (unsigned i = 0; i < 1000; i++) {
        histogram_observe(with(latency, .method = "GET", .endpoint = "/fruit"), i / 100.);
        histogram_observe(&tiny, i / 1e6);
        summary_observe(with(job, .job = "hello"), i / 1000.);
    }
    if (metrics_write(&metrics_default, &what, &page) != OK)
        return 1;
    fwrite(buf_data(&page), 1, buf_len(&page), stdout);
    buf_free(&page);
    return 0;
}
