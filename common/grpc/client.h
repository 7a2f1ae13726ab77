/*
 * The gRPC client: unary calls to one target over one HTTP/2 connection without TLS.
 *
 * A call waits for the connection, if there is none, until its deadline, or without one for
 * GRPC_CONNECT_LIMIT_MS; a lost connection is made again when a call wants it. Where the server
 * says that it has not begun a call (GOAWAY, REFUSED_STREAM) the call is sent again, else it ends
 * with UNAVAILABLE. `done` is called exactly once a call, never inside grpc_client_call. The
 * deadline is kept here, whatever the server does, and told to it in grpc-timeout.
 */
#ifndef GRPC_CLIENT_H
#define GRPC_CLIENT_H

#include "grpc/status.h"
#include "loop/loop.h"

#define GRPC_CLIENT_CALLS_MAX 100000 /* not ended; past it ERR_FULL */
#define GRPC_CONNECT_LIMIT_MS 5000   /* for a call without connection and deadline */
#define GRPC_BACKOFF_FIRST_MS 20
#define GRPC_BACKOFF_CAP_MS   500
#define GRPC_TRIES_MAX        5 /* of a call that the server has not begun */

struct grpc_client;

/* How a call ended. All is valid during the callback alone. */
struct grpc_result {
    enum grpc_status status;
    const char *text;    /* of the status; "" where there is none */
    const void *message; /* with GRPC_OK; its `len` may be 0 */
    size_t len;
    double seconds; /* since grpc_client_call */
};

struct grpc_request {
    const char *path;    /* "/package.Service/Method"; must outlive the call */
    const void *message; /* copied */
    size_t len;
    uint64_t timeout_ms; /* 0: none */
    void (*done)(const struct grpc_result *result, void *ctx);
    void *ctx;
};

struct grpc_client_options {
    const char *target;   /* HOST:PORT; must outlive the client */
    uint32_t max_message; /* bytes of an answer; 0: GRPC_MESSAGE_MAX */
};

/* NULL, with a text, where the target is none or memory is out. */
struct grpc_client *grpc_client_new(struct loop *loop, const struct grpc_client_options *options,
                                    struct err *err) MUST_CHECK;

/* 0, and `done` will be called; or ERR_FULL, ERR_NOMEM, or ERR_CLOSED, and it will not. */
int grpc_client_call(struct grpc_client *client, const struct grpc_request *request) MUST_CHECK;

/* Calls that have not ended do so with CANCELLED; then `closed`, and the client is freed. */
void grpc_client_close(struct grpc_client *client, void (*closed)(void *ctx), void *ctx);

#endif
