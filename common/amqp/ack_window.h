/*
 * Which deliveries may be acknowledged, and with how few frames. Pure.
 *
 * A ring of the tags delivered on one channel (1, 2, 3 …), each unfinished or finished. A flush emits at most
 * one `multiple` ack, for the longest finished prefix, and one single ack for each newly finished tag beyond it. A
 * `multiple` ack never covers an unfinished tag: the broker would take that as done, and a crash would lose it.
 */
#ifndef AMQP_ACK_WINDOW_H
#define AMQP_ACK_WINDOW_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ack_window {
    uint8_t *states;    /* ring of `cap` (a power of two) tag states */
    size_t cap;
    uint64_t first;     /* lowest tag that is not acknowledged as a prefix */
    uint64_t next;      /* the tag that the next delivery will bear */
    size_t unfinished;
};

/* Room for `most` tags at once. 0 or ERR_NOMEM. */
int ack_window_init(struct ack_window *w, size_t most) MUST_CHECK;
void ack_window_free(struct ack_window *w);

/* A new connection: tags start at 1 again, all earlier ones are forgotten. */
void ack_window_reset(struct ack_window *w);

/* A delivery came. 0, or ERR_PROTOCOL where the tag is not the next one or the window is full. */
int ack_window_deliver(struct ack_window *w, uint64_t tag) MUST_CHECK;

/* A delivery is finished. Ignores tags that are unknown or finished already; true if it was unfinished. */
bool ack_window_finish(struct ack_window *w, uint64_t tag);

/* Emits the acks due. */
void ack_window_flush(struct ack_window *w, void (*emit)(uint64_t tag, bool multiple, void *ctx),
                      void *ctx);

#endif
