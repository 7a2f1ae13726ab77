/*
 * What it costs to be asked: 50 families of 2,000 gauges with one label, all whole numbers or all
 * fractions. `encode_*` is a line of the whole page, `scrape_100k` the page of whole numbers, into
 * a buffer that has grown already. `bytes_a_series` is by how much the process grew for a series,
 * after its first scrape, without the page.
 */
#include "measure.h"
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAMILIES = 50, CHILDREN = 2000, SERIES = FAMILIES * CHILDREN };

static struct metrics_registry whole = METRICS_REGISTRY_INIT, fractions = METRICS_REGISTRY_INIT;
static struct metrics_registry *scraped;
static enum metrics_format format;
static struct buf page;

static void make_family(unsigned i, bool is_whole)
{
    static const char *const labels[] = {"instance"};
    struct metric_family *f;
    char name[40], value[20];
    snprintf(name, sizeof name, "bench_series_%s_%u", is_whole ? "int" : "double", i);
    const struct metric_spec spec = {.type = METRIC_GAUGE,
                                     .name = name,
                                     .help = "One of many.",
                                     .labels = labels,
                                     .n_labels = 1};
    measure_must(metric_family_new(is_whole ? &whole : &fractions, &spec, &f, NULL) == OK, name);
    for (unsigned k = 0; k < CHILDREN; k++) {
        snprintf(value, sizeof value, "10.0.0.%u:%u", k % 256, k);
        gauge_set(gauge_with(f, (const char *[]){value}), is_whole ? k : drand48());
    }
}

static void scrapes(unsigned n)
{
    const struct metrics_exposition what = {.format = format};
    for (unsigned i = 0; i < n; i++) {
        buf_clear(&page);
        measure_must(metrics_write(scraped, &what, &page) == OK, "writing the page");
    }
}

static void make_series(bool is_whole)
{
    for (unsigned i = 0; i < FAMILIES; i++)
        make_family(i, is_whole);
}

static void measure_memory(void)
{
    double before = measure_resident();
    make_series(true);
    scraped = &whole;
    scrapes(1);
    buf_free(&page);
    measure_show("bytes_a_series", (measure_resident() - before) / SERIES, "bytes");
}

static void show(const char *what, const char *suffix, double value, const char *unit)
{
    char name[40];
    snprintf(name, sizeof name, "%s%s", what, suffix);
    measure_show(name, value, unit);
}

static void measure_format(const char *suffix)
{
    scraped = &whole;
    double ns = measure_ns(scrapes);
    show("encode_int", suffix, ns / SERIES, "ns");
    show("scrape_100k", suffix, ns / 1e6, "ms");
    scraped = &fractions;
    show("encode_double", suffix, measure_ns(scrapes) / SERIES, "ns");
}

void measure_exposition(void)
{
    static const char *const suffixes[] = {[METRICS_TEXT] = "",
                                           [METRICS_OPENMETRICS] = ".openmetrics",
                                           [METRICS_PROTOBUF] = ".protobuf"};
    measure_memory();
    make_series(false);
    for (format = METRICS_TEXT; format <= METRICS_PROTOBUF; format++)
        measure_format(suffixes[format]);
    buf_free(&page);
}
