/*
 * The hot paths by themselves, as a caller's compiler inlines them: what bench_metrics_disassembly
 * takes apart. Each takes the metric, and a value where there is one.
 */
#include "metrics/metrics.h"

void hot_counter_inc(struct counter *c);
void hot_counter_add(struct counter *c, double v);
void hot_gauge_set(struct gauge *g, double v);
void hot_gauge_inc(struct gauge *g);
void hot_histogram_observe(struct histogram *h, double v);
void hot_summary_observe(struct summary *s, double v);

void hot_counter_inc(struct counter *c)
{
    counter_inc(c);
}
void hot_counter_add(struct counter *c, double v)
{
    counter_add(c, v);
}
void hot_gauge_set(struct gauge *g, double v)
{
    gauge_set(g, v);
}
void hot_gauge_inc(struct gauge *g)
{
    gauge_inc(g);
}
void hot_histogram_observe(struct histogram *h, double v)
{
    histogram_observe(h, v);
}
void hot_summary_observe(struct summary *s, double v)
{
    summary_observe(s, v);
}
