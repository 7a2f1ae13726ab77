/*
 * Custom collectors: metrics that somebody else keeps, told at each exposition.
 *
 *     static void collect_tables(void *db, struct metrics_sink *out)
 *     {
 *         metrics_emit_family(out, METRIC_GAUGE, "table_rows", "Rows by table.", "table");
 *         for (struct table *t = …)
 *             metrics_emit(out, t->rows, t->name);
 *     }
 *     static const struct metrics_collector tables = {collect_tables, &db};
 *     metrics_collector_register(&metrics_default, &tables);
 */
#ifndef METRICS_COLLECTOR_H
#define METRICS_COLLECTOR_H

#include "metrics/metrics.h"

/* `collect` is called at each exposition of the registry, under its lock, so that it must not
 * register anything. What makes no sense (a wrong or taken name, the same labels twice, a counter
 * below 0) is left out and counted in metrics_errors_total{reason="collector"}. The collector is
 * not copied, and may be in several registries. 0 or ERR_FULL (METRICS_MAX_COLLECTORS). */
int metrics_collector_register(struct metrics_registry *registry,
                               const struct metrics_collector *collector) MUST_CHECK;
void metrics_collector_unregister(struct metrics_registry *registry,
                                  const struct metrics_collector *collector);

/* Begins a family, or goes on with it: type METRIC_COUNTER, METRIC_GAUGE or METRIC_SUMMARY, then up
 * to eight label names. Texts are copied. */
#define metrics_emit_family(out, type_, name_, help_, ...)                                         \
    metrics_emit_spec(out, &(const struct metric_spec){.type = type_,                              \
                                                       .name = name_,                              \
                                                       .help = help_,                              \
                                                       .labels = METRIC_TEXTS(__VA_ARGS__),        \
                                                       .n_labels = METRIC_N(__VA_ARGS__)})
/* A sample of it, with a value for each label. */
#define metrics_emit(out, value, ...)                                                              \
    metrics_emit_value(out, value, METRIC_TEXTS(__VA_ARGS__), METRIC_N(__VA_ARGS__))
/* The same at length; for histograms: as many counts as the spec has buckets, and +Inf; and for
 * summaries, which have no quantiles here: their _sum and _count. */
void metrics_emit_spec(struct metrics_sink *out, const struct metric_spec *spec);
void metrics_emit_value(struct metrics_sink *out, double value, const char *const values[],
                        unsigned n);
void metrics_emit_buckets(struct metrics_sink *out, double sum, const uint64_t *cumulative,
                          const char *const values[], unsigned n);
void metrics_emit_sum(struct metrics_sink *out, double sum, uint64_t count,
                      const char *const values[], unsigned n);

#endif
