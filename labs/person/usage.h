/*
 * app_cpu_usage_percent and app_memory_usage_megabytes: what the process uses, as a monitoring of
 * the old kind would show it. The share of processor time needs a span of time: it is that of the
 * last seconds by the program's own clock, so that who scrapes, and how often, changes nothing.
 */
#ifndef PERSON_USAGE_H
#define PERSON_USAGE_H

#include "loop/loop.h"

#define USAGE_EVERY_MS 1000
#define USAGE_SAMPLES  5 /* so many seconds back */

struct usage {
    uv_timer_t tick;
    struct usage_sample {
        uint64_t at;          /* clock_now */
        double cpu;           /* seconds used until then */
    } samples[USAGE_SAMPLES]; /* a ring */
    unsigned next;
    int statm; /* /proc/self/statm, open; -1 where there is none */
    struct loop_part close_part;
};

/* One a process. 0 or a negative code. */
int usage_start(struct usage *usage, struct loop *loop) MUST_CHECK;

#endif
