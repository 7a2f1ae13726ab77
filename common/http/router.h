/*
 * Which handler takes a request: one table, the API on one screen.
 *
 *     static const struct http_route routes[] = {
 *         {"GET", "/hello", hello_get, .flags = HTTP_NO_HEAD},
 *         {"GET", "/fruit", fruit_get},
 *         {"POST", "/fruit", fruit_post},
 *         {NULL},
 *     };
 *
 * The pattern is the metric's label, so labels are bounded by the table. A path that no pattern
 * matches is 404, one that matches with another method 405 with Allow; HEAD goes to GET's handler
 * unless HTTP_NO_HEAD. A pattern's last segment may be `:name` (one segment, not empty), for the
 * labs.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/server.h"

enum { HTTP_NO_HEAD = 1 };

struct http_route {
    const char *method;
    const char *pattern;
    void (*handler)(struct http_exchange *x, void *ctx);
    int flags;
};

struct http_router {
    const struct http_route *routes; /* ends with a NULL method; must outlive the router */
    void *ctx;                       /* handed to every handler */
};

/* A handler for http_server_options; `ctx` is a struct http_router. Sets the route of x first: the
 * pattern, or "other". */
void http_router_handle(struct http_exchange *x, void *router);

/* The value of the pattern's `:name` segment of this request, as sent; empty if there is none. */
struct http_span http_path_value(const struct http_exchange *x);

#endif
