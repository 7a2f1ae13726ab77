/*
 * Native histograms: counting; see native.h.
 *
 * An observation finds its bucket in the bits of the double, without a search, and adds to one cell
 * of its thread. Where there are classic buckets too, those are counted first: a reader, who goes
 * the other way round, finds no more observations in the native buckets than in the classic ones.
 */
#include "metrics/native.h"

#include "metrics/buckets.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t INFINITE = 0x7ffULL << DOUBLE_MANTISSA;

/* ---- What is computed once ------------------------------------------------------------------ */

/* The schema whose buckets grow by this factor or less: 2^(2^-schema). */
static int schema_of(double factor)
{
    int schema = -(int)floor(log2(log2(factor)));
    return schema < NATIVE_MIN_SCHEMA   ? NATIVE_MIN_SCHEMA
           : schema > NATIVE_MAX_SCHEMA ? NATIVE_MAX_SCHEMA
                                        : schema;
}

static void compute_steps(struct metric_native_layout *l)
{
    const uint64_t one = 1ULL << DOUBLE_MANTISSA;
    unsigned n = 1U << l->fineness, below = 0;
    for (unsigned step = 0; step < 2 * n; step++) {
        uint64_t end = (step + 1) * (one / (2 * n));
        double bound = (exp2((double)below / n) - 1) * (double)one;
        if (below < n && (uint64_t)bound < end)
            l->steps[step] = ++below * one - ((uint64_t)bound + 1);
        else
            l->steps[step] = below * one;
    }
}

static double or_default(double value, double otherwise)
{
    return value == 0 ? otherwise : value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void compute(struct metric_native_layout *l, const struct metric_native *n)
{
    l->zero_threshold = or_default(n->zero_threshold, METRICS_NATIVE_ZERO_THRESHOLD);
    l->max_zero_threshold = or_default(n->max_zero_threshold, METRICS_NATIVE_MAX_ZERO_THRESHOLD);
    l->max_buckets = n->max_buckets ? n->max_buckets : METRICS_NATIVE_MAX_BUCKETS;
    l->zero_bits = bits_of(l->zero_threshold);
    double age = or_default(n->min_reset, METRICS_NATIVE_MIN_RESET) * (double)NS_PER_S;
    l->min_age_ns = age < 0x1p63 ? (uint64_t)age : UINT64_MAX;
    l->n_slots = ((DOUBLE_MAX_EXPONENT - NATIVE_MIN_EXPONENT) << l->fineness) + 2;
    l->n_chunks = (l->n_slots + NATIVE_CHUNK - 1) / NATIVE_CHUNK;
    compute_steps(l);
}

int metric_native_init(struct metric_family *f, struct err *err)
{
    const struct metric_native *n = f->spec.buckets->native;
    if (!n)
        return OK;
    int schema = schema_of(or_default(n->factor, METRICS_NATIVE_FACTOR));
    unsigned fineness = schema > 0 ? (unsigned)schema : 0;
    struct metric_native_layout *l = calloc(1, sizeof *l + (2U << fineness) * sizeof *l->steps);
    if (!l)
        return err_set(err, ERR_NOMEM, "out of memory");
    l->schema = schema;
    l->fineness = fineness;
    compute(l, n);
    f->native = l;
    return OK;
}

/* ---- Cells ---------------------------------------------------------------------------------- */

/* NULL: no memory. */
static _Atomic uint32_t *side_of(struct histogram *h, bool negative)
{
    _Atomic uint32_t *there = atomic_load_explicit(&h->sides[negative], memory_order_acquire);
    if (there)
        return there;
    _Atomic uint32_t *made = calloc(h->native->n_chunks, sizeof *made);
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong_explicit(&h->sides[negative], &there, made,
                                                memory_order_acq_rel, memory_order_acquire))
        return made;
    free((void *)made); /* another thread was first */
    return there;
}

/* As native_chunk, but makes it; 0: no memory. */
static uint32_t make_chunk(struct histogram *h, bool negative, unsigned chunk)
{
    uint32_t there = native_chunk(h, negative, chunk);
    _Atomic uint32_t *side = side_of(h, negative);
    uint32_t made = !there && side ? metric_cells_alloc(NATIVE_CHUNK) : 0;
    if (!made)
        return there;
    if (atomic_compare_exchange_strong_explicit(&side[chunk], &there, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    metric_cells_free(made, NATIVE_CHUNK);
    return there;
}

static void free_side(const struct histogram *h, bool negative)
{
    for (unsigned i = 0; i < h->native->n_chunks; i++)
        if (native_chunk(h, negative, i))
            metric_cells_free(native_chunk(h, negative, i), NATIVE_CHUNK);
    free((void *)h->sides[negative]);
}

void metric_native_free(struct histogram *h)
{
    free_side(h, false);
    free_side(h, true);
}

/* ---- Observing ------------------------------------------------------------------------------ */

/* Released, so that who reads it reads the classic bucket of the same observation too. */
static inline void add_own(_Atomic uint64_t *cell)
{
    atomic_store_explicit(cell, cell_get(cell) + 1, memory_order_release);
}

static void add(_Atomic uint64_t *cell)
{
    if (metric_own_cells)
        add_own(cell);
    else
        atomic_fetch_add_explicit(cell, 1, memory_order_release);
}

static unsigned slot_of(const struct metric_native_layout *l, uint64_t magnitude)
{
    return native_slot(l, magnitude) + (magnitude == INFINITE); /* beyond the greatest number */
}

/* The cell to count a number in; 0: no memory. */
static uint32_t cell_of(struct histogram *h, uint64_t bits)
{
    bool negative = bits >> 63;
    uint64_t magnitude = bits & ~(1ULL << 63);
    if (magnitude <= h->native->zero_bits)
        return h->zero_cell;
    unsigned slot = slot_of(h->native, magnitude);
    uint32_t chunk = make_chunk(h, negative, slot / NATIVE_CHUNK);
    return chunk ? chunk + slot % NATIVE_CHUNK : 0;
}

/* NaN, an infinity, the first in a chunk, or a thread without cells. What is not finite is left out
 * of the sum's cells, where it would stay for ever: a reader adds it. */
static __attribute__((noinline)) void observe_slowly(struct histogram *h, double value)
{
    union metric_cell *cells = metric_cells_claim();
    uint32_t cell = isnan(value) ? native_nan_cell(h) : cell_of(h, bits_of(value));
    if (isnan(value))
        metric_error(METRIC_ERROR_NOT_A_NUMBER);
    else if (!cell)
        metric_error(METRIC_ERROR_OUT_OF_MEMORY);
    else if (h->classic)
        metric_cell_add(&cells[h->child.cells + HISTOGRAM_BUCKETS + metric_bucket_of(h, value)].n,
                        1);
    if (!cell)
        return;
    add(&cells[cell].n);
    if (isfinite(value))
        metric_cell_add_double(&cells[h->child.cells + HISTOGRAM_SUM].x, value);
}

/* Not inline, so that native buckets alone need no stack. */
static __attribute__((noinline)) void add_classic(const struct histogram *h, union metric_cell *own,
                                                  double value)
{
    metric_own_add(&own[h->child.cells + HISTOGRAM_BUCKETS + metric_bucket_of(h, value)].n, 1);
}

void metric_native_observe(struct histogram *h, double value)
{
    const struct metric_native_layout *l = h->native;
    union metric_cell *own = metric_own_cells;
    uint64_t bits = bits_of(value), magnitude = bits & ~(1ULL << 63);
    if (__builtin_expect(!own || magnitude >= INFINITE, 0)) {
        observe_slowly(h, value);
        return;
    }
    uint32_t cell = h->zero_cell;
    if (__builtin_expect(magnitude > l->zero_bits, 1)) {
        unsigned slot = native_slot(l, magnitude);
        uint32_t chunk = native_chunk(h, bits >> 63, slot / NATIVE_CHUNK);
        if (__builtin_expect(!chunk, 0)) {
            observe_slowly(h, value);
            return;
        }
        cell = chunk + slot % NATIVE_CHUNK;
    }
    /* The sum first: behind a bucket, whose address is known late, it would wait for it. */
    metric_own_add_double(&own[h->child.cells + HISTOGRAM_SUM].x, value);
    if (h->classic)
        add_classic(h, own, value);
    add_own(&own[cell].n);
}

/* ---- Totals, and resetting ------------------------------------------------------------------ */

typedef void cell_fn(uint32_t cell, uint64_t *sum);

static void each_cell(const struct histogram *h, cell_fn *fn, uint64_t *sum)
{
    fn(h->zero_cell, sum);
    fn(native_nan_cell(h), sum);
    for (unsigned i = 0; i < 2 * h->native->n_chunks; i++) {
        uint32_t cells = native_chunk(h, i % 2, i / 2);
        for (unsigned k = 0; cells && k < NATIVE_CHUNK; k++)
            fn(cells + k, sum);
    }
}

static void add_cell(uint32_t cell, uint64_t *sum)
{
    *sum += native_total(cell);
}

static void reset_cell(uint32_t cell, uint64_t *sum)
{
    (void)sum;
    metric_cell_reset(cell);
}

uint64_t metric_native_count(const struct histogram *h)
{
    uint64_t count = 0;
    each_cell(h, add_cell, &count);
    return count;
}

void metric_native_begin(struct histogram *h)
{
    h->reset_at = clock_now();
    h->created = (double)clock_wall_ms() / 1000;
}

void metric_native_reset(struct histogram *h)
{
    each_cell(h, reset_cell, NULL);
    metric_native_begin(h);
}

double native_sum_of(const struct histogram *h, uint64_t nan, uint64_t plus, uint64_t minus)
{
    if (nan || (plus && minus))
        return NAN;
    if (plus || minus)
        return plus ? INFINITY : -INFINITY;
    return metric_cell_total_double(h->child.cells + HISTOGRAM_SUM) + cell_get_double(&h->base);
}

static uint64_t infinite(const struct histogram *h, bool negative)
{
    unsigned slot = h->native->n_slots - 1;
    uint32_t cells = native_chunk(h, negative, slot / NATIVE_CHUNK);
    return cells ? native_total(cells + slot % NATIVE_CHUNK) : 0;
}

double metric_native_sum(const struct histogram *h)
{
    return native_sum_of(h, native_total(native_nan_cell(h)), infinite(h, false),
                         infinite(h, true));
}
