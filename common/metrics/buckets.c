/*
 * The bounds of a histogram's buckets, and the grid that leads from a value to its bucket.
 *
 * A search takes a step for each doubling of the number of buckets, each of which waits for the one
 * before. The grid does it in one: it cuts the range of the bounds into cells so fine that none has
 * two bounds in it, and knows for each cell the bucket that it begins in and the bound that may
 * follow. A cell is all doubles with the same leading bits: exponent and the first digits of the
 * mantissa, as many as it takes. For the default bounds those are two, and the grid has 45 cells:
 *
 *     cell       0      1 …        …  45
 *            < .005  │.005 .00586│ … │ 10 and more
 *
 * Bounds that are negative, or so close to each other for their size that the grid would be large,
 * are searched.
 */
#include "metrics/buckets.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_GRID_CELLS = 2048, WHOLE_OCTAVES = 52 };

/* ---- Bounds --------------------------------------------------------------------------------- */

static double computed(const struct metric_buckets *b, unsigned i)
{
    switch (b->kind) {
    case BUCKETS_ARE_LINEAR:
        return b->start + i * b->step;
    case BUCKETS_ARE_EXPONENTIAL:
        return b->start * pow(b->step, i);
    case BUCKETS_LISTED:
        break;
    }
    return b->at[i];
}

static int bounds_check(const double *bounds, unsigned n, struct err *err)
{
    for (unsigned i = 0; i < n; i++)
        if (!isfinite(bounds[i]))
            return err_set(err, ERR_INVALID, "bucket %u is not a finite number", i + 1);
        else if (i && bounds[i] <= bounds[i - 1])
            return err_set(err, ERR_INVALID, "buckets must ascend: %g after %g", bounds[i],
                           bounds[i - 1]);
    return OK;
}

static int bounds_make(struct metric_family *f, struct err *err)
{
    static const struct metric_buckets none;
    const struct metric_buckets *b = f->spec.buckets;
    if (b->native)
        b = b->native->classic ? b->native->classic : &none;
    unsigned n = b->n;
    if (n && b->kind == BUCKETS_LISTED && isinf(b->at[n - 1]) && b->at[n - 1] > 0)
        n--; /* +Inf is there without being named, but people do name it */
    f->n_bounds = n;
    for (f->padded = 2; f->padded <= n; f->padded *= 2)
        ;
    f->bounds = malloc(f->padded * sizeof *f->bounds);
    if (!f->bounds)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < f->padded; i++)
        f->bounds[i] = i < n ? computed(b, i) + 0.0 : INFINITY; /* + 0.0: no -0.0 */
    return bounds_check(f->bounds, n, err);
}

/* The padding makes the steps the same for all values, so that none is a branch to mispredict. */
unsigned metric_bucket_search(const struct metric_family *f, double value)
{
    unsigned i = 0;
    for (unsigned step = f->padded / 2; step; step /= 2)
        i += -(unsigned)(f->bounds[i + step - 1] < value) & step;
    return i;
}

/* ---- The grid ------------------------------------------------------------------------------- */

static bool apart(const double *bounds, unsigned n, unsigned shift)
{
    for (unsigned i = 1; i < n; i++)
        if (metric_double_bits(bounds[i]) >> shift == metric_double_bits(bounds[i - 1]) >> shift)
            return false;
    return true;
}

/* How many cells the coarsest grid has that keeps the n positive bounds apart. The least bit is not
 * used, so that numbers of cells can be subtracted. */
static int64_t grid_size(const double *bounds, unsigned n, unsigned *shift)
{
    *shift = WHOLE_OCTAVES;
    if (n == 0)
        return 0;
    while (!apart(bounds, n, *shift))
        if (--*shift == 0)
            return INT64_MAX;
    return (metric_double_bits(bounds[n - 1]) >> *shift) -
           (metric_double_bits(bounds[0]) >> *shift) + 1;
}

/* Cell 0 is all that is below the others; a bound of 0 is there. */
static void grid_fill(const struct metric_family *f, struct metric_grid_cell *cells)
{
    const struct metric_grid *g = &f->grid;
    unsigned bucket = 0;
    for (int64_t i = 0; i <= g->last; i++) {
        int64_t begin = i ? (g->first + i) * ((int64_t)1 << g->shift) : INT64_MIN;
        while (bucket < f->n_bounds && metric_double_bits(f->bounds[bucket]) < begin)
            bucket++;
        cells[i].bucket = bucket;
        cells[i].bound = metric_double_bits(f->bounds[bucket]);
    }
}

static int grid_make(struct metric_family *f, struct err *err)
{
    unsigned from = f->n_bounds && f->bounds[0] == 0;
    struct metric_grid *g = &f->grid;
    if (f->bounds[0] < 0)
        return OK;
    int64_t size = grid_size(f->bounds + from, f->n_bounds - from, &g->shift);
    if (size > MAX_GRID_CELLS)
        return OK;
    struct metric_grid_cell *cells = calloc((size_t)size + 1, sizeof *cells);
    if (!cells)
        return err_set(err, ERR_NOMEM, "out of memory");
    g->first = (metric_double_bits(f->bounds[from]) >> g->shift) - 1;
    g->last = size;
    grid_fill(f, cells);
    g->cells = cells;
    return OK;
}

int metric_buckets_init(struct metric_family *f, struct err *err)
{
    int rc = bounds_make(f, err);
    return rc == OK ? grid_make(f, err) : rc;
}

void metric_buckets_free(struct metric_family *f)
{
    free(f->bounds);
    free((void *)f->grid.cells);
}
