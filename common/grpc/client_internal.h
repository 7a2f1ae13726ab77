/* What the files of the gRPC client share: client.c connects, client_call.c is one call. */
#ifndef GRPC_CLIENT_INTERNAL_H
#define GRPC_CLIENT_INTERNAL_H

#include "grpc/client.h"
#include "grpc/framing.h"
#include "grpc/transport.h"
#include "loop/backoff.h"
#include "loop/resolver.h"

struct grpc_client {
    struct grpc_hub hub;
    struct loop *loop;
    struct grpc_client_options options;
    char host[256];
    int port;
    struct resolver resolver;
    nghttp2_session_callbacks *callbacks;
    struct list waiting;                    /* calls without a stream */
    struct list connections;                /* that are not closed */
    struct grpc_client_connection *current; /* the one that new calls take, or that connects */
    size_t calls;
    struct backoff backoff;
    struct http_timer again; /* the next attempt */
    uint64_t lost_ms;        /* when a connection was first wanted and missed; 0: not */
    char why[160];           /* the last attempt failed */
    bool closing, hub_closing;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

struct grpc_client_connection {
    struct grpc_transport transport; /* the first, so that one is the other */
    struct grpc_client *client;
    struct list item;
    struct list calls;
    uv_connect_t connect;
    bool connected;
};

/* client.c */
void grpc_client_wake(struct grpc_client *client); /* sends what waits, or connects */
void grpc_client_check(struct grpc_client *client);

/* client_call.c */
struct grpc_client_call {
    struct list item; /* of `waiting`, or of its connection's calls */
    struct grpc_client *client;
    struct grpc_client_connection *connection;
    int32_t stream;
    struct grpc_request request; /* but for the message */
    struct buf framed;           /* the message, kept for another try */
    size_t sent;                 /* of it */
    int tries;
    uint64_t began;
    uint64_t due_ms;  /* 0: no deadline */
    uv_timer_t timer; /* of the deadline, to the millisecond; the call lives until it is closed */
    struct grpc_reader reader;
    bool has_message, has_status, answered;
    bool over; /* `done` was called; waits for its stream's end */
    int http_status;
    enum grpc_status status;
    struct buf text;
};

struct grpc_client_call *grpc_client_call_new(struct grpc_client *client,
                                              const struct grpc_request *request);
int grpc_client_call_submit(struct grpc_client_call *call, struct grpc_client_connection *c);
void grpc_client_call_end(struct grpc_client_call *call, enum grpc_status status, const char *text);
/* Its connection or its stream has gone. `unbegun`: the server has not begun it. */
void grpc_client_call_lost(struct grpc_client_call *call, bool unbegun, const char *why);
int grpc_client_callbacks(nghttp2_session_callbacks **callbacks) MUST_CHECK;

#endif
