/*
 * The HTTP/1.1 server: connections, pipelining, time-outs, back-pressure.
 *
 * A request is an exchange. The handler gets it once, and answers it with http_reply once, in the
 * same call or later. Answers leave in the order of the requests, and those of one turn of the loop
 * leave in one write. An exchange stays valid until it is answered, even if the peer has gone (the
 * answer is then dropped), so a handler never has to ask. It must be answered in the end: shutdown
 * waits for it.
 *
 * Slow peers: headers within HTTP_HEADER_LIMIT_S, a body at a minimum rate, idle connections closed
 * after HTTP_IDLE_LIMIT_S, a stalled write after HTTP_WRITE_LIMIT_S, all on one coarse wheel.
 *
 * Series: http_open_connections, http_connections_total, http_rejected_total{reason}.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/settings.h"
#include "http/parser.h"
#include "loop/loop.h"

#define HTTP_CONNECTIONS_MAX 20000         /* past it a connection is closed at once, and counted */
#define HTTP_PIPELINE_MAX    64            /* answers outstanding on one connection */
#define HTTP_QUEUED_PAUSE    (256 * 1024)  /* bytes of answers not yet taken: no further reading */
#define HTTP_QUEUED_MAX      (1024 * 1024) /* and past it, no further answer: closed */

#define HTTP_HEADER_LIMIT_S 10  /* from a request's first byte to the end of its head */
#define HTTP_BODY_GRACE_S   10  /* a body may take this long, and besides */
#define HTTP_BODY_RATE      500 /* a second for so many bytes that came */
#define HTTP_IDLE_LIMIT_S   60
#define HTTP_WRITE_LIMIT_S  30 /* without the peer taking a byte */
#define HTTP_DRAIN_LIMIT_S  2  /* for the peer to close after us */

struct http_server;
struct http_exchange;

/* An answer. All that is pointed to is copied before http_reply returns. */
struct http_response {
    int status;
    const char *content_type; /* NULL: text/plain; charset=utf-8 */
    const char *body;
    size_t len;
    struct buf *take;    /* in place of body and len: its bytes are moved, and it is left empty */
    const char *allow;   /* with 405: the Allow field's value, or NULL */
    int retry_after;     /* seconds, with 503; 0: no such field */
    const char *headers; /* further complete lines "Name: value\r\n", or NULL */
};

/* Time-outs in milliseconds; zeroes: the limits above. */
struct http_times {
    int header, body, idle, write, drain;
};

struct http_server_options {
    const char *address;       /* HOST:PORT, numeric or a name; port 0 takes a free one */
    struct http_limits limits; /* zeroes: the defaults */
    struct http_times times;
    size_t connections; /* at most; 0: HTTP_CONNECTIONS_MAX, or what RLIMIT_NOFILE leaves */

    /* Called for each request, in order of arrival on its connection. */
    void (*handler)(struct http_exchange *x, void *ctx);
    /* Called when the answer's last byte was handed to the kernel, or the peer had gone. May be
     * NULL. `seconds` run from the request's first byte. Also called for requests that were refused
     * before the handler saw them: these have no message (http_request is NULL). */
    void (*answered)(struct http_exchange *x, int status, double seconds, void *ctx);
    /* Asked at each answer for further complete lines, "Name: value\r\n", or NULL; they are copied.
     * May be NULL. Refused requests have no message here either. */
    const char *(*headers)(struct http_exchange *x, void *ctx);
    void *ctx;
};

/* Starts to listen. The server registers itself for the loop's shutdown: it stops accepting, waits
 * for the answers outstanding, and closes. On failure returns NULL and fills `err` (a port in use
 * names the port). `options` are copied. The server is freed by itself at the end of the shutdown;
 * a name in `address` is looked up at once, which may block: servers start before the loop runs. */
struct http_server *http_server_listen(struct loop *loop, const struct http_server_options *options,
                                       struct err *err) MUST_CHECK;

/* The port that it listens on. */
int http_server_port(const struct http_server *server);

/* The request of an exchange; valid until http_reply, and in `answered`. */
const struct http_message *http_request(const struct http_exchange *x);

/* "GET" …, or "other" for a request that was refused; static. */
const char *http_request_method(const struct http_exchange *x);

/* The pattern of the route that took it, "other" where none did; set by the router, static. */
const char *http_route(const struct http_exchange *x);
void http_set_route(struct http_exchange *x, const char *pattern);

/* A pointer for the handler's own use, NULL at first. Lives as long as the exchange; also readable
 * in `answered`. */
void http_set_data(struct http_exchange *x, void *data);
void *http_data(const struct http_exchange *x);

/* HTTP_NOTES_BYTES for the program's own use, aligned for anything, and zeroed before anyone sees
 * the exchange. They live as long as it, `answered` included. */
#define HTTP_NOTES_BYTES 96
void *http_notes(struct http_exchange *x);

/* Answers; exactly once an exchange. x is dead for the caller (`answered` may run inside). HEAD
 * gets no body. Content-Length, Date and Connection are added. Out of memory closes the connection.
 */
void http_reply(struct http_exchange *x, const struct http_response *response);

/* Shorthands. */
void http_reply_text(struct http_exchange *x, int status, const char *text);
void http_reply_json(struct http_exchange *x, int status, const char *json, size_t len);
/* {"error":"…"} with the text escaped. */
void http_reply_error(struct http_exchange *x, int status, const char *text);

#endif
