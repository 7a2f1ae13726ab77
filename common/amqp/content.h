/*
 * Puts a message that comes in frames together: after its method, a header, then bodies. Pure.
 *
 * What is kept is bounded: of a body longer than the limit the first bytes are kept and the rest is
 * skipped. A body that comes in one frame is not copied.
 */
#ifndef AMQP_CONTENT_H
#define AMQP_CONTENT_H

#include "amqp/codec.h"

#define CONTENT_TEXT_MAX                                                                           \
    255 /* bytes of a message id or traceparent; a longer one counts as none                       \
         */

enum content_state {
    CONTENT_NONE,   /* waits for a method that brings content */
    CONTENT_HEADER, /* waits for the header frame */
    CONTENT_BODY,   /* waits for body frames */
};

struct content {
    enum content_state state;
    size_t limit;     /* bytes of body to keep */
    uint64_t missing; /* bytes of body to come */
    struct buf kept;  /* the body so far, where it comes in parts */
    /* Of a whole message, until the next content_frame: */
    const char *body;
    size_t len;
    bool too_large;
    char message_id[CONTENT_TEXT_MAX + 1];
    size_t message_id_len;
    char traceparent[CONTENT_TEXT_MAX + 1];
    size_t traceparent_len;
};

void content_init(struct content *c, size_t limit);
void content_free(struct content *c);

/* A new connection: what was begun will not be ended. */
void content_reset(struct content *c);

/* A method came that brings content. 0, or ERR_PROTOCOL in the midst of another. */
int content_begin(struct content *c) MUST_CHECK;

/* A header or body frame came. 1: the message is whole. 0: more is to come. ERR_PROTOCOL for a
 * frame out of order, ERR_NOMEM. */
int content_frame(struct content *c, const struct codec_frame *frame) MUST_CHECK;

#endif
