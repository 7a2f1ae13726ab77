/*
 * One AMQP 0-9-1 connection with one channel, on the loop.
 *
 * librabbitmq connects, logs in and sets the channel up on libuv's thread pool, one attempt at a
 * time (handshake.h); then the socket belongs to the loop, and the library is only a codec: nothing
 * of it that could wait is called here. The publisher and the consumer each own a connection (a
 * broker that blocks publishers must not hold up acks).
 *
 * It reconnects for ever, with a back-off of at most 500 ms, an attempt limited to 1 s; sends
 * heartbeats and takes a silent peer for dead after two of them, unless the broker has blocked us
 * or we do not listen; answers the broker's close; closes politely, within a limit.
 *
 * For publisher.c and consumer.c; programs have no need of it.
 *
 * Series: amqp_connected{role}, amqp_connects_total{role,result}.
 */
#ifndef AMQP_CONNECTION_H
#define AMQP_CONNECTION_H

#include "amqp/codec.h"
#include "amqp/handshake.h"
#include "amqp/wire.h"
#include "base/buf.h"
#include "loop/backoff.h"
#include "loop/loop.h"

#define AMQP_BACKOFF_FIRST_MS 50
#define AMQP_BACKOFF_CAP_MS   500
#define AMQP_CLOSE_LIMIT_MS   1000
#define AMQP_READ_MAX         (64 * 1024)  /* taken in by one wake-up: others wait for their turn */
#define AMQP_OUT_HIGH         (256 * 1024) /* unsent bytes above which nothing more is encoded */

enum amqp_state {
    AMQP_CONNECTING, /* waits for the thread pool's attempt */
    AMQP_OPEN,       /* waits for frames and for things to send */
    AMQP_BLOCKED,    /* as OPEN, but takes no publishes: waits for connection.unblocked */
    AMQP_BACKOFF,    /* waits for the delay before the next attempt */
    AMQP_CLOSING,    /* waits for close-ok, or the end of an attempt, or the limit */
    AMQP_CLOSED,     /* waits for handles to close, then nothing */
};

/* What the owner of a connection is told; never inside a call of the owner's. */
struct amqp_handlers {
    /* The channel is set up; its tags begin at 1. */
    void (*opened)(void *ctx);
    /* It was opened, and is no more. */
    void (*lost)(void *ctx);
    /* A frame on the channel. 0, or a negative code, which ends the connection. */
    int (*frame)(const struct codec_frame *frame, void *ctx);
    /* Once in the turn after amqp_connection_wake, in any state: the time to put frames into `out`,
     * as long as amqp_connection_has_room. What was put there leaves in one write. */
    void (*turn)(void *ctx);
    /* The last call: handles are closed, memory may be freed. */
    void (*closed)(void *ctx);
};

struct amqp_connection_options {
    const char *url;
    struct amqp_queue queue;
    bool confirm;      /* as in handshake.h */
    uint16_t prefetch; /* as in handshake.h */
    const char *role;  /* "publisher" or "consumer": the label of the series */
};

struct amqp_connection {
    struct loop *loop;
    const struct amqp_handlers *handlers;
    void *ctx;
    const char *role;
    enum amqp_state state;
    struct buf out;   /* for the owner, in `turn` */
    size_t frame_max; /* as agreed with the broker */
    /* private: */
    char queue_name[AMQP_URL_PART_MAX + 1];
    struct handshake_request request;
    struct handshake handshake;
    bool attempting; /* the thread pool has `handshake` */
    struct backoff backoff;
    struct wire *wire; /* from an opening to its loss, else NULL */
    struct codec codec;
    struct buf in;
    bool starved; /* the owner wants to send more when there is room */
    bool paused;  /* nothing is read, on this wire and on later ones */
    unsigned heartbeat_ms;
    uint64_t read_at;    /* loop_ms of the last byte that came */
    uint64_t opened_at;  /* loop_ms */
    uint64_t down_since; /* loop_ms when OPEN was left, or of the start */
    uint64_t told_at;    /* loop_ms of the last log line about a failure */
    uv_timer_t timer;    /* what the state waits for, at most */
    uv_idle_t turn;      /* active while a turn is asked for */
    int handles;         /* that are not closed yet */
};

/* Starts to connect. 0, or ERR_INVALID with `err` for a bad URL or queue name. */
int amqp_connection_init(struct amqp_connection *c, struct loop *loop,
                         const struct amqp_connection_options *options,
                         const struct amqp_handlers *handlers, void *ctx,
                         struct err *err) MUST_CHECK;

/* Asks for a `turn`. */
void amqp_connection_wake(struct amqp_connection *c);

/* Whether more may be put into `out`; if not, a `turn` comes when it may. */
bool amqp_connection_has_room(struct amqp_connection *c);

/* Frames can be exchanged. */
static inline bool amqp_connection_open(const struct amqp_connection *c)
{
    return c->state == AMQP_OPEN || c->state == AMQP_BLOCKED;
}

/* For how long nothing could be published; 0 while something can. */
uint64_t amqp_connection_down_ms(const struct amqp_connection *c);

/* While paused nothing is read, which holds the broker up by the flow control of TCP; frames that
 * were read already are still handled. Writing goes on, heartbeats included. Outlasts a loss. */
void amqp_connection_pause(struct amqp_connection *c, bool paused);

/* Gives this connection up and makes another, from inside `frame` or `turn`. */
void amqp_connection_restart(struct amqp_connection *c, const char *reason);

/* Sends what is in `out`, says good-bye, closes; then `closed` comes. Nothing else comes then. */
void amqp_connection_end(struct amqp_connection *c);

/* ---- Between connection.c and session.c ----------------------------------------------------- */

/* The one place where the state changes. */
void amqp_connection_move(struct amqp_connection *c, enum amqp_state to);

/* The end of an open connection, whoever brought it about. */
void amqp_connection_lose(struct amqp_connection *c, const char *reason);

#endif
