/*
 * What the floors share. A floor is the least program that does a job of the workshop: no metrics,
 * no bad input, no reconnecting, no bound but the one that is measured. `./workshop bench` runs it
 * beside the program that does the whole job; the distance is what the rest costs.
 *
 * Rules of use: one process a measurement, loopback only, a floor ends at its first trouble.
 */
#ifndef FLOORS_FLOOR_H
#define FLOORS_FLOOR_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double floor_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Ends the process where something failed: a floor that goes on would measure something else. */
static inline void floor_must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

/* The n-th id of this process, 36 characters: a UUID that ascends like the workshop's own. */
static inline void floor_uuid(char out[37], uint64_t n)
{
    static uint64_t start;
    if (!start)
        start = (uint64_t)time(NULL) * 1000;
    snprintf(out, 37, "%08x-%04x-7000-8000-%012llx", (unsigned)(start >> 16 & 0xffffffff),
             (unsigned)(start & 0xffff), (unsigned long long)(n & 0xffffffffffff));
}

#endif
