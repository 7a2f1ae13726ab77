/* Puts the parts together; see app.h. */
#include "person/app.h"

#include "base/log.h"
#include "person/observe.h"
#include "person/routes.h"

static int start_server(struct app *app, struct err *err)
{
    /* As this exercise of the field calls them: a counter without _total, a gauge with _count, and
     * a unit that is no base unit. */
    static const char *const odd_names[] = {"http_status_code", "person_store_count",
                                            "app_memory_usage_megabytes", NULL};
    app->builtin = (struct http_builtin){&app->loop, NULL, odd_names};
    http_builtin_setup(&app->builtin);
    app->router = (struct http_router){person_routes, app};
    struct http_server_options options = {
        .address = app->settings.listen,
        .handler = observe_request,
        .answered = observe_answer,
        .ctx = &app->router,
    };
    app->server = http_server_listen(&app->loop, &options, err);
    return app->server ? OK : err->code;
}

int app_start(struct app *app)
{
    struct err err = {0};
    int rc = loop_init(&app->loop);
    if (rc != OK)
        return log_error("cannot start the event loop", LOG_ERR(rc)), rc;
    app->people.max = (size_t)app->settings.people_max;
    observe_init();
    delays_init(&app->delays, &app->loop);
    rc = usage_start(&app->usage, &app->loop);
    if (rc != OK)
        err_set(&err, rc, "%s", err_text(rc));
    rc = rc ? rc : start_server(app, &err);
    if (rc != OK) {
        log_error("cannot start", LOG_STR("reason", err.text));
        return rc;
    }
    log_info("listening", LOG_STR("address", app->settings.listen),
             LOG_INT("port", http_server_port(app->server)));
    return OK;
}

void app_free(struct app *app)
{
    people_free(&app->people);
    buf_free(&app->scratch);
}
