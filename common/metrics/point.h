/*
 * The seam between what metrics hold and how it is written: the values of one child at one moment,
 * read once and plain. Encoders see families, children's labels and points, and never a cell.
 *
 *     struct metric_scratch scratch = {0};
 *     if (ops->read(child, &scratch, &point) == OK)
 *         … point is good until the next read with the same scratch …
 *     metric_scratch_free(&scratch);
 */
#ifndef METRICS_POINT_H
#define METRICS_POINT_H

#include "metrics/model.h"

/* A run of neighbouring buckets of a native histogram, as the protobuf format has it: `offset` from
 * the end of the run before, or of the first run from 0, then `length` buckets. */
struct metric_native_span {
    int32_t offset;
    uint32_t length;
};

struct metric_native_side {
    const struct metric_native_span *spans;
    unsigned n_spans;
    const uint64_t *counts; /* absolute, one a bucket, in the order of the spans */
    unsigned n;
};

/* The count of all is the point's: NaN is in it and in no bucket. */
struct metric_native_view {
    int32_t schema; /* an octave has 2^schema buckets */
    double zero_threshold;
    uint64_t zero_count;
    struct metric_native_side positive, negative;
    double created; /* seconds since 1970: the first moment of its counting, or the last reset */
};

/* n == 0: there is none. */
struct metric_exemplar_view {
    unsigned n;               /* labels */
    const char *const *pairs; /* name, value, name, value, …; both UTF-8 */
    double value, timestamp;  /* in seconds since 1970 */
};

/* Of a type, read sets the fields that are said to be its: the rest is not to be looked at. */
struct metric_point {
    const struct metric_child *child;
    bool whole;                 /* the value is `count`, exactly, also beyond 2^53 */
    uint64_t count;             /* of a whole counter; observations of a histogram or summary */
    double value;               /* of a counter or gauge; the sum of a histogram or summary */
    unsigned n;                 /* classic buckets with +Inf, or quantiles, or states */
    const uint64_t *cumulative; /* histogram: n counts, the last is `count` */
    const double *quantiles;    /* summary: the values of spec.quantiles */
    const bool *states;         /* stateset: which of spec.states are set */
    const struct metric_native_view *native; /* NULL: a classic histogram */
    /* NULL: none. Of a counter, one; of a histogram, one a classic bucket, or for native buckets
     * alone several, the newest first. */
    const struct metric_exemplar_view *exemplars;
    unsigned n_exemplars;
};

struct metric_native_scratch;   /* native_read.c */
struct metric_exemplar_scratch; /* exemplar.c */

/* What points point to. Begins zeroed; what is allocated is kept for the next read. */
struct metric_scratch {
    uint64_t cumulative[METRICS_MAX_BUCKETS + 1];
    double quantiles[METRICS_MAX_QUANTILES];
    bool states[METRICS_MAX_STATES];
    struct metric_native_scratch *native;
    struct metric_exemplar_scratch *exemplars;
};
void metric_scratch_free(struct metric_scratch *scratch);

#endif
