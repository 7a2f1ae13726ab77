/* The exporter's state: the loop, the server, and the source that it asks. */
#ifndef EXPORTER_APP_H
#define EXPORTER_APP_H

#include "base/settings.h"
#include "exporter/source.h"
#include "http/builtin.h"
#include "http/router.h"
#include "http/server.h"
#include "loop/loop.h"

struct settings {
    const char *listen, *stats_uri, *log_format, *log_level;
    int64_t timeout_ms, size_limit;
};

struct app {
    struct settings settings;
    struct loop loop;
    struct source source;
    struct http_router router;
    struct http_builtin builtin;
    struct loop_part close_source;
};

/* Starts everything and listens. 0 or a negative code (ERR_INVALID: a setting is wrong), with the
 * reason logged. Asks the source nothing yet. */
int app_start(struct app *app) MUST_CHECK;

#endif
