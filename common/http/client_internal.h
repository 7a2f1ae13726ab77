/*
 * What the files of the client share: client.c holds the pool, the queue and the end,
 * client_call.c a request, client_connection.c moves bytes.
 */
#ifndef HTTP_CLIENT_INTERNAL_H
#define HTTP_CLIENT_INTERNAL_H

#include "http/client.h"
#include "http/wheel.h"
#include "loop/resolver.h"

#define HTTP_CLIENT_READ_BYTES (64 * 1024) /* one read; one buffer serves all connections */
#define HTTP_CLIENT_CALL_POOL  4096        /* calls kept for reuse, with */
#define HTTP_CLIENT_CALL_KEEP  4096        /* buffers of at most so many bytes */

struct http_client {
    struct http_client_options options;
    struct loop *loop;
    struct http_wheel wheel;
    char host[256];
    int port;
    char *prefix; /* of every target: "" or "/path" */
    char *common; /* of every request: " HTTP/1.1\r\nHost: …\r\n" */

    struct resolver resolver;
    bool resolved;
    int address; /* of the resolver's: where the last connection succeeded */

    struct list queue; /* calls that wait for a connection */
    size_t queued;
    struct list connections;
    struct list idle; /* of them; the one used last is taken first */
    size_t open, connecting;
    struct list pool; /* calls for reuse */
    size_t pooled;

    bool closing, wheel_closed;
    void (*closed)(void *ctx);
    void *closed_ctx;
    char read_buffer[HTTP_CLIENT_READ_BYTES];
};

/* client_call.c -------------------------------------------------------------------------------- */

/* A request and who waits for its answer. */
struct http_client_call {
    struct list item; /* of the queue or the pool */
    struct http_client *client;
    struct http_client_connection *connection; /* NULL while it waits for one */
    struct http_timer timer;
    struct buf bytes; /* the request; kept whole, for it may be sent again */
    http_client_cb cb;
    void *ctx;
    bool head;
    bool repeatable; /* GET or HEAD that was sent once at most */
};

/* NULL with `*rc` ERR_INVALID or ERR_NOMEM. */
struct http_client_call *http_client_call_new(struct http_client *client,
                                              const struct http_client_request *request,
                                              http_client_cb cb, void *ctx, int *rc);
/* Tells who waits, and gives the call back to the pool. Nothing of the client may be used then. */
void http_client_call_end(struct http_client_call *call, int status,
                          const struct http_message *response);
void http_client_call_pool_free(struct http_client *client);

/* client_connection.c -------------------------------------------------------------------------- */

enum http_client_connection_state {
    CLIENT_CONNECTING, /* waits for the peer to accept */
    CLIENT_IDLE,       /* for a call */
    CLIENT_BUSY,       /* for the answer to its call */
    CLIENT_CLOSING,    /* for libuv's close callback, in which a call is failed or queued again */
};

struct http_client_connection {
    uv_tcp_t tcp;
    struct http_client *client;
    struct list item, idle;
    enum http_client_connection_state state;
    struct http_client_call *call; /* while CLIENT_BUSY, and until a failure is told */
    struct http_timer timer;       /* while CLIENT_CONNECTING */
    struct http_parser parser;
    struct http_message message;
    struct buf unsent; /* bytes of a call that ended before libuv wrote them */
    bool connected;
    bool kept;      /* it has answered a call before */
    bool answering; /* a byte of the answer came */
    bool writing;
    int why; /* it is closed */
    int address, tried;
    union {
        uv_connect_t connect;
        uv_write_t write;
    } request;
};

/* Opens one to the resolver's address number `address`, after `tried` others failed. False for want
 * of memory. */
bool http_client_connection_open(struct http_client *client, int address, int tried);
/* Sends a call on an idle one. */
void http_client_connection_start(struct http_client_connection *c, struct http_client_call *call);
/* Its call, if any, fails with `why` from the close callback. */
void http_client_connection_close(struct http_client_connection *c, int why);

/* client.c ------------------------------------------------------------------------------------- */

/* Gives waiting calls to idle connections, and opens others while there are too few. */
void http_client_dispatch(struct http_client *client);
/* Puts a call first in the queue again. */
void http_client_requeue(struct http_client_call *call);
/* Takes a call from the queue, NULL if there is none. */
struct http_client_call *http_client_next(struct http_client *client);
/* The address would not take a connection: tries the next one; past the last, fails one waiting
 * call and lets the name be resolved anew. */
void http_client_unreachable(struct http_client *client, int why, int address, int tried);
/* A handle is closed: the end may be reached. */
void http_client_check(struct http_client *client);

#endif
