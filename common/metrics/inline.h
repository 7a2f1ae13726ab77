/* The hot paths, which are inline; included by metrics.h, which says what they do. */
#ifndef METRICS_INLINE_H
#define METRICS_INLINE_H

#include "metrics/metrics.h"

/* To cells that no other thread writes; returns the new value. */
static inline uint64_t metric_own_add(_Atomic uint64_t *cell, uint64_t n)
{
    n += atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, n, memory_order_relaxed);
    return n;
}
/* Relaxed too, but gcc would take an _Atomic double through an integer register, there and back. */
static inline void metric_own_add_double(_Atomic double *cell, double v)
{
#if defined __GNUC__ && !defined __clang__ && !defined __SANITIZE_THREAD__
    volatile double *plain = (volatile double *)cell;
    *plain = *plain + v;
#else
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + v,
                          memory_order_relaxed);
#endif
}

static inline void counter_add_u64(struct counter *c, uint64_t n)
{
    union metric_cell *own = metric_own_cells;
    if (__builtin_expect(own != NULL, 1))
        metric_own_add(&own[c->child.cells].n, n);
    else
        metric_counter_add_slowly(c, n);
}
static inline void counter_add_i64(struct counter *c, int64_t n)
{
    if (n < 0)
        metric_error(METRIC_ERROR_NEGATIVE);
    else
        counter_add_u64(c, (uint64_t)n);
}
static inline void counter_inc(struct counter *c)
{
    counter_add_u64(c, 1);
}
/* The number of a value's bin among those of positive ones. Of what is below 2^-64, 2^64 or more,
 * or NaN, it is no such number. */
static inline uint64_t metric_positive_bin(double value)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return (bits >> (52 - METRIC_SUB_BITS)) -
           ((uint64_t)(1023 + METRIC_LEAST_EXPONENT) << METRIC_SUB_BITS);
}
static inline void summary_observe(struct summary *s, double value)
{
    union metric_cell *own = metric_own_cells;
    uint64_t i = metric_positive_bin(value);
    if (__builtin_expect(own && i < METRIC_POSITIVE * METRIC_OCTAVE, 1)) {
        union metric_cell *octaves = own + s->child.cells;
        struct metric_bin *bins = atomic_load_explicit(
            &octaves[METRIC_POSITIVE + i / METRIC_OCTAVE].bins, memory_order_relaxed);
        if (__builtin_expect(bins != NULL, 1)) {
            struct metric_bin *bin = &bins[i % METRIC_OCTAVE];
            uint64_t n = metric_own_add(&bin->n, 1);
            metric_own_add_double(&bin->sum, value);
            if (__builtin_expect(n % METRIC_LOOK_AT_CLOCK == 0, 0))
                metric_summary_look_at_clock(); /* each bin does, for nobody else may */
            return;
        }
    }
    metric_summary_observe_slowly(s, value);
}
static inline void gauge_set(struct gauge *g, double value)
{
    atomic_store_explicit(&g->value, value, memory_order_relaxed);
}
static inline void gauge_inc(struct gauge *g)
{
    gauge_add(g, 1);
}
static inline void gauge_dec(struct gauge *g)
{
    gauge_add(g, -1);
}

#endif
