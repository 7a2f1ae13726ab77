/*
 * One message on its way: a copy of what the caller published, from amqp_publish to its callback.
 */
#ifndef AMQP_PENDING_H
#define AMQP_PENDING_H

#include "amqp/publisher.h"
#include "base/buf.h"
#include "base/list.h"

struct pending {
    /* the publisher's */
    struct list by_age;  /* all messages, oldest first, which is the order of their deadlines */
    struct list waiting; /* while it is not on the wire: to be sent, or at rest */
    uint64_t tag;        /* on the wire, else 0 */
    uint64_t deadline;   /* loop_ms */
    uint64_t began;      /* clock_now */
    bool sent_before;
    bool returned; /* by the broker, in its last sending */
    amqp_confirm_cb cb;
    void *ctx;
    /* its own */
    uint64_t timestamp;
    size_t type_len, id_len, trace_len, len;
    char data[]; /* content type, message id, traceparent, body */
};

/* A copy of all that `from` points to, on no list; the caller frees it with free(). 0, ERR_NOMEM,
 * or ERR_TOO_LARGE for a body over AMQP_BODY_MAX or a text over 255 bytes. */
int pending_new(struct pending **out, const struct amqp_message *from) MUST_CHECK;

/* Appends the frames that publish it to `queue`, persistent and mandatory. As codec_publish. */
int pending_encode(const struct pending *m, struct buf *out, const char *queue,
                   size_t frame_max) MUST_CHECK;

/* Whether the message bears this id; an empty one means none. */
bool pending_has_id(const struct pending *m, const char *id, size_t len);

#endif
