/*
 * What the loop watches a socket of libpq for. Apart from the connection, for it lives until libuv
 * has closed it, and the next attempt may need another one by then.
 */
#ifndef POSTGRES_WATCH_H
#define POSTGRES_WATCH_H

#include "base/err.h"

#include <uv.h>

struct postgres_watch;

/* Watches `fd` for nothing yet. `ready(ctx)` is called for each event; that an error stands on the
 * socket is told as one, for libpq then finds it. 0 and *out, or a negative code. */
int postgres_watch_new(uv_loop_t *loop, int fd, void (*ready)(void *ctx), void *ctx,
                       struct postgres_watch **out) MUST_CHECK;

/* `events` of UV_READABLE and UV_WRITABLE. */
void postgres_watch_for(struct postgres_watch *watch, int events);

/* Stops at once and frees later. Due before libpq closes the socket, or may change it: epoll would
 * not notice that a new one has the old number. NULL is fine. */
void postgres_watch_close(struct postgres_watch *watch);

#endif
