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

#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_RATE_MIN 0.001 /* arrivals a second */
#define SCHEDULE_RATE_MAX 10e6
#define SCHEDULE_NEVER    (~(unsigned __int128)0)

enum arrivals {
    ARRIVALS_CONSTANT, /* evenly spaced, the first one at the start */
    ARRIVALS_POISSON,  /* independent of each other, as many users make them */
    ARRIVALS_RAMPING,  /* evenly spaced, at a rate that changes; schedule_init_ramp's */
};

/* A time in which the rate goes evenly from where it is to `target` arrivals a second. */
struct schedule_stage {
    double target, seconds;
};

struct schedule {
    enum arrivals arrivals;
    uint64_t start;            /* ns */
    unsigned __int128 period;  /* the mean gap, in 2^-32 ns */
    unsigned __int128 elapsed; /* from the start to the next arrival, in 2^-32 ns */
    struct random random;
    /* Of ARRIVALS_RAMPING. An arrival is due when as many are behind it as the area beneath the
     * rate since the start. */
    struct {
        const struct schedule_stage *stages;
        size_t left;      /* stages, the present one included */
        double from;      /* the rate at its begin */
        double began;     /* seconds from the start until then */
        double area;      /* arrivals until then */
        uint64_t arrival; /* the number of the next one */
    } ramp;
};

/* `rate` in arrivals a second, within the limits above; `start` in nanoseconds of clock_now. */
void schedule_init(struct schedule *s, enum arrivals arrivals, double rate, uint64_t start,
                   uint64_t seed);

/* Begins with `rate`, 0 included, and goes through the stages, which must outlive it. Behind the
 * last one nothing more is due. */
void schedule_init_ramp(struct schedule *s, double rate, const struct schedule_stage *stages,
                        size_t count, uint64_t start);

/* The rate at a time between the start and the end, arrivals a second. */
double schedule_ramp_rate(double rate, const struct schedule_stage *stages, size_t count,
                          double seconds);

/* When the next request is due, in nanoseconds; UINT64_MAX: never. */
static inline uint64_t schedule_due(const struct schedule *s)
{
    return s->elapsed == SCHEDULE_NEVER ? UINT64_MAX : s->start + (uint64_t)(s->elapsed >> 32);
}

/* Goes on to the arrival behind it. */
void schedule_advance(struct schedule *s);

/* Skips all arrivals due before `until`, and returns how many they were. */
uint64_t schedule_skip(struct schedule *s, uint64_t until);

#endif
