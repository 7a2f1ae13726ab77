/*
 * What stands for the work of a real service: a request waits so many milliseconds, chosen at
 * random, and is then answered as if it had come only now. Off unless a setting says otherwise.
 *
 * In a shutdown nobody waits any longer: what waited is answered at once, as promised.
 */
#ifndef PERSON_DELAY_H
#define PERSON_DELAY_H

#include "base/settings.h"
#include "http/server.h"
#include "loop/loop.h"

#define DELAY_MAX_MS 60000
#define DELAYED_MAX  50000 /* requests that wait; past it 503 */

struct delays {
    struct loop *loop;
    struct list waiting;
    size_t count;
    struct loop_part finish;
};

void delays_init(struct delays *delays, struct loop *loop);

/* Calls `handler(x, ctx)` after the delay, or in this very call where there is none. */
void delay(struct delays *delays, struct setting_range range, struct http_exchange *x,
           void (*handler)(struct http_exchange *x, void *ctx), void *ctx);

#endif
