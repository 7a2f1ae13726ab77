/*
 * A coarse wheel of time-outs: thousands of deadlines on one uv_timer.
 *
 * A deadline that moves later, as most do, costs a store: the timer stays in its slot and is looked
 * at again when the slot comes round. It expires within HTTP_WHEEL_TICK_MS of its time, never
 * before it. The uv_timer runs only while a timer is set.
 */
#ifndef HTTP_WHEEL_H
#define HTTP_WHEEL_H

#include "base/list.h"
#include "loop/loop.h"

#define HTTP_WHEEL_TICK_MS 50
#define HTTP_WHEEL_SLOTS   512

/* Embedded by what waits. */
struct http_timer {
    struct list item;
    uint64_t due_ms;  /* when it expires */
    uint64_t slot_ms; /* when the wheel looks at it */
    void (*expired)(struct http_timer *timer);
};

struct http_wheel {
    struct loop *loop;
    uv_timer_t tick;
    struct list slots[HTTP_WHEEL_SLOTS];
    uint64_t now_ms; /* all slots up to this time are empty */
    size_t set;      /* timers in slots */
    void (*closed)(struct http_wheel *wheel);
};

/* 0 or libuv's code. */
int http_wheel_init(struct http_wheel *wheel, struct loop *loop) MUST_CHECK;

/* Closes the uv_timer; timers that are still set never expire. */
void http_wheel_close(struct http_wheel *wheel, void (*closed)(struct http_wheel *wheel));

void http_timer_init(struct http_timer *timer, void (*expired)(struct http_timer *timer));

/* Lets `timer` expire at `due_ms` of loop_ms; in place of an earlier deadline. `expired` may set or
 * clear any timer. */
void http_wheel_set(struct http_wheel *wheel, struct http_timer *timer, uint64_t due_ms);
void http_wheel_clear(struct http_wheel *wheel, struct http_timer *timer);

#endif
