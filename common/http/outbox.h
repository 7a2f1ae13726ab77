/*
 * The answers of one connection on their way out, in the order of their requests.
 *
 * An answer stays in its exchange until the kernel took it, so nothing is copied to be queued. A
 * flush hands over all that stand before the first unanswered one in one write; what the kernel's
 * buffer has no room for libuv writes later, while the outbox waits.
 */
#ifndef HTTP_OUTBOX_H
#define HTTP_OUTBOX_H

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

struct http_exchange;

struct http_outbox {
    uv_stream_t *stream;
    /* What libuv was left to write is written, or cannot be (`status` negative). Not called any
     * more once the stream is closing. */
    void (*written)(struct http_outbox *o, int status);
    struct list exchanges;
    size_t count;
    size_t queued;  /* bytes of answers that the kernel has not taken */
    size_t writing; /* of them, those that libuv writes; 0: none */
    size_t unsent;  /* bytes that the peer had not taken when http_outbox_moves was asked last */
    bool broken;    /* an answer could not be made or is too much */
    uv_write_t request;
};

void http_outbox_init(struct http_outbox *o, uv_stream_t *stream,
                      void (*written)(struct http_outbox *o, int status));

/* Takes a place for the answer to `x`. */
void http_outbox_add(struct http_outbox *o, struct http_exchange *x);

/* The answer to `x` was made; it waits for a flush. */
void http_outbox_answered(struct http_outbox *o, struct http_exchange *x);

/* Whether one exchange more may be added. */
bool http_outbox_has_room(const struct http_outbox *o);

static inline bool http_outbox_is_empty(const struct http_outbox *o)
{
    return o->count == 0;
}

/* Sends what may leave, and ends the exchanges that have left. 0, or libuv's code when the peer has
 * gone. */
int http_outbox_flush(struct http_outbox *o);

/* Whether the peer has taken a byte since this was asked last or the write began. */
bool http_outbox_moves(struct http_outbox *o);

/* The stream is closed: ends the answered exchanges, and lets the others go on without it. */
void http_outbox_drop(struct http_outbox *o);

#endif
