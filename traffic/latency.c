/* Percentiles; see latency.h. */
#include "traffic/latency.h"

#include <math.h>

/* The middle of a bucket; below 64 ns a bucket is one value. */
static uint64_t middle(uint32_t bucket)
{
    uint32_t octave = bucket >> LATENCY_SUB_BITS;
    if (octave == 0)
        return bucket;
    uint32_t shift = octave - 1;
    uint64_t low = (uint64_t)(bucket - (shift << LATENCY_SUB_BITS)) << shift;
    return low + (1ULL << shift) / 2;
}

uint64_t latency_quantile(const struct latency *l, double q)
{
    uint64_t rank = (uint64_t)ceil(q * (double)l->count);
    rank = rank ? rank : 1;
    if (rank >= l->count)
        return l->max;
    uint64_t seen = 0;
    uint32_t bucket = 0;
    while ((seen += l->buckets[bucket]) < rank)
        bucket++;
    return middle(bucket) < l->max ? middle(bucket) : l->max;
}

void latency_merge(struct latency *into, const struct latency *from)
{
    into->count += from->count;
    into->max = from->max > into->max ? from->max : into->max;
    for (uint32_t i = 0; i < LATENCY_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}
