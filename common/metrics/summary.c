/*
 * Summaries: quantiles of the last minutes, without keeping the observations; see metrics.h.
 *
 * Observations are counted in bins whose width grows with the value: each octave (a power of two to
 * the next) has 64 bins, so a bin's middle is within 0.78 % of all it holds. The bin is read off
 * the double's bits: exponent and first six digits of the mantissa. Bins are ordered as their
 * values are, negative ones before positive ones, so that a quantile is one walk.
 *
 *     bins      0 … 8191  negative values, the largest first (8191: nearly 0)
 *            8192 … 16383 zero and positive values
 *
 *     cells   sum, in METRIC_LANES lanes │ unbinned │ octave 0 │ … │ octave 255
 *
 * The 64 bins of an octave are allocated when first counted in, for each thread: durations touch a
 * few. Bins only ever count up, so an observation knows nothing of time. The window is the reader's
 * affair: it keeps how the bins stood at the end of each slice, and subtracts the oldest of that
 * from how they stand now. So quantiles look back over four to five fifths of the window; see
 * window.c. Sum and count never forget.
 */
#include "metrics/sketch.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SMALLEST_EXPONENT = -64,
    EXPONENT_BIAS = 1023,
    LOOK_AT_CLOCK = 64, /* observations */
    UNBINNED = METRIC_LANES,
    OCTAVES,
    CELLS = OCTAVES + SKETCH_OCTAVES,
};

/* ---- Bins ----------------------------------------------------------------------------------- */

/* Where a value of 2^SMALLEST_EXPONENT or more is among the bins of positive ones; for all others
 * what is no such bin: SKETCH_POSITIVE or more. */
static uint64_t positive_bin(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits >> (52 - SKETCH_SUB_BITS)) -
           (uint64_t)(EXPONENT_BIAS + SMALLEST_EXPONENT) * SKETCH_OCTAVE;
}

/* For any number. */
static unsigned bin_of(double value)
{
    double size = fabs(value);
    uint64_t i = size < ldexp(1, SMALLEST_EXPONENT) ? 0 : positive_bin(size);
    i = i < SKETCH_POSITIVE ? i : SKETCH_POSITIVE - 1;
    return (unsigned)(value < 0 ? SKETCH_POSITIVE - 1 - i : SKETCH_POSITIVE + i);
}

double metric_sketch_middle(unsigned bin)
{
    unsigned i = bin >= SKETCH_POSITIVE ? bin - SKETCH_POSITIVE : SKETCH_POSITIVE - 1 - bin;
    if (i == 0)
        return 0;
    double octave = ldexp(1, (int)(i / SKETCH_OCTAVE) + SMALLEST_EXPONENT);
    double low = octave * (1 + (double)(i % SKETCH_OCTAVE) / SKETCH_OCTAVE);
    double high = octave * (1 + (double)(i % SKETCH_OCTAVE + 1) / SKETCH_OCTAVE);
    double middle = 2 * low * high / (low + high); /* harmonic: as near, in proportion, to both */
    return bin >= SKETCH_POSITIVE ? middle : -middle;
}

/* ---- Observing ------------------------------------------------------------------------------ */

/* The bins of an octave in the slab that metric_cells_claim gave; NULL: no memory. */
static union metric_cell *make_octave(_Atomic(union metric_cell *) *at)
{
    union metric_cell *there = atomic_load_explicit(at, memory_order_acquire);
    if (there)
        return there;
    union metric_cell *made = calloc(SKETCH_OCTAVE, sizeof *made);
    if (!made || atomic_compare_exchange_strong_explicit(at, &there, made, memory_order_acq_rel,
                                                         memory_order_acquire))
        return made;
    free(made); /* another thread was first, in the common slab */
    return there;
}

/* The first in an octave, on a thread without cells, or a value that is not positive. */
static __attribute__((noinline)) void observe_slowly(struct summary *s, double value)
{
    if (isnan(value)) {
        metric_error(METRIC_ERROR_NOT_A_NUMBER);
        return;
    }
    union metric_cell *cells = metric_cells_claim() + s->child.cells;
    unsigned bin = bin_of(value);
    union metric_cell *octave = make_octave(&cells[OCTAVES + bin / SKETCH_OCTAVE].more);
    union metric_cell *cell = octave ? &octave[bin % SKETCH_OCTAVE] : &cells[UNBINNED];
    if (!octave)
        metric_error(METRIC_ERROR_OUT_OF_MEMORY); /* the quantiles miss it, sum and count do not */
    uint64_t n = metric_cell_add(&cell->n, 1);
    metric_cell_add_double(&cells[n % METRIC_LANES].x, value);
    if (n % LOOK_AT_CLOCK == 0)
        metrics_tick(clock_now());
}

/* Where nobody ticks, each bin looks at the clock now and then: together, once in LOOK_AT_CLOCK
 * observations. */
void summary_observe(struct summary *s, double value)
{
    union metric_cell *own = metric_own_cells;
    uint64_t bin = positive_bin(value);
    if (__builtin_expect(!own || bin >= SKETCH_POSITIVE, 0)) {
        observe_slowly(s, value);
        return;
    }
    union metric_cell *cells = own + s->child.cells;
    const unsigned first = OCTAVES + SKETCH_POSITIVE / SKETCH_OCTAVE;
    union metric_cell *octave =
        atomic_load_explicit(&cells[first + bin / SKETCH_OCTAVE].more, memory_order_relaxed);
    if (__builtin_expect(!octave, 0)) {
        observe_slowly(s, value);
        return;
    }
    uint64_t n = cell_add_own(&octave[bin % SKETCH_OCTAVE].n, 1);
    metric_lanes_add_own(cells, n, value);
    if (__builtin_expect(n % LOOK_AT_CLOCK == 0, 0))
        metrics_tick(clock_now());
}

/* ---- Reading -------------------------------------------------------------------------------- */

bool metric_sketch_octave(const struct summary *s, unsigned octave,
                          uint64_t bins[static SKETCH_OCTAVE])
{
    bool any = false;
    for (unsigned i = 0, n = metric_slabs(); i < n; i++) {
        const union metric_cell *cells = metric_slab(i) + s->child.cells;
        const union metric_cell *counted =
            atomic_load_explicit(&cells[OCTAVES + octave].more, memory_order_acquire);
        if (!counted)
            continue;
        if (!any)
            memset(bins, 0, SKETCH_OCTAVE * sizeof *bins);
        any = true;
        for (unsigned b = 0; b < SKETCH_OCTAVE; b++)
            bins[b] += cell_get(&counted[b].n);
    }
    return any;
}

/* Since the start, whatever was reset. */
static uint64_t count_ever(const struct summary *s)
{
    uint64_t bins[SKETCH_OCTAVE], count = metric_cell_total(s->child.cells + UNBINNED);
    for (unsigned i = 0; i < SKETCH_OCTAVES; i++)
        if (metric_sketch_octave(s, i, bins))
            for (unsigned b = 0; b < SKETCH_OCTAVE; b++)
                count += bins[b];
    return count;
}

uint64_t summary_count(const struct summary *s)
{
    return count_ever(s) - cell_get(&s->base_count);
}

double summary_sum(const struct summary *s)
{
    return metric_lanes_total(s->child.cells) + cell_get_double(&s->base);
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
    cell_set_double(&s->base, -metric_lanes_total(child->cells));
    metric_window_forget(s);
}

static void observe(struct metric_child *child, double value)
{
    summary_observe((struct summary *)child, value);
}

static void end(struct metric_child *child)
{
    for (unsigned i = 0, n = metric_slabs(); i < n; i++) {
        union metric_cell *cells = metric_slab(i) + child->cells;
        for (unsigned k = OCTAVES; k < CELLS; k++)
            free(atomic_load_explicit(&cells[k].more, memory_order_acquire));
    }
    metric_window_end((struct summary *)child);
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
