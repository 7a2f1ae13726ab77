/*
 * What the files of the gRPC server share: server.c listens and shuts down, session.c is one
 * connection and its frames, call.c one call, answer.c what that answers.
 */
#ifndef GRPC_SERVER_INTERNAL_H
#define GRPC_SERVER_INTERNAL_H

#include "grpc/framing.h"
#include "grpc/server.h"
#include "grpc/transport.h"

#define GRPC_CONTENT_TYPE "application/grpc"

enum grpc_trouble {
    GRPC_TROUBLE_PROTOCOL,    /* no HTTP/2, or a breach of it */
    GRPC_TROUBLE_TIMEOUT,     /* preface or reading too slow */
    GRPC_TROUBLE_CONNECTIONS, /* too many */
    GRPC_TROUBLE_MEMORY,
    GRPC_TROUBLE_COUNT,
};

struct grpc_server {
    struct grpc_hub hub;
    struct grpc_server_options options;
    struct loop *loop;
    uv_tcp_t listener;
    uv_prepare_t before_poll; /* accepts what there was no memory for */
    int open;                 /* of these two */
    bool unaccepted;
    nghttp2_session_callbacks *callbacks;
    struct loop_part stop_accepting, finish, close;
    struct list connections;
    size_t connection_count;
    size_t owed; /* calls that wait for their handler */
    size_t held; /* bytes of messages */
    bool stopping, finishing, closing, hub_closing, hub_closed;
};

/* session.c ------------------------------------------------------------------------------------ */

struct grpc_connection {
    struct grpc_transport transport; /* the first, so that one is the other */
    struct grpc_server *server;
    struct list item;
    struct list calls; /* with an open stream */
    size_t call_count;
    uint64_t idle_since_ms; /* or since when its preface is waited for */
    uint64_t notice_ms;     /* when the first GOAWAY was sent; 0: not yet */
    bool settled;           /* the client's preface and settings came */
    bool last_said;         /* the last GOAWAY was sent */
    bool blamed;            /* one was sent that names the peer's fault */
};

int grpc_session_callbacks(nghttp2_session_callbacks **callbacks) MUST_CHECK;

/* The stream is accepted into transport.tcp: begins, or closes. */
struct grpc_connection *grpc_connection_new(struct grpc_server *server);
void grpc_connection_start(struct grpc_connection *c);
void grpc_connection_say_notice(struct grpc_connection *c);
void grpc_connection_say_last(struct grpc_connection *c);

/* server.c ------------------------------------------------------------------------------------- */

void grpc_server_trouble(enum grpc_trouble trouble);
void grpc_server_connections(struct grpc_server *server, int change);

/* A connection or a call has gone. */
void grpc_server_check(struct grpc_server *server);

/* call.c --------------------------------------------------------------------------------------- */

enum grpc_call_state {
    CALL_FIELDS,    /* waits for the end of its header fields */
    CALL_RECEIVING, /* waits for its message and the client's end */
    CALL_HANDLING,  /* waits for its handler */
    CALL_ENDED,     /* its end was said; waits for the peer to take it */
};

struct grpc_call {
    struct list item;
    struct grpc_server *server;
    struct grpc_connection *connection; /* NULL: the stream has ended */
    int32_t stream;
    enum grpc_call_state state;
    bool owed;         /* the handler has it */
    bool headers_said; /* the answer's */
    bool client_ended; /* the client's half is closed */
    bool said;         /* to its last frame */
    bool has_deadline, bad_timeout;
    bool post, known_type;
    const char *http_status; /* "405": it is no gRPC */
    uint64_t began;          /* clock_now at the end of its fields; 0: before it */
    uint64_t timeout_ms, due_ms;
    size_t field_bytes;
    const struct grpc_method *method;
    struct grpc_reader reader;
    bool has_message;
    struct buf out; /* framed messages that nghttp2 has not taken */
    size_t held;    /* this call's share of the server's */
    struct http_timer timer;
    enum grpc_status status;
    struct buf text; /* encoded */
    void (*gone)(struct grpc_call *call, void *ctx);
    void *gone_ctx;
};

struct grpc_call *grpc_call_new(struct grpc_connection *c, int32_t stream);
void grpc_call_field(struct grpc_call *call, const char *name, size_t name_len, const char *value,
                     size_t value_len);
void grpc_call_begin(struct grpc_call *call); /* its fields are complete */
void grpc_call_data(struct grpc_call *call, const uint8_t *data, size_t len);
void grpc_call_client_end(struct grpc_call *call);         /* the client sends no more */
void grpc_call_said(struct grpc_call *call);               /* its last frame left */
void grpc_call_hurry(struct grpc_call *call, uint64_t ms); /* ends it within so long */
void grpc_call_stream_end(struct grpc_call *call); /* the stream is closed, or its connection */

/* answer.c ------------------------------------------------------------------------------------- */

/* Tells the server what the call holds now; false where all hold too much. */
bool grpc_call_hold(struct grpc_call *call);

/* In place of an earlier limit. */
void grpc_call_set_limit(struct grpc_call *call, uint64_t ms);

/* What stands in call->out; the header fields before the first. */
void grpc_call_say_messages(struct grpc_call *call);

/* The status and its text, behind what was said; once, and not where the stream has ended. */
void grpc_call_end(struct grpc_call *call, enum grpc_status status, const char *text);

/* To whom speaks no gRPC, once all was heard. */
void grpc_call_refuse_http(struct grpc_call *call);

#endif
