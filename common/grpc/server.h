/*
 * The gRPC server: HTTP/2 without TLS ("h2c", with prior knowledge), unary and server-streaming
 * calls, messages uncompressed.
 *
 *     static const struct grpc_method methods[] = {{"/echo.Echo/Echo", echo}, {NULL}};
 *
 * A handler gets a call once, with its whole request message, and ends it once: with grpc_reply, or
 * with grpc_finish after any number of grpc_send; in the same turn or later. The call stays valid
 * until then, even if the peer has gone or its deadline has passed (what is sent is then dropped),
 * so a handler never has to ask. Shutdown waits for it.
 *
 * Refused before any handler: an unknown method (UNIMPLEMENTED), a compressed message
 * (UNIMPLEMENTED), more or less than one message (UNIMPLEMENTED), one longer than `max_message`
 * (RESOURCE_EXHAUSTED), one cut short (INTERNAL). A deadline that passes is DEADLINE_EXCEEDED, at
 * most HTTP_WHEEL_TICK_MS late. What is no gRPC gets an HTTP status.
 *
 * Bounds: the constants below. What the calls of all connections hold in messages, received or not
 * yet sent, is bounded by GRPC_HELD_MAX: past it calls end with RESOURCE_EXHAUSTED.
 *
 * Shutdown: a first GOAWAY warns, the last one comes when the peer has answered a PING behind it,
 * or after GRPC_NOTICE_LIMIT_MS; no call that was sent before is lost. Calls under way finish.
 *
 * Series: grpc_open_connections, grpc_connections_total, grpc_open_calls,
 * grpc_connection_errors_total{reason}.
 */
#ifndef GRPC_SERVER_H
#define GRPC_SERVER_H

#include "base/settings.h"
#include "grpc/status.h"
#include "loop/loop.h"

#define GRPC_CONNECTIONS_MAX   10000       /* past it a connection is closed at once, and counted */
#define GRPC_STREAMS_MAX       1000        /* calls at a time on one connection */
#define GRPC_FIELDS_MAX        (16 * 1024) /* bytes of a call's header fields, names and values */
#define GRPC_MESSAGE_MAX       (4 * 1024 * 1024)  /* the default of max_message, as everywhere */
#define GRPC_HELD_MAX          (64 * 1024 * 1024) /* bytes of messages that the server holds */
#define GRPC_STREAM_WINDOW     (256 * 1024)
#define GRPC_CONNECTION_WINDOW (1024 * 1024)
#define GRPC_PREFACE_LIMIT_S   10  /* for the client's preface and settings */
#define GRPC_REQUEST_LIMIT_S   60  /* from a call's head to the end of its message */
#define GRPC_ANSWER_LIMIT_S    60  /* for the peer to take the whole answer to a unary call */
#define GRPC_IDLE_LIMIT_S      300 /* without a call; then GOAWAY */
#define GRPC_NOTICE_LIMIT_MS   1000
#define GRPC_FINISH_LIMIT_MS   3000 /* at shutdown, for calls under way; then UNAVAILABLE */

struct grpc_server;
struct grpc_call;

struct grpc_method {
    const char *path; /* "/package.Service/Method" */
    /* `message` dies when the handler returns or ends the call. */
    void (*handler)(struct grpc_call *call, const void *message, size_t len, void *ctx);
    void *ctx;
};

struct grpc_server_options {
    const char *address;               /* HOST:PORT; port 0 takes a free one */
    const struct grpc_method *methods; /* ends with a NULL path; must outlive the server */
    uint32_t max_message;              /* bytes; 0: GRPC_MESSAGE_MAX */
    /* Called once a call, when its last byte was made or its peer had gone. `method` is NULL where
     * none was found. Seconds run from the end of the call's header fields. May be NULL. */
    void (*ended)(const struct grpc_method *method, enum grpc_status status, double seconds,
                  void *ctx);
    void *ctx;
};

/* Listens. Registers itself for the loop's shutdown, and is freed by it. On failure returns NULL
 * and fills `err`; a port in use is named. */
struct grpc_server *grpc_server_listen(struct loop *loop, const struct grpc_server_options *options,
                                       struct err *err) MUST_CHECK;
int grpc_server_port(const struct grpc_server *server);

/* The loop that the call is served on. */
struct loop *grpc_call_loop(const struct grpc_call *call);

/* Ends a call with one message and OK. The bytes are copied. */
void grpc_reply(struct grpc_call *call, const void *message, size_t len);

/* Sends one message of several. */
void grpc_send(struct grpc_call *call, const void *message, size_t len);

/* Ends a call; `text` may be NULL, is UTF-8 and is copied. */
void grpc_finish(struct grpc_call *call, enum grpc_status status, const char *text);

/* Calls `gone` once, when the call's stream has ended and the handler has not ended the call; which
 * it still must do, there or later. For calls that last. */
void grpc_call_on_gone(struct grpc_call *call, void (*gone)(struct grpc_call *call, void *ctx),
                       void *ctx);

#endif
