/*
 * One attempt to connect, log in and set the channel up: a job of libuv's thread pool, because
 * librabbitmq does this with calls that wait.
 *
 * The library's connection lives and dies on that thread. What comes back to the loop is plain
 * data: a connected socket, on which nothing is half read, and the limits that were agreed.
 */
#ifndef AMQP_HANDSHAKE_H
#define AMQP_HANDSHAKE_H

#include "amqp/codec.h"
#include "amqp/queue.h"
#include "amqp/url.h"

#include <uv.h>

#define AMQP_ATTEMPT_LIMIT_MS 1000
#define AMQP_HEARTBEAT_S      10

struct handshake_request {
    struct amqp_url url;
    struct amqp_queue queue; /* the name must outlive the attempt */
    bool confirm;            /* confirm.select: to publish */
    uint16_t prefetch;       /* basic.qos, 0 leaves it out: to consume */
};

struct handshake {
    /* the loop's, before and after the attempt */
    const struct handshake_request *request;
    void (*done)(struct handshake *h);
    uv_work_t work;
    /* results, valid in `done` */
    struct err err; /* err.code is 0 after success */
    int result_fd;  /* the caller's to close; -1 after a failure */
    size_t frame_max;
    unsigned heartbeat; /* seconds; 0: none */
    bool blocked;       /* the broker takes no publishes */
    /* shared by the thread and handshake_abort */
    uv_mutex_t lock;
    int fd; /* the socket while the thread uses it, else -1 */
    bool aborted;
};

/* Starts the attempt. 0 and later `done` on the loop, or a negative code. `h` and `request` must
 * live until `done`. */
int handshake_start(struct handshake *h, uv_loop_t *loop, const struct handshake_request *request,
                    void (*done)(struct handshake *h)) MUST_CHECK;

/* Makes a running attempt fail soon, from the loop: wherever the thread waits on the socket, it
 * wakes up. Only a resolver that hangs goes on to its own time-out. */
void handshake_abort(struct handshake *h);

/* queue.declare as it goes to the broker; `entry` is room for its argument and must live as long.
 * Used on the loop too, where a queue was deleted under us. */
amqp_queue_declare_t handshake_declaration(const struct amqp_queue *queue,
                                           amqp_table_entry_t *entry);

#endif
