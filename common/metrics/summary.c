/*
 * Summaries: quantiles of the last minutes, without keeping the observations; see metrics.h.
 *
 * Observations are counted in bins whose width grows with the value: each octave (a power of two to
 * the next) has 64 bins, so a bin's middle is within 0.78 % of all it holds. The bin is read off
 * the double's bits: exponent and first six digits of the mantissa. Bins are ordered as their
 * values are, negative ones before positive ones, so that a quantile is one walk.
 *
 *     octave    0 … 127   negative values, the largest first
 *             128 … 255   zero and positive values
 *
 *     cells   octave 0 │ … │ octave 255 │ count of what found no memory │ its sum
 *
 * The bins of an octave are allocated when first counted in, for each thread: durations touch a
 * few. Bins only ever count up, so an observation knows nothing of time. The window is the reader's
 * affair: it keeps how the bins stood at the end of each slice, and subtracts the oldest of that
 * from how they stand now; see window.c. Sum and count never forget.
 */
#include "metrics/sketch.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNBINNED = METRIC_OCTAVES, UNBINNED_SUM, CELLS };

/* ---- Bins ----------------------------------------------------------------------------------- */

/* For any number. */
static unsigned bin_of(double value)
{
    const uint64_t positive = METRIC_POSITIVE * METRIC_OCTAVE;
    double size = fabs(value);
    uint64_t i = size < ldexp(1, METRIC_LEAST_EXPONENT) ? 0 : metric_positive_bin(size);
    i = i < positive ? i : positive - 1;
    return (unsigned)(value < 0 ? positive - 1 - i : positive + i);
}

double metric_bin_middle(unsigned bin)
{
    const unsigned positive = METRIC_POSITIVE * METRIC_OCTAVE;
    unsigned i = bin >= positive ? bin - positive : positive - 1 - bin;
    if (i == 0)
        return 0;
    double octave = ldexp(1, (int)(i / METRIC_OCTAVE) + METRIC_LEAST_EXPONENT);
    double low = octave * (1 + (double)(i % METRIC_OCTAVE) / METRIC_OCTAVE);
    double high = octave * (1 + (double)(i % METRIC_OCTAVE + 1) / METRIC_OCTAVE);
    double middle = 2 * low * high / (low + high); /* harmonic: as near, in proportion, to both */
    return bin >= positive ? middle : -middle;
}

struct metric_octave {
    struct metric_bin bins[METRIC_OCTAVE];
    struct metric_octave *next; /* of the summary's */
};

/* Keeps it where it is found again to be freed; a slab is no such place for a leak checker. */
static void keep(struct summary *s, struct metric_octave *octave)
{
    octave->next = atomic_load_explicit(&s->octaves, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&s->octaves, &octave->next, octave,
                                                  memory_order_release, memory_order_relaxed))
        ;
}

/* The bins of an octave of the thread, or common ones; NULL: no memory. */
static struct metric_bin *make_octave(struct summary *s, _Atomic(struct metric_bin *) *at)
{
    struct metric_bin *there = atomic_load_explicit(at, memory_order_acquire);
    if (there)
        return there;
    struct metric_octave *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    if (!atomic_compare_exchange_strong_explicit(at, &there, made->bins, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        free(made); /* another thread was first, with common ones */
        return there;
    }
    keep(s, made);
    return made->bins;
}

static const struct metric_bin *octave_in(unsigned slab, const struct summary *s, unsigned octave)
{
    return atomic_load_explicit(&metric_slab(slab)[s->child.cells + octave].bins,
                                memory_order_acquire);
}

/* ---- Observing ------------------------------------------------------------------------------ */

void metric_summary_look_at_clock(void)
{
    metrics_tick(clock_now());
}

static void count_unbinned(union metric_cell *cells, double value)
{
    metric_error(METRIC_ERROR_OUT_OF_MEMORY); /* the quantiles miss it, sum and count do not */
    metric_cell_add(&cells[UNBINNED].n, 1);
    metric_cell_add_double(&cells[UNBINNED_SUM].x, value);
}

void metric_summary_observe_slowly(struct summary *s, double value)
{
    if (isnan(value)) {
        metric_error(METRIC_ERROR_NOT_A_NUMBER);
        return;
    }
    union metric_cell *cells = metric_cells_claim() + s->child.cells;
    unsigned i = bin_of(value);
    struct metric_bin *octave = make_octave(s, &cells[i / METRIC_OCTAVE].bins);
    if (!octave) {
        count_unbinned(cells, value);
        return;
    }
    metric_cell_add_double(&octave[i % METRIC_OCTAVE].sum, value);
    if (metric_cell_add(&octave[i % METRIC_OCTAVE].n, 1) % METRIC_LOOK_AT_CLOCK == 0)
        metric_summary_look_at_clock();
}

/* ---- Reading -------------------------------------------------------------------------------- */

bool metric_octave_counts(const struct summary *s, unsigned octave,
                          uint64_t counts[static METRIC_OCTAVE])
{
    bool any = false;
    for (unsigned i = 0, n = metric_slabs(); i < n; i++) {
        const struct metric_bin *bins = octave_in(i, s, octave);
        if (!bins)
            continue;
        if (!any)
            memset(counts, 0, METRIC_OCTAVE * sizeof *counts);
        any = true;
        for (unsigned b = 0; b < METRIC_OCTAVE; b++)
            counts[b] += cell_get(&bins[b].n);
    }
    return any;
}

/* Of all observations ever, whatever was reset. */
static uint64_t count_ever(const struct summary *s)
{
    uint64_t counts[METRIC_OCTAVE], count = metric_cell_total(s->child.cells + UNBINNED);
    for (unsigned i = 0; i < METRIC_OCTAVES; i++)
        if (metric_octave_counts(s, i, counts))
            for (unsigned b = 0; b < METRIC_OCTAVE; b++)
                count += counts[b];
    return count;
}

static double sum_ever(const struct summary *s)
{
    double sum = metric_cell_total_double(s->child.cells + UNBINNED_SUM);
    for (unsigned i = 0, n = metric_slabs(); i < n; i++)
        for (unsigned k = 0; k < METRIC_OCTAVES; k++) {
            const struct metric_bin *bins = octave_in(i, s, k);
            for (unsigned b = 0; bins && b < METRIC_OCTAVE; b++)
                sum += cell_get_double(&bins[b].sum);
        }
    return sum;
}

uint64_t summary_count(const struct summary *s)
{
    return count_ever(s) - cell_get(&s->base_count);
}

double summary_sum(const struct summary *s)
{
    return sum_ever(s) + cell_get_double(&s->base);
}

double summary_quantile(const struct summary *s, double q)
{
    double value;
    metric_summary_read(s, &q, &value, 1);
    return value;
}

/* ---- The type ------------------------------------------------------------------------------- */

static unsigned cells(const struct metric_family *f)
{
    (void)f;
    return CELLS;
}

static void reset(struct metric_child *child)
{
    struct summary *s = (struct summary *)child;
    cell_set(&s->base_count, count_ever(s));
    cell_set_double(&s->base, -sum_ever(s));
    metric_window_forget(s);
}

static void observe(struct metric_child *child, double value)
{
    summary_observe((struct summary *)child, value);
}

static void end(struct metric_child *child)
{
    struct summary *s = (struct summary *)child;
    for (struct metric_octave *o = s->octaves, *next; o; o = next) {
        next = o->next;
        free(o);
    }
    metric_window_end(s);
}

static int read_point(const struct metric_child *child, struct metric_scratch *scratch,
                      struct metric_point *point)
{
    const struct summary *s = (const struct summary *)child;
    const struct metric_quantiles *q = child->family->spec.quantiles;
    *point = (struct metric_point){.child = child,
                                   .n = q ? q->n : 0,
                                   .quantiles = scratch->quantiles,
                                   .value = summary_sum(s),
                                   .count = summary_count(s)};
    if (q)
        metric_summary_read(s, q->at, scratch->quantiles, q->n);
    return OK;
}

const struct metric_ops metric_summary_ops = {
    .name = "summary",
    .size = sizeof(struct summary),
    .cells = cells,
    .reset = reset,
    .observe = observe,
    .read = read_point,
    .end = end,
};

struct summary *summary_with(struct metric_family *f, const char *const values[])
{
    assert(f->spec.type == METRIC_SUMMARY);
    return (struct summary *)metric_family_with(f, values);
}
