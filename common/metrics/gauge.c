/* Gauges: what goes up and down; see metrics.h. */
#include "metrics/internal.h"

#include <assert.h>

void gauge_add(struct gauge *g, double delta)
{
    cell_add_double(&g->value, delta);
}

void gauge_set_to_current_time(struct gauge *g)
{
    gauge_set(g, (double)clock_wall_ms() / 1000);
}

double gauge_value(const struct gauge *g)
{
    return cell_get_double(&g->value);
}

struct metric_progress metric_progress_begin(struct gauge *g)
{
    gauge_inc(g);
    return (struct metric_progress){.gauge = g};
}

void metric_progress_end(struct metric_progress *p)
{
    gauge_dec(p->gauge);
}

static void reset(struct metric_child *child)
{
    gauge_set((struct gauge *)child, 0);
}

static void observe(struct metric_child *child, double value)
{
    gauge_set((struct gauge *)child, value);
}

static int read_point(const struct metric_child *child, struct metric_scratch *scratch,
                      struct metric_point *point)
{
    (void)scratch;
    point->child = child;
    point->value = gauge_value((const struct gauge *)child);
    point->whole = false;
    point->exemplars = NULL;
    return OK;
}

const struct metric_ops metric_gauge_ops = {
    .name = "gauge",
    .size = sizeof(struct gauge),
    .reset = reset,
    .observe = observe,
    .read = read_point,
};

struct gauge *gauge_with(struct metric_family *f, const char *const values[])
{
    assert(f->spec.type == METRIC_GAUGE);
    return (struct gauge *)metric_family_with(f, values);
}
