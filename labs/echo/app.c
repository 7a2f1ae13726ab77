/* Wires the echo server together; see app.h. */
#include "echo/app.h"

#include "base/log.h"

static const struct http_route routes[] = {HTTP_BUILTIN_ROUTES, {NULL}};
static const char *const services[] = {"echo.Echo", NULL};

static int start_http(struct app *app, struct err *err)
{
    app->builtin = (struct http_builtin){.loop = &app->loop};
    http_builtin_setup(&app->builtin);
    app->router = (struct http_router){routes, app};
    struct http_server_options options = {
        .address = app->settings.metrics_listen,
        .handler = http_router_handle,
        .ctx = &app->router,
    };
    app->http = http_server_listen(&app->loop, &options, err);
    return app->http ? OK : err_at(err, "--metrics-listen (or METRICS_LISTEN)");
}

static int start_grpc(struct app *app, struct err *err)
{
    const struct grpc_method methods[] = {
        {"/echo.Echo/Echo", echo_handle, &app->echo},
        GRPC_HEALTH_METHODS(&app->health),
        {NULL},
    };
    memcpy(app->methods, methods, sizeof methods);
    struct grpc_server_options options = {
        .address = app->settings.listen,
        .methods = app->methods,
        .max_message = (uint32_t)app->settings.max_message,
        .ended = echo_observe,
    };
    grpc_health_start(&app->health, &app->loop, services);
    app->grpc = grpc_server_listen(&app->loop, &options, err);
    return app->grpc ? OK : err_at(err, "--listen (or LISTEN)");
}

int app_start(struct app *app)
{
    struct err err = {0};
    int rc = loop_init(&app->loop);
    if (rc != OK)
        return log_error("cannot start the event loop", LOG_ERR(rc)), rc;
    echo_init();
    rc = start_http(app, &err);
    rc = rc ? rc : start_grpc(app, &err);
    if (rc != OK) {
        log_error("cannot start", LOG_STR("reason", err.text));
        return rc;
    }
    log_info("listening", LOG_STR("grpc", app->settings.listen),
             LOG_INT("port", grpc_server_port(app->grpc)),
             LOG_STR("metrics", app->settings.metrics_listen),
             LOG_INT("metrics_port", http_server_port(app->http)));
    return OK;
}
