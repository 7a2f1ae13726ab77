/*
 * Summaries: quantiles of the last minutes, without keeping the observations; see metrics.h.
 *
 * A sketch counts observations in bins whose width grows with the value: each octave (a power of
 * two to the next) has 64 bins, so a bin's middle is within 0.78 % of all it holds. The bin is read
 * off the double's bits: exponent and first six digits of the mantissa. Bins are ordered as their
 * values are, negative ones before positive ones, so that a quantile is one walk.
 *
 *     bins      0 … 8191  negative values, the largest first (8191: nearly 0)
 *            8192 … 16383 zero and positive values
 *
 * Bins come in chunks of an octave that are allocated when first counted in: durations touch a few.
 * The window is a ring of slices, each a sketch; when time has moved on by a slice's length the
 * oldest is emptied and becomes the one being filled. So quantiles look back over four to five
 * fifths of the window. Sum and count are kept apart and never forget.
 */
#include "metrics/internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUB_BITS = 6,
    CHUNK = 1 << SUB_BITS,
    SMALLEST_EXPONENT = -64,
    OCTAVES = 128,
    POSITIVE = OCTAVES * CHUNK, /* the bin of 0 */
    LOOK_AT_CLOCK = 64,         /* observations; a power of two */
};
static const int EXPONENT_BIAS = 1023;

struct chunk {
    _Atomic uint64_t bins[CHUNK];
};

struct sketch {
    _Atomic(void *) chunks[2 * OCTAVES]; /* struct chunk */
};

/* ---- The sketch ----------------------------------------------------------------------------- */

static unsigned bin_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= ~(1ULL << 63);
    int64_t i =
        (int64_t)(bits >> (52 - SUB_BITS)) - (int64_t)(EXPONENT_BIAS + SMALLEST_EXPONENT) * CHUNK;
    i = i < 0 ? 0 : i >= POSITIVE ? POSITIVE - 1 : i;
    return (unsigned)(value < 0 ? POSITIVE - 1 - i : POSITIVE + i);
}

/* What is nearest, in proportion, to both ends of a bin: their harmonic mean. */
static double middle_of(unsigned bin)
{
    unsigned i = bin >= POSITIVE ? bin - POSITIVE : POSITIVE - 1 - bin;
    if (i == 0)
        return 0;
    double octave = ldexp(1, (int)(i / CHUNK) + SMALLEST_EXPONENT);
    double low = octave * (1 + (double)(i % CHUNK) / CHUNK);
    double high = octave * (1 + (double)(i % CHUNK + 1) / CHUNK);
    double middle = 2 * low * high / (low + high);
    return bin >= POSITIVE ? middle : -middle;
}

/* Makes `*at` point to zeroed memory unless another thread does so first. NULL: no memory. */
static void *make_once(_Atomic(void *) *at, size_t size)
{
    void *made = calloc(1, size), *there = NULL;
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong_explicit(at, &there, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    free(made);
    return there;
}

static struct sketch *sketch_of(struct summary_shard *shard, unsigned slice)
{
    struct sketch *sketch = atomic_load_explicit(&shard->slices[slice], memory_order_acquire);
    return sketch ? sketch : make_once(&shard->slices[slice], sizeof *sketch);
}

/* NULL: no memory. */
static _Atomic uint64_t *cell_of(struct summary_shard *shard, unsigned slice, unsigned bin)
{
    struct sketch *sketch = sketch_of(shard, slice);
    if (!sketch)
        return NULL;
    _Atomic(void *) *at = &sketch->chunks[bin / CHUNK];
    struct chunk *chunk = atomic_load_explicit(at, memory_order_acquire);
    if (!chunk)
        chunk = make_once(at, sizeof *chunk);
    return chunk ? &chunk->bins[bin % CHUNK] : NULL;
}

static struct chunk *chunk_at(const struct summary_shard *shard, unsigned slice, unsigned i)
{
    struct sketch *sketch = atomic_load_explicit(&shard->slices[slice], memory_order_acquire);
    return sketch ? atomic_load_explicit(&sketch->chunks[i], memory_order_acquire) : NULL;
}

/* Keeps the memory: what was observed once will be observed again. */
static void empty_slice(struct summary_shard *shard, unsigned slice)
{
    for (unsigned i = 0; i < 2 * OCTAVES; i++) {
        struct chunk *chunk = chunk_at(shard, slice, i);
        for (unsigned k = 0; chunk && k < CHUNK; k++)
            cell_set(&chunk->bins[k], 0);
    }
}

/* ---- Observing ------------------------------------------------------------------------------ */

static unsigned slice_of(const struct metric_family *f)
{
    return cell_get(&f->slice) % METRICS_SLICES;
}

static uint64_t count_own(struct summary_shard *shard, _Atomic uint64_t *cell, double value)
{
    if (cell)
        cell_add_own(cell, 1);
    cell_add_own_double(&shard->sum, value);
    cell_add_own(&shard->count, 1);
    return cell_get(&shard->count);
}

static uint64_t count_shared(struct summary_shard *shard, _Atomic uint64_t *cell, double value)
{
    if (cell)
        cell_add(cell, 1);
    cell_add_double(&shard->sum, value);
    return atomic_fetch_add_explicit(&shard->count, 1, memory_order_relaxed) + 1;
}

void summary_observe(struct summary *s, double value)
{
    if (isnan(value)) {
        metric_error(METRIC_ERROR_NOT_A_NUMBER);
        return;
    }
    struct summary_shard *shard = metric_owner_thread ? &s->own : &s->shared;
    _Atomic uint64_t *cell = cell_of(shard, slice_of(s->child.family), bin_of(value));
    if (!cell)
        metric_error(METRIC_ERROR_OUT_OF_MEMORY); /* the quantiles miss it, sum and count do not */
    uint64_t count =
        metric_owner_thread ? count_own(shard, cell, value) : count_shared(shard, cell, value);
    if (count % LOOK_AT_CLOCK == 0) /* where nobody ticks */
        metrics_tick(clock_now());
}

uint64_t summary_count(const struct summary *s)
{
    return cell_get(&s->own.count) + cell_get(&s->shared.count);
}

double summary_sum(const struct summary *s)
{
    return cell_get_double(&s->own.sum) + cell_get_double(&s->shared.sum);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Adds up one octave over all slices and both shards; returns its total. */
static uint64_t merge_chunk(const struct summary *s, unsigned i, uint64_t bins[static CHUNK])
{
    uint64_t total = 0;
    memset(bins, 0, CHUNK * sizeof *bins);
    for (unsigned k = 0; k < 2 * METRICS_SLICES; k++) {
        struct chunk *chunk = chunk_at(k % 2 ? &s->own : &s->shared, k / 2, i);
        for (unsigned b = 0; chunk && b < CHUNK; b++) {
            uint64_t n = cell_get(&chunk->bins[b]);
            bins[b] += n;
            total += n;
        }
    }
    return total;
}

static uint64_t window_count(const struct summary *s)
{
    uint64_t bins[CHUNK], total = 0;
    for (unsigned i = 0; i < 2 * OCTAVES; i++)
        total += merge_chunk(s, i, bins);
    return total;
}

/* The number, from 1, of the observation that is at quantile q of n. */
static uint64_t rank_of(double q, uint64_t n)
{
    double rank = ceil(q * (double)n);
    return rank < 1 ? 1 : (uint64_t)rank;
}

void metric_summary_read(const struct summary *s, const double *quantiles, double *values,
                         unsigned n)
{
    uint64_t count = window_count(s), seen = 0, bins[CHUNK];
    unsigned next = 0;
    for (unsigned i = 0; i < n; i++)
        values[i] = NAN;
    for (unsigned i = 0; count && i < 2 * OCTAVES && next < n; i++) {
        if (!merge_chunk(s, i, bins))
            continue;
        for (unsigned b = 0; b < CHUNK; b++) {
            seen += bins[b];
            while (bins[b] && next < n && rank_of(quantiles[next], count) <= seen)
                values[next++] = middle_of(i * CHUNK + b);
        }
    }
}

double summary_quantile(const struct summary *s, double q)
{
    double value;
    metric_summary_read(s, &q, &value, 1);
    return value;
}

/* ---- Time ----------------------------------------------------------------------------------- */

/* Over `windows` and the turning of their slices. */
static pthread_mutex_t tick_lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric_family *windows;
static _Atomic uint64_t next_turn; /* when the first of them is due */

void metric_window_init(struct metric_family *f)
{
    f->slice_ns = (uint64_t)(f->spec.window * (double)NS_PER_S / METRICS_SLICES);
    cell_set(&f->slice, clock_now() / f->slice_ns);
    pthread_mutex_lock(&tick_lock);
    f->next_summary = windows;
    windows = f;
    cell_set(&next_turn, 0);
    pthread_mutex_unlock(&tick_lock);
}

void metric_window_drop(struct metric_family *f)
{
    pthread_mutex_lock(&tick_lock);
    struct metric_family **at = &windows;
    while (*at != f)
        at = &(*at)->next_summary;
    *at = f->next_summary;
    pthread_mutex_unlock(&tick_lock);
}

/* Empties the slices that were skipped and the one to be filled next. */
static void turn(struct metric_family *f, uint64_t slice)
{
    uint64_t old = cell_get(&f->slice);
    uint64_t steps = slice - old < METRICS_SLICES ? slice - old : METRICS_SLICES;
    METRIC_EACH_CHILD(child, f)
    for (uint64_t i = 0; i < steps; i++) {
        empty_slice(&((struct summary *)child)->own, (slice - i) % METRICS_SLICES);
        empty_slice(&((struct summary *)child)->shared, (slice - i) % METRICS_SLICES);
    }
    cell_set(&f->slice, slice);
}

void metrics_tick(uint64_t now)
{
    if (now < cell_get(&next_turn) || pthread_mutex_trylock(&tick_lock) != 0)
        return; /* not yet, or another thread is at it */
    uint64_t next = UINT64_MAX;
    for (struct metric_family *f = windows; f; f = f->next_summary) {
        if (now / f->slice_ns > cell_get(&f->slice))
            turn(f, now / f->slice_ns);
        uint64_t due = (cell_get(&f->slice) + 1) * f->slice_ns;
        next = due < next ? due : next;
    }
    cell_set(&next_turn, next);
    pthread_mutex_unlock(&tick_lock);
}

/* ---- The type ------------------------------------------------------------------------------- */

static void reset_shard(struct summary_shard *shard)
{
    cell_set(&shard->count, 0);
    cell_set_double(&shard->sum, 0);
    for (unsigned i = 0; i < METRICS_SLICES; i++)
        empty_slice(shard, i);
}

static void reset(struct metric_child *child)
{
    reset_shard(&((struct summary *)child)->own);
    reset_shard(&((struct summary *)child)->shared);
}

static void init(struct metric_child *child, void *extra)
{
    (void)extra;
    reset(child);
}

static void observe(struct metric_child *child, double value)
{
    summary_observe((struct summary *)child, value);
}

static void free_shard(struct summary_shard *shard)
{
    for (unsigned slice = 0; slice < METRICS_SLICES; slice++) {
        for (unsigned i = 0; i < 2 * OCTAVES; i++)
            free(chunk_at(shard, slice, i));
        free(shard->slices[slice]);
    }
}

void metric_summary_free(struct summary *s)
{
    free_shard(&s->own);
    free_shard(&s->shared);
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
    .init = init,
    .reset = reset,
    .observe = observe,
    .read = read_point,
};

struct summary *summary_with(struct metric_family *f, const char *const values[])
{
    assert(f->spec.type == METRIC_SUMMARY);
    return (struct summary *)metric_family_with(f, values);
}
