/*
 * Native buckets: between native.c, which counts in them, and native_read.c, which tells of them.
 * Their boundaries are those of prometheus.io/docs/specs/native_histograms.
 *
 * Where a value is counted never changes: bucket number `slot` of the family's finest schema, with
 * slot 0 at 2^-128, so slot = index + 2^schema * 128. What must be merged to stay below the limit
 * of buckets is merged while reading, so that no observation has to wait for it.
 *
 *     sides[negative] ── chunks, each the number of 64 cells, made when first counted in
 */
#ifndef METRICS_NATIVE_H
#define METRICS_NATIVE_H

#include "metrics/internal.h"

enum {
    NATIVE_MIN_SCHEMA = -4,
    NATIVE_MAX_SCHEMA = 8,
    NATIVE_MIN_EXPONENT = -128, /* of the narrowest zero bucket */
    NATIVE_CHUNK = 64,          /* buckets */
    DOUBLE_MANTISSA = 52,
    DOUBLE_BIAS = 1023,
    DOUBLE_MAX_EXPONENT = 1024,
};

/* What a family with native buckets computes once. */
struct metric_native_layout {
    double zero_threshold, max_zero_threshold;
    uint64_t zero_bits;  /* the double zero_threshold */
    uint64_t min_age_ns; /* of a histogram that may be reset */
    unsigned max_buckets;
    int schema;        /* as exposed at first */
    unsigned fineness; /* the schema that is counted in: not below 0 */
    unsigned n_slots, n_chunks;
    uint64_t steps[]; /* see native_slot */
};

/*
 * The bucket of a magnitude, given by its bits. Within an octave the buckets' bounds are cut by
 * 2^(schema + 1) steps of equal width, each narrower than any bucket and so with one bound B at
 * most. Of a step after b bounds, steps[] holds what lifts the mantissa just over the next multiple
 * of 2^52 when it is above B: (b + 1) * 2^52 - (B + 1). A bound belongs to the lower bucket.
 */
static inline unsigned native_slot(const struct metric_native_layout *l, uint64_t magnitude)
{
    const uint64_t one = 1ULL << DOUBLE_MANTISSA;
    uint64_t mantissa = magnitude & (one - 1);
    uint64_t octave =
        (magnitude >> DOUBLE_MANTISSA) - (uint64_t)(DOUBLE_BIAS + NATIVE_MIN_EXPONENT);
    uint64_t lifted = mantissa + l->steps[mantissa >> (DOUBLE_MANTISSA - 1 - l->fineness)];
    return (unsigned)((octave << l->fineness) + (lifted >> DOUBLE_MANTISSA));
}

/* Of NaN, behind the cell of |value| <= zero_threshold, behind the classic buckets. */
static inline uint32_t native_nan_cell(const struct histogram *h)
{
    return h->zero_cell + 1;
}

/* Acquired: see native.c on the order of buckets. */
static inline uint64_t native_total(uint32_t cell)
{
    uint64_t sum = 0;
    for (unsigned i = 0, n = metric_slabs(); i < n; i++)
        sum += atomic_load_explicit(&metric_slab(i)[cell].n, memory_order_acquire);
    return sum;
}

/* With so many observations of NaN, +Inf and -Inf, which its cell does not hold. */
double native_sum_of(const struct histogram *h, uint64_t nan, uint64_t plus, uint64_t minus);

/* The number of the chunk's first cell; 0: nothing was counted there. */
static inline uint32_t native_chunk(const struct histogram *h, bool negative, unsigned chunk)
{
    const _Atomic uint32_t *side = atomic_load_explicit(&h->sides[negative], memory_order_acquire);
    return side ? atomic_load_explicit(&side[chunk], memory_order_acquire) : 0;
}

#endif
