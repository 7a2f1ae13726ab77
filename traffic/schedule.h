/*
 * When requests are due: the arrival times of an open loop, in absolute nanoseconds. Pure: it reads
 * no clock, so a late caller changes nothing in what it says.
 *
 *     schedule_init(&s, ARRIVALS_CONSTANT, 1000, clock_now(), seed);
 *     while (schedule_due(&s) <= now) { …begin one request…; schedule_advance(&s); }
 *
 * Times are counted in 2^-32 ns and each is made from the start of the schedule, not from its
 * neighbour's rounded value: 3 requests a second are 10,800 an hour, for hours.
 */
#ifndef TRAFFIC_SCHEDULE_H
#define TRAFFIC_SCHEDULE_H

#include "traffic/random.h"

#include <stdint.h>

#define SCHEDULE_RATE_MIN 0.001 /* arrivals a second */
#define SCHEDULE_RATE_MAX 10e6

enum arrivals {
    ARRIVALS_CONSTANT, /* evenly spaced, the first one at the start */
    ARRIVALS_POISSON,  /* independent of each other, as many users make them */
};

struct schedule {
    enum arrivals arrivals;
    uint64_t start;            /* ns */
    unsigned __int128 period;  /* the mean gap, in 2^-32 ns */
    unsigned __int128 elapsed; /* from the start to the next arrival, in 2^-32 ns */
    struct random random;
};

/* `rate` in arrivals a second, within the limits above; `start` in nanoseconds of clock_now. */
void schedule_init(struct schedule *s, enum arrivals arrivals, double rate, uint64_t start,
                   uint64_t seed);

/* When the next request is due, in nanoseconds. */
static inline uint64_t schedule_due(const struct schedule *s)
{
    return s->start + (uint64_t)(s->elapsed >> 32);
}

/* Goes on to the arrival behind it. */
void schedule_advance(struct schedule *s);

/* Skips all arrivals due before `until`, and returns how many they were. */
uint64_t schedule_skip(struct schedule *s, uint64_t until);

#endif
