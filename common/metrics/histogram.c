/*
 * Histograms with classic buckets, and their type; see metrics.h, and native.h for the others.
 *
 * An observation adds to one bucket and to the sum. There is no cell for the count: it is the sum
 * of the buckets, so that le="+Inf" equals _count at any moment. _sum may be behind or ahead of
 * _count by the observations that are just being made.
 */
#include "metrics/buckets.h"

#include <assert.h>
#include <math.h>

/* On a thread without cells, without a grid, or NaN. Not inline, so that the usual way needs no
 * stack. */
static __attribute__((noinline)) void observe_slowly(struct histogram *h, double value)
{
    if (isnan(value)) {
        metric_error(METRIC_ERROR_NOT_A_NUMBER);
        return;
    }
    union metric_cell *cells = metric_cells_claim() + h->child.cells;
    metric_cell_add(&cells[HISTOGRAM_BUCKETS + metric_bucket_of(h, value)].n, 1);
    metric_cell_add_double(&cells[HISTOGRAM_SUM].x, value);
}

void histogram_observe(struct histogram *h, double value)
{
    union metric_cell *own = metric_own_cells;
    if (h->native) {
        metric_native_observe(h, value);
        return;
    }
    if (__builtin_expect(!own || !h->grid.cells || isnan(value), 0)) {
        observe_slowly(h, value);
        return;
    }
    union metric_cell *cells = own + h->child.cells;
    metric_own_add(&cells[HISTOGRAM_BUCKETS + metric_grid_bucket(&h->grid, value)].n, 1);
    metric_own_add_double(&cells[HISTOGRAM_SUM].x, value);
}

/* One a bucket; with native buckets alone, neighbouring octaves have different ones. */
static unsigned exemplar_place(const struct histogram *h, double value)
{
    if (!h->native || h->classic)
        return metric_bucket_of(h, value);
    return ((unsigned)ilogb(value) * 2 + signbit(value)) % METRICS_NATIVE_EXEMPLARS;
}

void histogram_observe_exemplar(struct histogram *h, double value, struct metric_exemplar e)
{
    bool few = h->native && !h->classic;
    unsigned n = few ? METRICS_NATIVE_EXEMPLARS : h->child.family->n_bounds + 1;
    histogram_observe(h, value);
    if (!isnan(value))
        metric_exemplar_keep(&h->exemplars, n, exemplar_place(h, value), value, &e);
}

static uint64_t bucket(const struct histogram *h, unsigned i)
{
    return metric_cell_total(h->child.cells + HISTOGRAM_BUCKETS + i);
}

uint64_t metric_histogram_read(const struct histogram *h, uint64_t *cumulative)
{
    uint64_t count = 0;
    for (unsigned i = 0; i <= h->child.family->n_bounds; i++)
        cumulative[i] = count += bucket(h, i);
    return count;
}

uint64_t histogram_bucket(const struct histogram *h, unsigned i)
{
    assert(i <= h->child.family->n_bounds);
    if (h->native && i == h->child.family->n_bounds)
        return metric_native_count(h);
    uint64_t count = 0;
    for (unsigned k = 0; k <= i; k++)
        count += bucket(h, k);
    return count;
}

uint64_t histogram_count(const struct histogram *h)
{
    return histogram_bucket(h, h->child.family->n_bounds);
}

double histogram_sum(const struct histogram *h)
{
    return h->native ? metric_native_sum(h)
                     : metric_cell_total_double(h->child.cells + HISTOGRAM_SUM) +
                           cell_get_double(&h->base);
}

static unsigned cells(const struct metric_family *f)
{
    return HISTOGRAM_BUCKETS + f->n_bounds + 1 + (f->native ? 2 : 0);
}

static void reset(struct metric_child *child)
{
    struct histogram *h = (struct histogram *)child;
    for (unsigned i = 0; i <= child->family->n_bounds; i++)
        metric_cell_reset(child->cells + HISTOGRAM_BUCKETS + i);
    cell_set_double(&h->base, -metric_cell_total_double(child->cells + HISTOGRAM_SUM));
    metric_exemplars_forget(&h->exemplars);
    if (h->native)
        metric_native_reset(h);
}

static void init(struct metric_child *child)
{
    struct histogram *h = (struct histogram *)child;
    h->grid = child->family->grid;
    h->native = child->family->native;
    h->classic = child->family->n_bounds > 0;
    h->zero_cell = child->cells + HISTOGRAM_BUCKETS + child->family->n_bounds + 1;
    if (h->native)
        metric_native_begin(h);
}

static void end(struct metric_child *child)
{
    struct histogram *h = (struct histogram *)child;
    metric_exemplars_free(&h->exemplars);
    if (h->native)
        metric_native_free(h);
}

static void observe(struct metric_child *child, double value)
{
    histogram_observe((struct histogram *)child, value);
}

static int read_point(const struct metric_child *child, struct metric_scratch *scratch,
                      struct metric_point *point)
{
    const struct histogram *h = (const struct histogram *)child;
    if (h->native) {
        int rc = metric_native_read(h, scratch, point);
        return rc == OK ? metric_exemplars_read(&h->exemplars, scratch, point) : rc;
    }
    *point = (struct metric_point){.child = child,
                                   .n = child->family->n_bounds + 1,
                                   .cumulative = scratch->cumulative,
                                   .value = histogram_sum(h)};
    point->count = metric_histogram_read(h, scratch->cumulative);
    return metric_exemplars_read(&h->exemplars, scratch, point);
}

const struct metric_ops metric_histogram_ops = {
    .name = "histogram",
    .size = sizeof(struct histogram),
    .cells = cells,
    .init = init,
    .end = end,
    .reset = reset,
    .observe = observe,
    .read = read_point,
};

struct histogram *histogram_with(struct metric_family *f, const char *const values[])
{
    assert(f->spec.type == METRIC_HISTOGRAM);
    return (struct histogram *)metric_family_with(f, values);
}
