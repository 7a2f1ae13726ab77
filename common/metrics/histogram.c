/*
 * Histograms with classic buckets; see metrics.h.
 *
 * An observation adds to one bucket and to the sum. There is no cell for the count: it is the sum
 * of the buckets, so that le="+Inf" equals _count at any moment. _sum may be behind or ahead of
 * _count by the observations that are just being made.
 */
#include "metrics/internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* The first bucket whose bound is not below the value. The bounds are padded with +Inf to a power
 * of two, so that the steps are the same for all values and none is a branch to mispredict. */
static unsigned bucket_of(const struct histogram *h, double value)
{
    unsigned i = 0;
    for (unsigned step = h->padded / 2; step; step /= 2)
        i += -(unsigned)(h->bounds[i + step - 1] < value) & step;
    return i;
}

static void observe_own(struct histogram_shard *shard, unsigned i, double value)
{
    cell_add_own(&shard->buckets[i], 1);
    cell_add_own_double(&shard->sum, value);
}

/* Not inline, so that the usual way needs no stack. */
static __attribute__((noinline)) void observe_shared(struct histogram_shard *shard, unsigned i,
                                                     double value)
{
    cell_add(&shard->buckets[i], 1);
    cell_add_double(&shard->sum, value);
}

void histogram_observe(struct histogram *h, double value)
{
    if (isnan(value))
        metric_error(METRIC_ERROR_NOT_A_NUMBER);
    else if (metric_owner_thread)
        observe_own(h->own, bucket_of(h, value), value);
    else
        observe_shared(h->shared, bucket_of(h, value), value);
}

uint64_t metric_histogram_read(const struct histogram *h, uint64_t *cumulative)
{
    uint64_t count = 0;
    for (unsigned i = 0; i <= h->child.family->n_bounds; i++) {
        count += cell_get(&h->own->buckets[i]) + cell_get(&h->shared->buckets[i]);
        cumulative[i] = count;
    }
    return count;
}

uint64_t histogram_bucket(const struct histogram *h, unsigned i)
{
    assert(i <= h->child.family->n_bounds);
    uint64_t count = 0;
    for (unsigned k = 0; k <= i; k++)
        count += cell_get(&h->own->buckets[k]) + cell_get(&h->shared->buckets[k]);
    return count;
}

uint64_t histogram_count(const struct histogram *h)
{
    return histogram_bucket(h, h->child.family->n_bounds);
}

double histogram_sum(const struct histogram *h)
{
    return cell_get_double(&h->own->sum) + cell_get_double(&h->shared->sum);
}

static double computed(const struct metric_buckets *b, unsigned i)
{
    switch (b->kind) {
    case BUCKETS_ARE_LINEAR:
        return b->start + i * b->step;
    case BUCKETS_ARE_EXPONENTIAL:
        return b->start * pow(b->step, i);
    case BUCKETS_LISTED:
        break;
    }
    return b->at[i];
}

static int bounds_check(const double *bounds, unsigned n, struct err *err)
{
    for (unsigned i = 0; i < n; i++)
        if (!isfinite(bounds[i]))
            return err_set(err, ERR_INVALID, "bucket %u is not a finite number", i + 1);
        else if (i && bounds[i] <= bounds[i - 1])
            return err_set(err, ERR_INVALID, "buckets must ascend: %g after %g", bounds[i],
                           bounds[i - 1]);
    return OK;
}

int metric_bounds_init(struct metric_family *f, struct err *err)
{
    const struct metric_buckets *b = f->spec.buckets;
    unsigned n = b->n;
    if (n && b->kind == BUCKETS_LISTED && isinf(b->at[n - 1]) && b->at[n - 1] > 0)
        n--; /* +Inf is there without being named, but people do name it */
    f->n_bounds = n;
    for (f->padded = 2; f->padded <= n; f->padded *= 2)
        ;
    f->bounds = malloc(f->padded * sizeof *f->bounds);
    if (!f->bounds)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < f->padded; i++)
        f->bounds[i] = i < n ? computed(b, i) : INFINITY;
    return bounds_check(f->bounds, n, err);
}

static size_t shard_size(const struct metric_family *f)
{
    return sizeof(struct histogram_shard) + (f->n_bounds + 1) * sizeof(uint64_t);
}

static size_t extra(const struct metric_family *f)
{
    return 2 * shard_size(f);
}

static void reset_shard(struct histogram_shard *s, unsigned n)
{
    cell_set_double(&s->sum, 0);
    for (unsigned i = 0; i < n; i++)
        cell_set(&s->buckets[i], 0);
}

static void reset(struct metric_child *child)
{
    struct histogram *h = (struct histogram *)child;
    reset_shard(h->own, child->family->n_bounds + 1);
    reset_shard(h->shared, child->family->n_bounds + 1);
}

static void init(struct metric_child *child, void *shards)
{
    struct histogram *h = (struct histogram *)child;
    h->bounds = child->family->bounds;
    h->padded = child->family->padded;
    h->own = shards;
    h->shared = (struct histogram_shard *)((char *)shards + shard_size(child->family));
    reset(child);
}

static void observe(struct metric_child *child, double value)
{
    histogram_observe((struct histogram *)child, value);
}

static int read_point(const struct metric_child *child, struct metric_scratch *scratch,
                      struct metric_point *point)
{
    const struct histogram *h = (const struct histogram *)child;
    *point = (struct metric_point){.child = child,
                                   .n = child->family->n_bounds + 1,
                                   .cumulative = scratch->cumulative,
                                   .value = histogram_sum(h)};
    point->count = metric_histogram_read(h, scratch->cumulative);
    return OK;
}

const struct metric_ops metric_histogram_ops = {
    .name = "histogram",
    .size = sizeof(struct histogram),
    .extra = extra,
    .init = init,
    .reset = reset,
    .observe = observe,
    .read = read_point,
};

struct histogram *histogram_with(struct metric_family *f, const char *const values[])
{
    assert(f->spec.type == METRIC_HISTOGRAM);
    return (struct histogram *)metric_family_with(f, values);
}
