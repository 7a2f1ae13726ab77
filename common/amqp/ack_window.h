/*
 * Which deliveries may be acknowledged, and with how few frames. Pure.
 *
 * A ring of the tags delivered on one channel (1, 2, 3 …), each unfinished, finished or
 * acknowledged. A flush emits at most one `multiple` ack, for the longest finished prefix, and one
 * single ack for each newly finished tag beyond it. A `multiple` ack never covers an unfinished
 * tag: the broker would take that as done, and a crash would lose it. Nor does it name a tag that
 * was acknowledged singly before: the broker knows it no more, and closes the channel (406).
 */
#ifndef AMQP_ACK_WINDOW_H
#define AMQP_ACK_WINDOW_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tags from the lowest unfinished one to the newest: one that sleeps long lets many others pass. */
#define ACK_WINDOW_SPAN_MAX (1u << 22)

struct ack_window {
    uint8_t *states; /* ring of `cap` (a power of two) tag states; grows with the span */
    size_t cap;
    uint64_t *finished; /* tags finished since the last flush, `finished_count` of them */
    size_t finished_count;
    size_t most;    /* deliveries that are not acknowledged, at most: the prefetch */
    uint64_t first; /* lowest tag that is not acknowledged as a prefix */
    uint64_t next;  /* the tag that the next delivery will bear */
    size_t unfinished;
};

/* `most`, at least 1, bounds the deliveries that are not acknowledged yet. 0 or ERR_NOMEM. */
int ack_window_init(struct ack_window *w, size_t most) MUST_CHECK;
void ack_window_free(struct ack_window *w);

/* A new connection: tags start at 1 again, all earlier ones are forgotten. */
void ack_window_reset(struct ack_window *w);

/* A delivery came. 0; ERR_PROTOCOL where the tag is not the next one or there are more deliveries
 * than agreed; ERR_FULL where the span passes ACK_WINDOW_SPAN_MAX; ERR_NOMEM. */
int ack_window_deliver(struct ack_window *w, uint64_t tag) MUST_CHECK;

/* A delivery is finished. True if it was unfinished; unknown and finished tags change nothing. */
bool ack_window_finish(struct ack_window *w, uint64_t tag);

/* Emits the acks due, and returns how many deliveries they acknowledge. */
size_t ack_window_flush(struct ack_window *w, void (*emit)(uint64_t tag, bool multiple, void *ctx),
                        void *ctx);

/* Whether a flush has something to emit. */
static inline bool ack_window_due(const struct ack_window *w)
{
    return w->finished_count > 0;
}

#endif
