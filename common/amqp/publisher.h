/*
 * Publishing with confirms: a message counts as sent when the broker has said so.
 *
 * Each message is kept until its basic.ack. When the connection is lost, or the broker nacks, or
 * returns the message because the queue is gone (which is then declared again), the same message
 * goes out again with the same message id (the receiver drops the double) until its deadline; then
 * its callback says ERR_TIMEOUT, or ERR_REFUSED where it was last returned. A timed-out message may
 * still have arrived: that is what the id is for. All that one turn of the loop publishes leaves in
 * one write.
 *
 * While the broker has been away or blocking for longer than the deadline, publishing is refused at
 * once with ERR_UNAVAILABLE; with `window` messages, or AMQP_WINDOW_BYTES, unconfirmed, with
 * ERR_FULL.
 *
 * Series: amqp_published_total{result=confirmed|republished|returned|failed}, amqp_confirm_seconds,
 * amqp_unconfirmed.
 */
#ifndef AMQP_PUBLISHER_H
#define AMQP_PUBLISHER_H

#include "amqp/queue.h"
#include "loop/loop.h"

#define AMQP_WINDOW_DEFAULT      4096
#define AMQP_WINDOW_BYTES        (32 * 1024 * 1024) /* of bodies, unconfirmed at most */
#define AMQP_DEADLINE_DEFAULT_MS 2000
#define AMQP_RETRY_MS            50 /* a message that the broker gave back rests for so long */

struct amqp_publisher;

struct amqp_publisher_options {
    const char *url;         /* amqp://user:password@host:port/vhost (url.h) */
    struct amqp_queue queue; /* declared durable; reached through the default exchange, mandatory */
    size_t window;           /* unconfirmed at most; 0: the default */
    uint32_t deadline_ms;    /* 0: the default */
};

struct amqp_message {
    const char *body;
    size_t len;               /* at most AMQP_BODY_MAX */
    const char *content_type; /* all texts: NULL leaves the property out; at most 255 bytes */
    const char *message_id;
    const char *traceparent; /* a header */
    uint64_t timestamp;      /* seconds since 1970; 0 leaves it out */
};

/* 0: confirmed. Else ERR_TIMEOUT, ERR_REFUSED (returned as unroutable), ERR_CLOSED. */
typedef void (*amqp_confirm_cb)(int status, void *ctx);

/* Starts to connect; nothing in `options` need outlive the call. NULL with `err` for a bad URL or
 * no memory. */
struct amqp_publisher *amqp_publisher_new(struct loop *loop,
                                          const struct amqp_publisher_options *options,
                                          struct err *err) MUST_CHECK;

/* Publishes, persistent; everything is copied. 0, or ERR_FULL, ERR_UNAVAILABLE, ERR_CLOSED,
 * ERR_TOO_LARGE, ERR_NOMEM. */
int amqp_publish(struct amqp_publisher *p, const struct amqp_message *message, amqp_confirm_cb cb,
                 void *ctx) MUST_CHECK;

/* Whether a message could be sent now (connected and not blocked). */
bool amqp_publisher_up(const struct amqp_publisher *p);

size_t amqp_publisher_unconfirmed(const struct amqp_publisher *p);

/* Calls `cb` once nothing is unconfirmed (each message confirms or meets its deadline), from a
 * later turn. For STAGE_FINISH. One such wait at a time. */
void amqp_publisher_drain(struct amqp_publisher *p, void (*cb)(void *ctx), void *ctx);

/* Fails what is pending with ERR_CLOSED (from a later turn), closes, frees, then calls `cb` (may be
 * NULL). A drain that still waits is told first. */
void amqp_publisher_close(struct amqp_publisher *p, void (*cb)(void *ctx), void *ctx);

#endif
