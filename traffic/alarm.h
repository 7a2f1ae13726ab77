/*
 * An alarm that rings at an absolute time to the microsecond: a timerfd, watched by the loop.
 * libuv's own timers count whole milliseconds from a clock that is read once a turn, too coarse for
 * 10,000 requests a second.
 */
#ifndef TRAFFIC_ALARM_H
#define TRAFFIC_ALARM_H

#include "loop/loop.h"

struct alarm {
    uv_poll_t poll;
    int fd;
    void (*ring)(void *ctx);
    void *ctx;
};

/* Starts silent. 0 or a negative code. */
int alarm_init(struct alarm *a, struct loop *loop, void (*ring)(void *ctx), void *ctx) MUST_CHECK;

/* Sets the one time at which it rings, in nanoseconds of clock_now; a time that is past rings in
 * the next turn. `ring` must call alarm_at, alarm_stop or alarm_close, else it is called every
 * turn. */
void alarm_at(struct alarm *a, uint64_t ns);
void alarm_stop(struct alarm *a);

/* It will not ring again. The memory stays libuv's until the loop has closed. */
void alarm_close(struct alarm *a);

#endif
