/*
 * Latencies, kept so that any percentile can be told to 1 %: a log-linear histogram, as
 * HdrHistogram made known. Every octave of nanoseconds is cut into 64 buckets, so a bucket is at
 * most 1/64 wide and its middle at most 0.8 % off. Recording is an index and an increment; nothing
 * is allocated.
 *
 * The histograms of Prometheus stand beside it for graphs; their few buckets cannot tell a p99.9.
 */
#ifndef TRAFFIC_LATENCY_H
#define TRAFFIC_LATENCY_H

#include <stdint.h>

#define LATENCY_SUB_BITS 6
#define LATENCY_MAX_NS   ((1ULL << 43) - 1) /* 2.4 hours; what is longer is kept as this */
#define LATENCY_BUCKETS  ((43 - LATENCY_SUB_BITS + 1) << LATENCY_SUB_BITS)

/* Zero-initialised is empty. */
struct latency {
    uint64_t count;
    uint64_t max; /* exact, in ns */
    uint64_t buckets[LATENCY_BUCKETS];
};

static inline uint32_t latency_bucket(uint64_t ns)
{
    if (ns < 1 << LATENCY_SUB_BITS)
        return (uint32_t)ns;
    uint32_t shift = 63 - LATENCY_SUB_BITS - (uint32_t)__builtin_clzll(ns);
    return (shift << LATENCY_SUB_BITS) + (uint32_t)(ns >> shift);
}

static inline void latency_record(struct latency *l, uint64_t ns)
{
    ns = ns < LATENCY_MAX_NS ? ns : LATENCY_MAX_NS;
    l->count++;
    l->max = ns > l->max ? ns : l->max;
    l->buckets[latency_bucket(ns)]++;
}

/* The smallest latency, in ns, that a share `q` of all (0 to 1) does not pass, within 0.8 %; exact
 * for q = 1; 0 where nothing was recorded. */
uint64_t latency_quantile(const struct latency *l, double q);

/* Adds what `from` holds. */
void latency_merge(struct latency *into, const struct latency *from);

#endif
