/*
 * The HTTP/1.1 client: keep-alive connections to one origin, one request at a time on each.
 *
 * A client is a pool: requests take an idle connection or open one, up to `connections`; past it
 * they wait in a bounded queue. Obeys docs/async.md.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/parser.h"
#include "loop/loop.h"

#define HTTP_CLIENT_QUEUE_MAX   10000 /* requests that wait for a connection */
#define HTTP_CLIENT_CONNECTIONS 100
#define HTTP_CLIENT_TIMEOUT_MS  10000

struct http_client;

struct http_client_options {
    const char *url; /* http://HOST[:PORT][/prefix] */
    int connections; /* at most; 0: HTTP_CLIENT_CONNECTIONS */
    int timeout_ms;  /* for one request, waiting and connecting included; 0: the default above */
    struct http_limits limits; /* of answers; zeroes: the defaults */
};

struct http_client_request {
    const char *method, *target; /* target begins with '/', and is encoded already */
    const char *headers;         /* complete lines "Name: value\r\n", or NULL */
    const char *body;
    size_t len;
};

/* `status` is 0 with a response, else a negative code with response NULL: ERR_TIMEOUT, ERR_LOST
 * (closed in the middle), a libuv code (connection refused, name not found), ERR_PROTOCOL,
 * ERR_TOO_LARGE, ERR_CLOSED. May send and may close the client. */
typedef void (*http_client_cb)(int status, const struct http_message *response, void *ctx);

/* NULL with `err` where the URL is bad or memory is out. The name is resolved at the first request,
 * off the loop. `options` are copied. */
struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options,
                                    struct err *err) MUST_CHECK;

/* Starts a request; everything is copied. 0, or ERR_INVALID (a target with blanks, …), ERR_FULL,
 * ERR_CLOSED, ERR_NOMEM. A request on a kept connection that the server had closed meanwhile,
 * before any byte of an answer, is sent again once, if it is GET or HEAD. */
int http_client_send(struct http_client *client, const struct http_client_request *request,
                     http_client_cb cb, void *ctx) MUST_CHECK;

/* Requests waiting for a connection, and connections open. */
size_t http_client_queued(const struct http_client *client);
size_t http_client_open(const struct http_client *client);

/* Fails what is pending with ERR_CLOSED (from a later turn), closes, frees, then calls `cb` (may be
 * NULL). Until then the client may still be asked to send, and answers ERR_CLOSED. */
void http_client_close(struct http_client *client, void (*cb)(void *ctx), void *ctx);

#endif
