/*
 * Consuming with prefetch and batched acks.
 *
 * Deliveries come one by one, in order; each is finished later with amqp_consumer_ack, in any
 * order. Once a turn of the loop the finished ones are acknowledged: the contiguous prefix of tags
 * with one basic.ack(multiple), those beyond an unfinished tag singly, so that a long job never
 * lets another be acknowledged for it (ack_window.h). When the connection is lost the broker
 * delivers again what was not acknowledged; an ack for a delivery of an earlier connection is
 * ignored, which is what `epoch` is for. A queue that is deleted under us is declared again.
 *
 * Series: amqp_delivered_total{redelivered}, amqp_acked_total, amqp_unacked.
 */
#ifndef AMQP_CONSUMER_H
#define AMQP_CONSUMER_H

#include "amqp/queue.h"
#include "loop/loop.h"

struct amqp_consumer;

struct amqp_consumer_options {
    const char *url; /* amqp://user:password@host:port/vhost (url.h) */
    struct amqp_queue queue;
    uint16_t prefetch; /* unacknowledged at most; 1..65535 */
};

/* Names a delivery; plain data. */
struct amqp_tag {
    uint64_t epoch; /* the connection that brought it */
    uint64_t tag;
};

/* Valid during the callback only. Spans may be empty. */
struct amqp_delivery {
    struct amqp_tag tag;
    bool redelivered;
    const char *body;
    size_t len;
    const char *message_id;
    size_t message_id_len;
    const char *traceparent;
    size_t traceparent_len;
    bool body_too_large; /* larger than AMQP_BODY_MAX: body holds its first bytes */
};

typedef void (*amqp_delivery_cb)(const struct amqp_delivery *d, void *ctx);

/* Starts to connect; nothing in `options` need outlive the call. NULL with `err` for a bad URL or
 * setting, or no memory. */
struct amqp_consumer *amqp_consumer_new(struct loop *loop,
                                        const struct amqp_consumer_options *options,
                                        amqp_delivery_cb cb, void *ctx, struct err *err) MUST_CHECK;

/* Finishes a delivery. It is acknowledged at the end of this turn. */
void amqp_consumer_ack(struct amqp_consumer *c, struct amqp_tag tag);

/* Of the newest connection: what came with an earlier one, the broker has taken back. */
uint64_t amqp_consumer_epoch(const struct amqp_consumer *c);

bool amqp_consumer_up(const struct amqp_consumer *c);

/* Unfinished deliveries of the present connection. */
size_t amqp_consumer_unfinished(const struct amqp_consumer *c);

/* Back-pressure for an owner that has taken as many bytes as it can hold: while paused nothing is
 * read from the broker. A few more deliveries may come, those that were read already: AMQP_READ_MAX
 * bytes and one message at most. Acks still work, and the connection is kept alive, or made again,
 * meanwhile: RabbitMQ ends one that takes nothing for 30 s. After a cancel it changes nothing. From
 * any callback. */
void amqp_consumer_pause(struct amqp_consumer *c, bool paused);

/* basic.cancel: no delivery comes after the broker's answer (or the loss of the connection), which
 * `cb` tells from a later turn. A paused consumer does not wait for the answer, which stands behind
 * everything that it did not read: that is read and passed over. Acks still work. For
 * STAGE_STOP_ACCEPTING. After it the consumer does not subscribe again. Once. */
void amqp_consumer_cancel(struct amqp_consumer *c, void (*cb)(void *ctx), void *ctx);

/* Sends what acks are waiting, closes, frees, then calls `cb` (may be NULL). Unfinished deliveries
 * return to the queue, and no delivery comes any more; a cancel that still waits is told. */
void amqp_consumer_close(struct amqp_consumer *c, void (*cb)(void *ctx), void *ctx);

#endif
