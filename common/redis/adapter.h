/*
 * hiredis on libuv.
 *
 * Of its own, for three reasons. hiredis 0.14's adapter returns without a word on a poll error, so
 * a connection to a closed port never ends. It uses the context after a call that may have freed
 * it. And it writes when epoll says so: two epoll_ctl a burst of commands. Here the commands of one
 * turn of the loop are written at the start of the next, before it polls, and epoll is asked only
 * for what the socket did not take.
 */
#ifndef REDIS_ADAPTER_H
#define REDIS_ADAPTER_H

#include "base/err.h"

#include <hiredis/async.h>
#include <uv.h>

/* Drives `context` from `loop` until hiredis frees it, which may be inside any call to hiredis.
 * Right then `on_gone` is called once, while context->errstr can still be read; the handles close
 * by themselves behind it. 0 or a negative code, and nothing was attached. */
int redis_adapter_attach(uv_loop_t *loop, redisAsyncContext *context,
                         void (*on_gone)(const redisAsyncContext *context, void *ctx),
                         void *ctx) MUST_CHECK;

#endif
