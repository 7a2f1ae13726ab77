/*
 * What one sees while it runs: on a terminal a line that is rewritten every second, elsewhere a log
 * line every five seconds. Rates and percentiles are those since the line before.
 */
#ifndef TRAFFIC_LIVE_H
#define TRAFFIC_LIVE_H

#include "traffic/scenario.h"

struct live {
    struct loop *loop;
    struct scenario *scenarios; /* shown together */
    size_t count;
    uv_timer_t tick;
    bool terminal;
    uint64_t began, shown; /* clock_now at the start, and of the line before */
    struct loop_part close_part;
};

/* Shows the scenarios, as if they were one, until the loop's shutdown closes it. 0 or a negative
 * code. */
int live_start(struct live *live, struct loop *loop, struct scenario *scenarios,
               size_t count) MUST_CHECK;

#endif
