/*
 * Cells: the numbers behind the metrics. Each thread has a slab of them that it alone writes.
 *
 *                 counter      histogram of 2 buckets
 *     slab 0    │ n  x      │ x x x x  n n n │ …     common: locked adds, by any thread
 *     slab 1    │ n  x      │ x x x x  n n n │ …     of one thread: plain load, add, store
 *     slab 2    │ n  x      │ x x x x  n n n │ …     of another
 *
 * - A child has a run of cells, at the same numbers in every slab. Its value is the sum over all
 *   slabs; reading takes no lock and holds no writer up.
 * - A slab is made for the first update of a thread. When the thread ends the slab stays, with all
 *   that it counted, and the next thread to start goes on in it: nothing is moved, so totals are
 *   exact at any moment. There are as many slabs as threads ever ran at once, and each costs a
 *   reader 2.5 ns a cell: 500 threads, 100,000 counters, 0.12 s.
 * - A slab is address space; a page of it takes memory when first written to.
 * - A thread that gets no slab (no memory, METRIC_MAX_SLABS threads, or it is just ending) adds to
 *   the common one with locked instructions, which is slower and just as exact.
 * - A cell never decreases while its family lives, but for common ones, and those modulo 2^64 only:
 *   resetting takes the total off the common cell, so that it does not race with writers.
 * - After fork() the child goes on with its copy of everything; the slabs of threads that it does
 *   not have are free for new ones.
 */
#ifndef METRICS_CELLS_H
#define METRICS_CELLS_H

#include "metrics/metrics.h"

enum {
    METRIC_SLAB_CELLS = 4 << 20, /* 32 MiB of address space */
    METRIC_MAX_SLABS = 1024,
};

/* A run of n zeroed cells, by the number of its first; 0: no memory, or all cells are in use. */
uint32_t metric_cells_alloc(unsigned n);
/* Nobody may be updating or reading them any more. */
void metric_cells_free(uint32_t first, unsigned n);

/* For updates where metric_own_cells is NULL: makes the thread's slab and returns it, or the common
 * one. Write to it with metric_cell_add and metric_cell_add_double, which know which of the two. */
union metric_cell *metric_cells_claim(void);

/* Slabs number 0 to n - 1 are there; those with a lower number stay. */
unsigned metric_slabs(void);
union metric_cell *metric_slab(unsigned i);

/* Sums over all slabs. */
uint64_t metric_cell_total(uint32_t cell);
double metric_cell_total_double(uint32_t cell);
/* Makes the total 0, as of one moment. */
void metric_cell_reset(uint32_t cell);

/* ---- Relaxed access ------------------------------------------------------------------------- */

static inline uint64_t cell_get(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}
static inline void cell_set(_Atomic uint64_t *cell, uint64_t v)
{
    atomic_store_explicit(cell, v, memory_order_relaxed);
}
static inline double cell_get_double(const _Atomic double *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}
static inline void cell_set_double(_Atomic double *cell, double v)
{
    atomic_store_explicit(cell, v, memory_order_relaxed);
}
/* By any thread. */
static inline void cell_add_double(_Atomic double *cell, double v)
{
    double old = cell_get_double(cell);
    while (!atomic_compare_exchange_weak_explicit(cell, &old, old + v, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}
/* To a cell of the slab that metric_cells_claim returned. */
static inline uint64_t metric_cell_add(_Atomic uint64_t *cell, uint64_t n)
{
    return metric_own_cells ? metric_own_add(cell, n)
                            : atomic_fetch_add_explicit(cell, n, memory_order_relaxed) + n;
}
static inline void metric_cell_add_double(_Atomic double *cell, double v)
{
    if (metric_own_cells)
        metric_own_add_double(cell, v);
    else
        cell_add_double(cell, v);
}

#endif
