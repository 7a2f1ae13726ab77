/*
 * All messages that were published and have not met their end. Pure.
 *
 *     waiting ──sent──► on the wire ──ack──► out of the box
 *        ▲                 │ nack, or returned and acked
 *        └───── resting ◄──┘                 a lost connection puts all back to waiting, in order
 */
#ifndef AMQP_OUTBOX_H
#define AMQP_OUTBOX_H

#include "amqp/pending.h"
#include "amqp/unconfirmed.h"

struct outbox {
    size_t count, bytes; /* of all messages and their bodies */
    /* private: */
    struct list messages; /* all, oldest first */
    struct list waiting;  /* to be sent */
    struct list resting;  /* given back by the broker: to be sent, but not at once */
    struct unconfirmed wire;
    uint64_t last_returned; /* tag of the last message that was returned */
};

/* For about `most` messages. 0 or ERR_NOMEM. */
int outbox_init(struct outbox *o, size_t most) MUST_CHECK;

/* The box must be empty. */
void outbox_free(struct outbox *o);

/* A new message; it waits. */
void outbox_add(struct outbox *o, struct pending *m);

/* A message met its end, wherever it is in the box. */
void outbox_remove(struct outbox *o, struct pending *m);

struct pending *outbox_oldest(const struct outbox *o); /* NULL where there is none */

/* The next message to send, or NULL; outbox_sent then says that it went out. */
struct pending *outbox_next(const struct outbox *o);
void outbox_sent(struct outbox *o, struct pending *m);

/* What an ack or nack (tag, multiple) speaks of: the next message of it, taken off the wire but
 * still in the box, or NULL. To be called until NULL. */
struct pending *outbox_settled(struct outbox *o, uint64_t tag, bool multiple);

/* A message that came off the wire shall go out again, later. */
void outbox_rest(struct outbox *o, struct pending *m);

/* What rests waits from now on. */
void outbox_rested(struct outbox *o);

/* The broker returned a message with this id: marks it. False where there is none. */
bool outbox_returned(struct outbox *o, const char *id, size_t len);

/* The channel is gone: all messages wait, in the order in which they were published. */
void outbox_lost(struct outbox *o);

#endif
