/*
 * What one sees while it runs: on a terminal a line that is rewritten every second, elsewhere a log
 * line every five seconds. Rates and percentiles are those since the line before.
 */
#ifndef TRAFFIC_LIVE_H
#define TRAFFIC_LIVE_H

#include "traffic/scenario.h"

struct live {
    struct loop *loop;
    struct scenario *scenario;
    uv_timer_t tick;
    bool terminal;
    uint64_t shown; /* clock_now of the line before */
    struct loop_part close_part;
};

/* Shows the scenario until the loop's shutdown closes it. 0 or a negative code. */
int live_start(struct live *live, struct loop *loop, struct scenario *scenario) MUST_CHECK;

#endif
