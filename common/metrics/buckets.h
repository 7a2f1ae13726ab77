/* From a value to its bucket, in two ways that always agree; see buckets.c. */
#ifndef METRICS_BUCKETS_H
#define METRICS_BUCKETS_H

#include "metrics/internal.h"

#include <string.h>

/* A histogram's cells: the sum, and the count of each bucket, not cumulative. */
enum { HISTOGRAM_SUM, HISTOGRAM_BUCKETS };

static inline int64_t metric_double_bits(double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The first bucket whose bound is not below the value, which is a number, by a grid that is there.
 * Bits of doubles are ordered as the doubles are while those are positive; all negative ones have
 * bits below 0 and belong below the grid. No branch depends on the value. */
static inline unsigned metric_grid_bucket(const struct metric_grid *grid, double value)
{
    int64_t bits = metric_double_bits(value);
    int64_t i = (bits >> grid->shift) - grid->first;
    i = i < 0 ? 0 : i;
    i = i > grid->last ? grid->last : i;
    return grid->cells[i].bucket + (grid->cells[i].bound < bits);
}

/* The same by a search, for any bounds. */
unsigned metric_bucket_search(const struct metric_family *f, double value);

static inline unsigned metric_bucket_of(const struct histogram *h, double value)
{
    return __builtin_expect(h->grid.cells != NULL, 1)
               ? metric_grid_bucket(&h->grid, value)
               : metric_bucket_search(h->child.family, value);
}

#endif
