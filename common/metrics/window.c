/*
 * The windows of summaries: the quantiles of the last minutes, from bins that only count up.
 *
 * Time is cut into slices, a fifth of the window each. A summary keeps a copy of its bins at the
 * end of each of the last five slices; what is in the window is the bins as they are now less the
 * oldest copy. Slice number s ends into ends[s % 5]; when nothing was observed in it, that is the
 * same copy as the one before. A copy spans the octaves that were counted in; NULL is an empty one.
 */
#include "metrics/sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct metric_sketch {
    uint64_t count;      /* of all bins */
    unsigned first, end; /* octaves */
    uint64_t bins[];
};

/* Over all below, the copies of all summaries, and the turning of their slices. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric_family *windows;
static _Atomic uint64_t next_turn; /* when the first of them is due */

/* ---- Copies --------------------------------------------------------------------------------- */

/* The octaves that are in use, and how often they were counted in. */
static struct metric_sketch extent_of(const struct summary *s)
{
    struct metric_sketch extent = {.first = METRIC_OCTAVES};
    uint64_t bins[METRIC_OCTAVE];
    for (unsigned i = 0; i < METRIC_OCTAVES; i++) {
        if (!metric_octave_counts(s, i, bins))
            continue;
        extent.first = i < extent.first ? i : extent.first;
        extent.end = i + 1;
        for (unsigned b = 0; b < METRIC_OCTAVE; b++)
            extent.count += bins[b];
    }
    return extent;
}

/* NULL: no memory. */
static struct metric_sketch *copy(const struct summary *s, const struct metric_sketch *extent)
{
    size_t bins = (size_t)(extent->end - extent->first) * METRIC_OCTAVE;
    struct metric_sketch *sketch = calloc(1, sizeof *sketch + bins * sizeof *sketch->bins);
    if (!sketch)
        return NULL;
    sketch->first = extent->first;
    sketch->end = extent->end;
    for (unsigned i = sketch->first; i < sketch->end; i++)
        metric_octave_counts(s, i, &sketch->bins[(i - sketch->first) * METRIC_OCTAVE]);
    for (size_t b = 0; b < bins; b++)
        sketch->count += sketch->bins[b];
    return sketch;
}

/* Makes ends[i] point to `sketch`, and frees what it pointed to unless another end does too. */
static void put_end(struct summary *s, unsigned i, struct metric_sketch *sketch)
{
    struct metric_sketch *old = s->ends[i];
    s->ends[i] = sketch;
    for (unsigned k = 0; k < METRICS_SLICES; k++)
        if (s->ends[k] == old)
            return;
    free(old);
}

/* The bins as they are, or `last` where that is the same; without memory `last` has to do. */
static struct metric_sketch *copy_unless(const struct summary *s, struct metric_sketch *last)
{
    const struct metric_sketch extent = extent_of(s);
    if (extent.count == (last ? last->count : 0))
        return last;
    struct metric_sketch *sketch = copy(s, &extent);
    if (!sketch)
        metric_error(METRIC_ERROR_OUT_OF_MEMORY);
    return sketch ? sketch : last;
}

void metric_window_forget(struct summary *s)
{
    pthread_mutex_lock(&lock);
    uint64_t slice = cell_get(&s->child.family->slice);
    struct metric_sketch *now = copy_unless(s, s->ends[(slice - 1) % METRICS_SLICES]);
    for (unsigned i = 0; i < METRICS_SLICES; i++)
        put_end(s, i, now);
    pthread_mutex_unlock(&lock);
}

void metric_window_end(struct summary *s)
{
    for (unsigned i = 0; i < METRICS_SLICES; i++)
        put_end(s, i, NULL);
}

/* ---- Quantiles ------------------------------------------------------------------------------ */

/* Takes what was counted before the window off the bins of an octave; returns what is left. */
static uint64_t subtract(const struct metric_sketch *before, unsigned octave,
                         uint64_t bins[static METRIC_OCTAVE])
{
    uint64_t total = 0;
    bool overlap = before && octave >= before->first && octave < before->end;
    for (unsigned b = 0; b < METRIC_OCTAVE; b++) {
        if (overlap)
            bins[b] -= before->bins[(octave - before->first) * METRIC_OCTAVE + b];
        total += bins[b];
    }
    return total;
}

/* The number, from 1, of the observation that is at quantile q of n. */
static uint64_t rank_of(double q, uint64_t n)
{
    double rank = ceil(q * (double)n);
    return rank < 1 ? 1 : (uint64_t)rank;
}

static void read_locked(const struct summary *s, const double *quantiles, double *values,
                        unsigned n)
{
    const struct metric_sketch *before =
        s->ends[cell_get(&s->child.family->slice) % METRICS_SLICES];
    uint64_t count = extent_of(s).count - (before ? before->count : 0), seen = 0;
    uint64_t bins[METRIC_OCTAVE];
    unsigned next = 0;
    for (unsigned i = 0; count && i < METRIC_OCTAVES && next < n; i++) {
        if (!metric_octave_counts(s, i, bins) || !subtract(before, i, bins))
            continue;
        for (unsigned b = 0; b < METRIC_OCTAVE; b++) {
            seen += bins[b];
            while (bins[b] && next < n && rank_of(quantiles[next], count) <= seen)
                values[next++] = metric_bin_middle(i * METRIC_OCTAVE + b);
        }
    }
}

void metric_summary_read(const struct summary *s, const double *quantiles, double *values,
                         unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        values[i] = NAN;
    pthread_mutex_lock(&lock);
    read_locked(s, quantiles, values, n);
    pthread_mutex_unlock(&lock);
}

/* ---- Time ----------------------------------------------------------------------------------- */

void metric_window_init(struct metric_family *f)
{
    f->slice_ns = (uint64_t)((f->spec.window > 0 ? f->spec.window : METRICS_WINDOW) *
                             (double)NS_PER_S / METRICS_SLICES);
    cell_set(&f->slice, clock_now() / f->slice_ns);
    pthread_mutex_lock(&lock);
    f->next_summary = windows;
    windows = f;
    cell_set(&next_turn, 0);
    pthread_mutex_unlock(&lock);
}

void metric_window_drop(struct metric_family *f)
{
    pthread_mutex_lock(&lock);
    struct metric_family **at = &windows;
    while (*at != f)
        at = &(*at)->next_summary;
    *at = f->next_summary;
    pthread_mutex_unlock(&lock);
}

/* Ends the slice that was being filled, and those that were skipped, as of now. */
static void turn(struct metric_family *f, uint64_t slice)
{
    uint64_t old = cell_get(&f->slice);
    uint64_t steps = slice - old < METRICS_SLICES ? slice - old : METRICS_SLICES;
    METRIC_EACH_CHILD(child, f)
    {
        struct summary *s = (struct summary *)child;
        struct metric_sketch *now = copy_unless(s, s->ends[(old - 1) % METRICS_SLICES]);
        for (uint64_t i = 1; i <= steps; i++)
            put_end(s, (slice - i) % METRICS_SLICES, now);
    }
    cell_set(&f->slice, slice);
}

void metrics_tick(uint64_t now)
{
    if (now < cell_get(&next_turn) || pthread_mutex_trylock(&lock) != 0)
        return; /* not yet, or another thread is at it */
    uint64_t next = UINT64_MAX;
    for (struct metric_family *f = windows; f; f = f->next_summary) {
        if (now / f->slice_ns > cell_get(&f->slice))
            turn(f, now / f->slice_ns);
        uint64_t due = (cell_get(&f->slice) + 1) * f->slice_ns;
        next = due < next ? due : next;
    }
    cell_set(&next_turn, next);
    pthread_mutex_unlock(&lock);
}
