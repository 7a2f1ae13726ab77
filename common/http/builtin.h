/*
 * What every program serves: /metrics, /health and /ready.
 *
 * A program lists its dependencies with a function each that says whether it can be used now;
 * /ready is 200 when all that are not optional can and the program is not shutting down, else 503,
 * and names each one's state:
 * {"ready":false,"dependencies":{"postgres":"up","rabbitmq":"down"}}.
 *
 * /metrics is the default registry in the format that Accept prefers, see metrics_negotiate;
 * `?name[]=a&name[]=b` asks for some families alone. HTTP_GZIP_MIN bytes or more are compressed on
 * the thread pool where Accept-Encoding allows it. Past HTTP_SCRAPES_MAX scrapes that are being
 * written, compressed or sent, further ones are 503 and counted in http_rejected_total.
 */
#ifndef HTTP_BUILTIN_H
#define HTTP_BUILTIN_H

#include "http/router.h"

#define HTTP_SCRAPES_MAX      40 /* in flight; each holds a page in memory */
#define HTTP_SCRAPE_NAMES_MAX 64 /* name[] in a query; past it 400 */
/* Three packets. Any page takes deflate 45 us, and the way to the pool and back takes the loop 7
 * us, as long as the write of 64 KiB: for less than this it is not worth the while. */
#define HTTP_GZIP_MIN 4096

struct http_dependency {
    const char *name;
    bool (*up)(void *ctx);
    void *ctx;
    bool optional; /* shown, but not needed: the program works without it, only slower */
};

struct http_builtin {
    struct loop *loop;
    const struct http_dependency *dependencies; /* ends with a NULL name; may be NULL */
    const char *const *odd_names; /* metrics that metrics_lint leaves alone, because an exercise of
                                   * the field calls them so; ends with NULL; may be NULL */
};

/* Handlers for a route table; a program's own ctx is not passed to them, so they look here. Call
 * http_builtin_setup once, before the server listens; in a debug build it logs what metrics_lint
 * says. Memory stays the caller's. */
void http_builtin_setup(const struct http_builtin *builtin);
void http_metrics(struct http_exchange *x, void *ctx);
void http_health(struct http_exchange *x, void *ctx);
void http_ready(struct http_exchange *x, void *ctx);

/* The three routes, to be named in a route table. */
#define HTTP_BUILTIN_ROUTES                                                                        \
    {"GET", "/metrics", http_metrics}, {"GET", "/health", http_health},                            \
    {                                                                                              \
        "GET", "/ready", http_ready                                                                \
    }

/* For `--healthcheck`: a blocking GET /health of the address that the program serves (a wildcard
 * host becomes loopback). 0 if it answered 200 within 2 s, else 1; says on stderr what was wrong.
 */
int http_healthcheck(const char *address);

#endif
