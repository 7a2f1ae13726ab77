/*
 * Native histograms: reading, and keeping below the limit of buckets; see native.h.
 *
 * The buckets of all threads are added up at the finest schema. Of these, the merging that the
 * limit asks for is a function: more populated buckets never give a narrower zero bucket or a finer
 * schema. So nothing is kept from one exposition to the next, and only a reset changes anything.
 */
#include "metrics/buckets.h"
#include "metrics/native.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { LARGEST_GAP = 2 }; /* empty buckets that are cheaper told than a new span */

struct bucket {
    int32_t index;
    uint64_t count;
};

/* The buckets on one side of zero, by index, and what encoders see of them. */
struct side {
    struct bucket *buckets;
    unsigned n, room;
    uint64_t *counts;
    struct metric_native_span *spans;
    unsigned n_counts, n_spans, shown_room;
};

struct metric_native_scratch {
    struct metric_native_view view;
    struct side sides[2]; /* positive, negative */
    uint64_t nan, infinite[2];
};

/* ---- Memory --------------------------------------------------------------------------------- */

static bool grow(void *at, unsigned n, size_t size)
{
    void **memory = at;
    void *more = realloc(*memory, n * size);
    if (more)
        *memory = more;
    return more;
}

static bool side_room(struct side *s, unsigned n)
{
    if (n > s->room && grow(&s->buckets, n, sizeof *s->buckets))
        s->room = n;
    return n <= s->room;
}

/* Gaps of LARGEST_GAP may be told with each bucket. */
static bool shown_room(struct side *s)
{
    unsigned n = s->n * (LARGEST_GAP + 1);
    if (n > s->shown_room && grow(&s->counts, n, sizeof *s->counts) &&
        grow(&s->spans, n, sizeof *s->spans))
        s->shown_room = n;
    return n <= s->shown_room;
}

void metric_native_scratch_free(struct metric_native_scratch *n)
{
    for (unsigned i = 0; n && i < 2; i++) {
        free(n->sides[i].buckets);
        free(n->sides[i].counts);
        free(n->sides[i].spans);
    }
    free(n);
}

/* ---- Adding up ------------------------------------------------------------------------------ */

static unsigned chunks_of(const struct histogram *h, bool negative)
{
    unsigned n = 0;
    for (unsigned i = 0; i < h->native->n_chunks; i++)
        n += native_chunk(h, negative, i) != 0;
    return n;
}

/* The number of the bucket in the specification. */
static int32_t index_of(const struct metric_native_layout *l, unsigned slot)
{
    return (int32_t)slot + NATIVE_MIN_EXPONENT * (1 << l->fineness);
}

static void gather_chunk(const struct histogram *h, struct side *s, unsigned chunk, uint32_t cells)
{
    for (unsigned i = 0; i < NATIVE_CHUNK; i++) {
        uint64_t count = native_total(cells + i);
        if (count)
            s->buckets[s->n++] =
                (struct bucket){index_of(h->native, chunk * NATIVE_CHUNK + i), count};
    }
}

/* Chunks that are made meanwhile are left to the next time. */
static bool gather_side(const struct histogram *h, struct metric_native_scratch *s, bool negative)
{
    struct side *side = &s->sides[negative];
    unsigned n = chunks_of(h, negative);
    side->n = 0;
    if (!side_room(side, n * NATIVE_CHUNK))
        return false;
    for (unsigned i = 0; n && i < h->native->n_chunks; i++) {
        uint32_t cells = native_chunk(h, negative, i);
        if (cells && n--)
            gather_chunk(h, side, i, cells);
    }
    int32_t beyond = index_of(h->native, h->native->n_slots - 1);
    const struct bucket *last = side->n ? &side->buckets[side->n - 1] : NULL;
    s->infinite[negative] = last && last->index == beyond ? last->count : 0;
    return true;
}

static bool gather(const struct histogram *h, struct metric_native_scratch *s)
{
    s->view = (struct metric_native_view){.schema = (int32_t)h->native->fineness,
                                          .zero_threshold = h->native->zero_threshold,
                                          .created = h->created,
                                          .zero_count = native_total(h->zero_cell)};
    s->nan = native_total(native_nan_cell(h));
    return gather_side(h, s, false) && gather_side(h, s, true);
}

static uint64_t count_of(const struct metric_native_scratch *s)
{
    uint64_t count = s->view.zero_count + s->nan;
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < s->sides[i].n; k++)
            count += s->sides[i].buckets[k].count;
    return count;
}

/* ---- The limit ------------------------------------------------------------------------------ */

static unsigned buckets_of(const struct metric_native_scratch *s)
{
    return s->sides[0].n + s->sides[1].n;
}

/* The bound that is farther from 0. */
static double bound_of(int32_t index, int schema)
{
    double bound = exp2(ldexp(index, -schema));
    return bound > DBL_MAX ? DBL_MAX : bound;
}

static void drop_first(struct side *s)
{
    s->n--;
    for (unsigned i = 0; i < s->n; i++)
        s->buckets[i] = s->buckets[i + 1];
}

/* Merges the buckets nearest to 0, one or a pair, into the zero bucket. False: it would be too
 * wide. */
static bool widen(struct metric_native_scratch *s, double max)
{
    int32_t nearest = INT32_MAX;
    for (unsigned i = 0; i < 2; i++)
        if (s->sides[i].n && s->sides[i].buckets[0].index < nearest)
            nearest = s->sides[i].buckets[0].index;
    double bound = bound_of(nearest, s->view.schema);
    if (bound > max)
        return false;
    s->view.zero_threshold = bound;
    for (unsigned i = 0; i < 2; i++)
        if (s->sides[i].n && s->sides[i].buckets[0].index == nearest) {
            s->view.zero_count += s->sides[i].buckets[0].count;
            drop_first(&s->sides[i]);
        }
    return true;
}

static void halve_side(struct side *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->n; i++) {
        int32_t index = s->buckets[i].index;
        index = (index + (index > 0)) / 2; /* rounded up */
        if (n && s->buckets[n - 1].index == index)
            s->buckets[n - 1].count += s->buckets[i].count;
        else
            s->buckets[n++] = (struct bucket){index, s->buckets[i].count};
    }
    s->n = n;
}

static void halve(struct metric_native_scratch *s)
{
    s->view.schema--;
    halve_side(&s->sides[0]);
    halve_side(&s->sides[1]);
}

static bool limit(struct histogram *h, struct metric_native_scratch *s)
{
    const struct metric_native_layout *l = h->native;
    while (s->view.schema > l->schema)
        halve(s);
    if (buckets_of(s) > l->max_buckets && clock_now() - h->reset_at >= l->min_age_ns) {
        metric_ops_of(h->child.family)->reset(&h->child);
        return gather(h, s);
    }
    while (buckets_of(s) > l->max_buckets && widen(s, l->max_zero_threshold))
        ;
    while (buckets_of(s) > l->max_buckets && s->view.schema > NATIVE_MIN_SCHEMA)
        halve(s);
    return true;
}

/* ---- The point ------------------------------------------------------------------------------ */

static void show_bucket(struct side *s, const struct bucket *b, int32_t gap)
{
    if (!s->n_spans || gap > LARGEST_GAP)
        s->spans[s->n_spans++] = (struct metric_native_span){.offset = gap};
    else
        for (; gap > 0; gap--, s->spans[s->n_spans - 1].length++)
            s->counts[s->n_counts++] = 0;
    s->counts[s->n_counts++] = b->count;
    s->spans[s->n_spans - 1].length++;
}

static bool show(struct side *s, struct metric_native_side *out)
{
    int32_t next = 0;
    s->n_counts = s->n_spans = 0;
    if (!shown_room(s))
        return false;
    for (unsigned i = 0; i < s->n; next = s->buckets[i++].index + 1)
        show_bucket(s, &s->buckets[i], s->buckets[i].index - next);
    *out = (struct metric_native_side){s->spans, s->n_spans, s->counts, s->n_counts};
    return true;
}

/* What is being observed just now may be in its classic bucket only: count it the next time. */
static void read_classic(const struct histogram *h, uint64_t *cumulative, uint64_t count)
{
    unsigned last = h->child.family->n_bounds;
    metric_histogram_read(h, cumulative);
    for (unsigned i = 0; i < last; i++)
        cumulative[i] = cumulative[i] < count ? cumulative[i] : count;
    cumulative[last] = count;
}

static int read_locked(struct histogram *h, struct metric_scratch *scratch,
                       struct metric_point *point)
{
    struct metric_native_scratch *s = scratch->native;
    if (!gather(h, s) || !limit(h, s) || !show(&s->sides[0], &s->view.positive) ||
        !show(&s->sides[1], &s->view.negative))
        return ERR_NOMEM;
    *point =
        (struct metric_point){.child = &h->child,
                              .count = count_of(s),
                              .value = native_sum_of(h, s->nan, s->infinite[0], s->infinite[1]),
                              .n = h->child.family->n_bounds + 1,
                              .cumulative = scratch->cumulative,
                              .native = &s->view};
    read_classic(h, scratch->cumulative, point->count);
    return OK;
}

/* The lock is against another exposition that resets. */
int metric_native_read(const struct histogram *h, struct metric_scratch *scratch,
                       struct metric_point *point)
{
    if (!scratch->native && !(scratch->native = calloc(1, sizeof *scratch->native)))
        return ERR_NOMEM;
    pthread_mutex_lock(&h->child.family->lock);
    int rc = read_locked((struct histogram *)h, scratch, point);
    pthread_mutex_unlock(&h->child.family->lock);
    return rc;
}
