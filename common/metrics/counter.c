/* Counters: what only goes up. Whole numbers are counted exactly, in 64 bits; see metrics.h. */
#include "metrics/internal.h"

#include <assert.h>
#include <float.h>
#include <math.h>

enum { WHOLE, FRACTION, CELLS };

void metric_counter_add_slowly(struct counter *c, uint64_t n)
{
    metric_cell_add(&metric_cells_claim()[c->child.cells + WHOLE].n, n);
}

static __attribute__((noinline)) void add_double_slowly(struct counter *c, double n)
{
    if (n < 0)
        metric_error(METRIC_ERROR_NEGATIVE);
    else if (!isfinite(n)) /* it would stay so for ever */
        metric_error(METRIC_ERROR_NOT_A_NUMBER);
    else
        metric_cell_add_double(&metric_cells_claim()[c->child.cells + FRACTION].x, n);
}

void counter_add_double(struct counter *c, double n)
{
    union metric_cell *own = metric_own_cells;
    if (__builtin_expect(own && n >= 0 && n <= DBL_MAX, 1))
        metric_own_add_double(&own[c->child.cells + FRACTION].x, n);
    else
        add_double_slowly(c, n);
}

void counter_mirror(struct counter *c, double total)
{
    if (!isfinite(total))
        metric_error(METRIC_ERROR_NOT_A_NUMBER);
    else if (total < cell_get_double(&c->base))
        metric_error(METRIC_ERROR_NEGATIVE);
    else
        cell_set_double(&c->base, total);
}

void metric_counter_exemplar(struct counter *c, double n, struct metric_exemplar e)
{
    if (n >= 0 && isfinite(n)) /* else nothing was added either */
        metric_exemplar_keep(&c->exemplars, 1, 0, n, &e);
}

static double fraction(const struct counter *c)
{
    return metric_cell_total_double(c->child.cells + FRACTION) + cell_get_double(&c->base);
}

double counter_value(const struct counter *c)
{
    return (double)metric_cell_total(c->child.cells + WHOLE) + fraction(c);
}

static unsigned cells(const struct metric_family *f)
{
    (void)f;
    return CELLS;
}

static void reset(struct metric_child *child)
{
    struct counter *c = (struct counter *)child;
    metric_cell_reset(child->cells + WHOLE);
    cell_set_double(&c->base, -metric_cell_total_double(child->cells + FRACTION));
    metric_exemplars_forget(&c->exemplars);
}

static void end(struct metric_child *child)
{
    metric_exemplars_free(&((struct counter *)child)->exemplars);
}

static int read_point(const struct metric_child *child, struct metric_scratch *scratch,
                      struct metric_point *point)
{
    const struct counter *c = (const struct counter *)child;
    double more = fraction(c);
    point->child = child;
    point->count = metric_cell_total(child->cells + WHOLE);
    point->value = (double)point->count + more;
    point->whole = more == 0;
    point->native = NULL;
    point->exemplars = NULL;
    return metric_exemplars_read(&c->exemplars, scratch, point);
}

const struct metric_ops metric_counter_ops = {
    .name = "counter",
    .size = sizeof(struct counter),
    .cells = cells,
    .end = end,
    .reset = reset,
    .read = read_point,
};

struct counter *counter_with(struct metric_family *f, const char *const values[])
{
    assert(f->spec.type == METRIC_COUNTER);
    return (struct counter *)metric_family_with(f, values);
}
