/*
 * An exporter: at each scrape it asks the source for its page of statistics, and answers with
 * metrics made from that. This file is its frame, and needs no change; the translation is stats.c.
 *
 *     GET /metrics ──► asks the source (GET /stats) ──► stats_take(what it said) ──► the page of
 * metrics
 */
#include "base/log.h"
#include "base/settings.h"
#include "exporter/stats.h"
#include "http/builtin.h"
#include "http/client.h"

#include <stdlib.h>

enum { SOURCE_TIMEOUT_MS = 2000 }; /* less than Prometheus waits for us */

static struct app {
    const char *listen, *source;
    struct loop loop;
    struct http_client *client;
    struct http_router router;
    struct loop_part close_client;
} app;

static const struct setting table[] = {
    {"listen", "LISTEN", SETTING_ADDRESS, &app.listen, "127.0.0.1:8081",
     "HOST:PORT to serve /metrics on"},
    {"source", "SOURCE", SETTING_TEXT, &app.source, "http://127.0.0.1:5000",
     "whose /stats is translated"},
    {NULL},
};

/* The source has answered, or not: `status` is 0 where it has. */
static void on_stats(int status, const struct http_message *answer, void *exchange)
{
    if (status == OK && answer->status == 200)
        stats_take(answer->body.data, answer->body.len);
    else
        stats_take(NULL, 0);
    http_metrics(exchange, NULL);
}

static void metrics_get(struct http_exchange *x, void *context)
{
    (void)context;
    const struct http_client_request request = {.method = "GET", .target = "/stats"};
    if (http_client_send(app.client, &request, on_stats, x) != OK)
        on_stats(ERR_FULL, NULL, x);
}

static const struct http_route routes[] = {
    {"GET", "/metrics", metrics_get},
    {"GET", "/health", http_health},
    {"GET", "/ready", http_ready},
    {NULL},
};

static void client_closed(void *part)
{
    loop_part_done(part);
}

static void close_client(struct loop_part *part)
{
    http_client_close(app.client, client_closed, part);
}

static int start(struct err *err)
{
    static const struct http_dependency none[] = {{NULL}};
    static struct http_builtin builtin = {&app.loop, none, NULL};
    http_builtin_setup(&builtin);
    app.client = http_client_new(
        &app.loop,
        &(struct http_client_options){.url = app.source, .timeout_ms = SOURCE_TIMEOUT_MS}, err);
    if (!app.client)
        return err_at(err, "--source");
    loop_on_shutdown(&app.loop, STAGE_CLOSE, "client", &app.close_client, close_client);
    app.router = (struct http_router){routes, &app};
    const struct http_server_options options = {
        .address = app.listen, .handler = http_router_handle, .ctx = &app.router};
    return http_server_listen(&app.loop, &options, err) ? OK : err->code;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    settings_or_exit(table, argc, argv, "exporter", "turns a page of statistics into metrics");
    log_setup_texts("exporter", "auto", "info");
    if (loop_init(&app.loop) != OK || stats_init() != OK)
        return EXIT_FAILURE;
    if (start(&err) != OK) {
        log_error("cannot start", LOG_STR("reason", err.text));
        return 2;
    }
    log_info("listening", LOG_STR("address", app.listen), LOG_STR("source", app.source));
    return loop_run(&app.loop);
}
