/* Counters: what only goes up. Whole numbers are counted exactly, in 64 bits; see metrics.h. */
#include "metrics/internal.h"

#include <assert.h>
#include <math.h>

void counter_add_double(struct counter *c, double n)
{
    if (n < 0)
        metric_error(METRIC_ERROR_NEGATIVE);
    else if (!isfinite(n)) /* it would stay so for ever */
        metric_error(METRIC_ERROR_NOT_A_NUMBER);
    else
        cell_add_double(&c->fraction, n);
}

void counter_mirror(struct counter *c, double total)
{
    if (!isfinite(total))
        metric_error(METRIC_ERROR_NOT_A_NUMBER);
    else if (total < cell_get_double(&c->fraction))
        metric_error(METRIC_ERROR_NEGATIVE);
    else
        cell_set_double(&c->fraction, total);
}

double counter_value(const struct counter *c)
{
    return (double)(cell_get(&c->own) + cell_get(&c->shared)) + cell_get_double(&c->fraction);
}

static void reset(struct metric_child *child)
{
    struct counter *c = (struct counter *)child;
    cell_set(&c->own, 0);
    cell_set(&c->shared, 0);
    cell_set_double(&c->fraction, 0);
}

static void init(struct metric_child *child, void *extra)
{
    (void)extra;
    reset(child);
}

static int read_point(const struct metric_child *child, struct metric_scratch *scratch,
                      struct metric_point *point)
{
    const struct counter *c = (const struct counter *)child;
    double fraction = cell_get_double(&c->fraction);
    (void)scratch;
    *point = (struct metric_point){
        .child = child, .count = cell_get(&c->own) + cell_get(&c->shared), .whole = fraction == 0};
    point->value = (double)point->count + fraction;
    return OK;
}

const struct metric_ops metric_counter_ops = {
    .name = "counter",
    .size = sizeof(struct counter),
    .init = init,
    .reset = reset,
    .read = read_point,
};

struct counter *counter_with(struct metric_family *f, const char *const values[])
{
    assert(f->spec.type == METRIC_COUNTER);
    return (struct counter *)metric_family_with(f, values);
}
