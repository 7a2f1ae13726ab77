/*
 * One HTTP/2 connection: bytes between a TCP stream of libuv and a session of nghttp2. The server
 * and the client stand on it; what the frames mean is theirs.
 *
 * Frames that callbacks submit leave before the loop polls next, in as few writes as can be; so
 * whatever runs on the loop may submit at any time, and calls grpc_transport_touch then. At most
 * GRPC_WRITE_BYTES are made ahead of the kernel. A peer that does not take them ends the connection
 * after GRPC_WRITE_LIMIT_S. One that goes on asking meanwhile is bounded by nghttp2, which ends a
 * session with 1,000 acknowledgements unsent, and by the number of streams.
 */
#ifndef GRPC_TRANSPORT_H
#define GRPC_TRANSPORT_H

#include "base/buf.h"
#include "http/wheel.h"
#include "loop/loop.h"

#include <nghttp2/nghttp2.h>

#define GRPC_READ_BYTES    (64 * 1024) /* one read; one buffer serves all connections */
#define GRPC_WRITE_BYTES   (64 * 1024) /* made ahead of the kernel */
#define GRPC_WRITE_LIMIT_S 30          /* for the peer to take GRPC_WRITE_BYTES */
#define GRPC_DRAIN_LIMIT_S 2           /* for the peer to close after us */
#define GRPC_LOOK_MS       500         /* how often a connection's limits are looked at */

struct grpc_transport;

/* What all connections of a loop have in common. All fields are the transport's. */
struct grpc_hub {
    struct loop *loop;
    struct http_wheel wheel; /* of the calls' deadlines, too */
    uv_prepare_t before_poll;
    struct list dirty; /* connections with frames to send before the next poll */
    int open;          /* handles */
    void (*closed)(struct grpc_hub *hub);
    char read_buffer[GRPC_READ_BYTES];
};

enum grpc_transport_state {
    TRANSPORT_OPEN,     /* waits for frames of either side */
    TRANSPORT_DRAINING, /* said its last, waits for the peer's end */
    TRANSPORT_CLOSING,  /* waits for libuv */
};

/* What the owner does; none of them is called inside a call of the owner's. */
struct grpc_transport_owner {
    /* Every GRPC_LOOK_MS: may submit, or close. May be NULL. */
    void (*look)(struct grpc_transport *t, uint64_t now_ms);
    /* The end: the session is gone, and the owner may free what holds the transport. `why`: 0 at
     * the session's own end, or a negative code. */
    void (*closed)(struct grpc_transport *t, int why);
};

struct grpc_transport {
    uv_tcp_t tcp;
    nghttp2_session *session; /* the owner makes it, the transport deletes it */

    /* The transport's own. */
    const struct grpc_transport_owner *owner;
    struct grpc_hub *hub;
    struct list dirty;
    enum grpc_transport_state state;
    struct buf out;
    bool writing; /* libuv has `out` */
    int why;
    uint64_t since_ms; /* when the write or the draining began */
    struct http_timer look;
    uv_write_t write;
    uv_shutdown_t shutdown;
};

/* 0 or libuv's code. grpc_hub_close closes what was begun, once all transports are closed. */
int grpc_hub_init(struct grpc_hub *hub, struct loop *loop) MUST_CHECK;
void grpc_hub_close(struct grpc_hub *hub, void (*closed)(struct grpc_hub *hub));

/* Makes the TCP handle. 0, or libuv's code, and then there is nothing to close. */
int grpc_transport_init(struct grpc_transport *t, struct grpc_hub *hub,
                        const struct grpc_transport_owner *owner) MUST_CHECK;

/* The stream is connected and `session` is made: reads and sends. 0 or libuv's code. */
int grpc_transport_start(struct grpc_transport *t) MUST_CHECK;

/* Frames were submitted, or windows opened. */
void grpc_transport_touch(struct grpc_transport *t);

/* Closes, whatever is under way; `closed` comes from a later turn. */
void grpc_transport_close(struct grpc_transport *t, int why);

#endif
