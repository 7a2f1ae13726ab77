/* Wires the exporter together; see app.h. */
#include "exporter/app.h"

#include "base/log.h"
#include "exporter/statistics.h"

/* The source is told in the page, not here: an exporter is ready to tell that its source is down,
 * and beside the source in a pod it must not take that one out of service. */
static void metrics_get(struct http_exchange *x, void *app)
{
    source_ask(&((struct app *)app)->source, x);
}

static const struct http_route routes[] = {
    {"GET", "/metrics", metrics_get},
    {"GET", "/health", http_health},
    {"GET", "/ready", http_ready},
    {NULL},
};

static void source_closed(void *part)
{
    loop_part_done(part);
}

static void close_source(struct loop_part *part)
{
    source_close(&LIST_ITEM(part, struct app, close_source)->source, source_closed, part);
}

static int start_source(struct app *app, struct err *err)
{
    const struct settings *s = &app->settings;
    int rc = source_open(&app->source, &app->loop, s->stats_uri, (int)s->timeout_ms,
                         (size_t)s->size_limit, err);
    if (rc != OK)
        return err_at(err, "--stats-uri (or STATS_URI)");
    loop_on_shutdown(&app->loop, STAGE_CLOSE, "source", &app->close_source, close_source);
    return OK;
}

static int start_server(struct app *app, struct err *err)
{
    app->builtin = (struct http_builtin){&app->loop, NULL, NULL};
    http_builtin_setup(&app->builtin);
    app->router = (struct http_router){routes, app};
    const struct http_server_options options = {
        .address = app->settings.listen, .handler = http_router_handle, .ctx = &app->router};
    return http_server_listen(&app->loop, &options, err) ? OK : err->code;
}

int app_start(struct app *app)
{
    struct err err = {0};
    int rc = loop_init(&app->loop);
    if (rc != OK)
        return log_error("cannot start the event loop", LOG_ERR(rc)), rc;
    rc = statistics_register(&app->source.statistics, &err);
    rc = rc ? rc : start_source(app, &err);
    rc = rc ? rc : start_server(app, &err);
    if (rc != OK) {
        log_error("cannot start", LOG_STR("reason", err.text));
        return rc;
    }
    log_info("listening", LOG_STR("address", app->settings.listen),
             LOG_STR("source", app->settings.stats_uri));
    return OK;
}
