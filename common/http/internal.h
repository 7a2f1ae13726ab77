/*
 * What the files of the server share: server.c listens and shuts down, connection.c receives,
 * exchange.c holds a request and its answer, outbox.c sends.
 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "http/outbox.h"
#include "http/server.h"
#include "http/wheel.h"

#include <stddef.h>

#define HTTP_READ_BYTES       (64 * 1024) /* one read; one buffer serves all connections */
#define HTTP_EXCHANGE_POOL    1024        /* exchanges kept for reuse, with */
#define HTTP_EXCHANGE_KEEP    4096        /* buffers of at most so many bytes each */
#define HTTP_FILES_FOR_OTHERS 64          /* descriptors that connections leave to other parts */

enum http_reject {
    /* below HTTP_REFUSAL_COUNT: enum http_refusal */
    HTTP_REJECT_TIMEOUT = HTTP_REFUSAL_COUNT, /* head or body came too slowly */
    HTTP_REJECT_CONNECTIONS,                  /* too many */
    HTTP_REJECT_SCRAPES,                      /* too many at once */
    HTTP_REJECT_COUNT,
};

struct http_server {
    struct http_server_options options;
    struct loop *loop;
    uv_tcp_t listener;
    uv_prepare_t before_poll; /* sends the answers that this turn's callbacks gave */
    struct http_wheel wheel;
    struct loop_part stop_accepting, finish, close;

    struct list connections;
    size_t connection_count;
    struct list dirty; /* connections with something to send before the next poll */
    struct list pool;  /* exchanges for reuse */
    size_t pooled;

    size_t outstanding; /* exchanges that wait for their handler or for the kernel */
    bool unaccepted;    /* there was no memory for a connection: again in the next turn */
    int open;           /* handles of its own that are not closed yet */
    bool stopping;      /* each connection's next answer is its last */
    bool finishing;     /* idle connections are closed */
    bool closing;
    uint64_t read_at; /* clock_now of the read that is being worked on */
    char read_buffer[HTTP_READ_BYTES];
};

/* exchange.c ----------------------------------------------------------------------------------- */

enum http_exchange_state {
    EXCHANGE_RECEIVING, /* waits for the rest of the request */
    EXCHANGE_HANDLING,  /* waits for http_reply */
    EXCHANGE_ANSWERED,  /* waits for the answers before it, and for the kernel to take its own
                         */
};

struct http_exchange {
    struct list item; /* of its connection or of the pool */
    struct http_server *server;
    struct http_connection *connection; /* NULL when the peer had gone */
    enum http_exchange_state state;
    struct http_message message;
    struct buf head; /* of the answer, with a body that was copied; what the kernel has not taken */
    struct buf body; /* one that was moved */
    const char *route;
    void *data;
    void (*ended)(struct http_exchange *x); /* the answer has left or was dropped; may be NULL */
    uint64_t began;                         /* clock_now at its first byte */
    int status;
    bool refused; /* no handler saw it */
    bool interim; /* 100 Continue, which is no answer */
    _Alignas(max_align_t) char notes[HTTP_NOTES_BYTES];
};

/* One for the next request, or NULL. */
struct http_exchange *http_exchange_take(struct http_server *server);
/* Back to the pool. */
void http_exchange_give(struct http_exchange *x);
/* The end of one that was handed over: tells `answered`, counts, and gives back. */
void http_exchange_end(struct http_exchange *x);
void http_exchange_pool_free(struct http_server *server);
static inline size_t http_exchange_bytes(const struct http_exchange *x)
{
    return buf_len(&x->head) + buf_len(&x->body);
}

/* connection.c --------------------------------------------------------------------------------- */

enum http_connection_state {
    CONNECTION_IDLE,     /* waits for the first byte of a request */
    CONNECTION_HEAD,     /* for the rest of a head, HTTP_HEADER_LIMIT_S in all */
    CONNECTION_BODY,     /* for the rest of a body, which has a minimum rate */
    CONNECTION_HELD,     /* for answers to leave; nothing is read until then */
    CONNECTION_LAST,     /* for the answers outstanding to leave; then it ends. Nothing is read */
    CONNECTION_DRAINING, /* for the peer's end after ours: closing at once could make the kernel
                      reset the connection, and the peer lose the answer */
    CONNECTION_CLOSING,  /* for libuv's close callback */
};

struct http_connection {
    uv_tcp_t tcp;
    struct http_server *server;
    struct list item, dirty;
    struct http_timer timer;
    enum http_connection_state state;
    uint64_t since_ms; /* when the state's wait began */

    /* receiving */
    struct http_parser parser;
    struct http_exchange *receiving; /* the request that is incomplete, or NULL */
    struct buf held;                 /* bytes that came and wait with CONNECTION_HELD, */
    uint64_t held_at;                /* and when they came */

    struct http_outbox outbox;
    uint64_t write_due_ms; /* when a stalled write is given up; UINT64_MAX while there is none */
    uv_shutdown_t shutdown;
    bool eof; /* the peer sends no more */
};

/* One that its server's listener may accept, or NULL; then it is started, or closed. */
struct http_connection *http_connection_new(struct http_server *server);
int http_connection_start(struct http_connection *c) MUST_CHECK;
/* An exchange of it was answered: it will be sent before the next poll. */
void http_connection_answered(struct http_connection *c, struct http_exchange *x);
/* Sends what is answered, and goes on reading where that was held up. */
void http_connection_advance(struct http_connection *c);
/* Closes it where it is idle, after a last look for a request; the server is finishing. */
void http_connection_retire(struct http_connection *c);
void http_connection_close(struct http_connection *c);
/* Whether `x` is to be the last exchange on it, because the request or the server wants it so. */
bool http_connection_ends_with(struct http_connection *c, const struct http_exchange *x);

/* server.c ------------------------------------------------------------------------------------- */

/* A connection's handle is closed, or an exchange ended: shutdown may go on. */
void http_server_check(struct http_server *server);
/* Counts in http_rejected_total; `reason` is an enum http_refusal or http_reject. */
void http_server_count_reject(int reason);

#endif
