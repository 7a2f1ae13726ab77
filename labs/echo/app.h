/* The echo server's state: the loop, the gRPC server, and the HTTP server of its pages. */
#ifndef ECHO_APP_H
#define ECHO_APP_H

#include "echo/echo.h"
#include "grpc/health.h"
#include "http/builtin.h"

struct settings {
    const char *listen, *metrics_listen, *log_format, *log_level;
    int64_t max_message;
};

struct app {
    struct settings settings;
    struct loop loop;
    struct echo echo;
    struct grpc_health health;
    struct grpc_method methods[4];
    struct grpc_server *grpc;

    struct http_server *http;
    struct http_router router;
    struct http_builtin builtin;
};

/* Starts everything and listens. 0 or a negative code (ERR_INVALID: a setting is wrong), with the
 * reason logged. */
int app_start(struct app *app) MUST_CHECK;

#endif
