/*
 * One AMQP 0-9-1 connection with one channel, on the loop.
 *
 * librabbitmq connects, logs in and sets the channel up on libuv's thread pool, one attempt at a time;
 * then the socket belongs to the loop, and the library is only a codec: nothing of it that could wait
 * is called again. The publisher and the consumer each own a connection (a broker that blocks
 * publishers must not hold up acks).
 *
 * It reconnects for ever, with a back-off of at most 500 ms, an attempt limited to 1 s; sends
 * heartbeats and takes a silent peer for dead after two of them, unless the broker has blocked us;
 * answers the broker's close; closes politely, within a limit.
 *
 * Series: amqp_connected{role}, amqp_connects_total{role,result}.
 */
#ifndef AMQP_CONNECTION_H
#define AMQP_CONNECTION_H

#include "base/buf.h"
#include "loop/backoff.h"
#include "loop/loop.h"

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#else
#include <amqp.h>
#endif

#define AMQP_ATTEMPT_LIMIT_MS 1000
#define AMQP_BACKOFF_FIRST_MS 50
#define AMQP_BACKOFF_CAP_MS   500
#define AMQP_HEARTBEAT_S      10
#define AMQP_CLOSE_LIMIT_MS   1000

enum amqp_state {
    AMQP_CONNECTING, /* waits for the thread pool's attempt */
    AMQP_OPEN,       /* waits for frames and for things to send */
    AMQP_BLOCKED,    /* as OPEN, but the broker takes no publishes: waits for connection.unblocked */
    AMQP_BACKOFF,    /* waits for the delay before the next attempt */
    AMQP_CLOSING,    /* waits for close-ok, or the limit */
    AMQP_CLOSED,     /* waits for handles to close, then nothing */
};

/* The queue that both sides declare; a redeclaration with another type is refused by the broker (406). */
struct amqp_queue {
    const char *name;
    bool quorum; /* x-queue-type: quorum; else classic */
};
