/* Wires the frontend together, and takes it apart again; see app.h. */
#include "frontend/app.h"

#include "base/log.h"
#include "contract/message.h"
#include "frontend/hello.h"
#include "frontend/observe.h"
#include "frontend/request.h"
#include "frontend/routes.h"

/* What /ready asks. */
static bool publisher_up(void *app)
{
    return amqp_publisher_up(((struct app *)app)->publisher);
}
static bool postgres_is_up(void *app)
{
    return postgres_up(((struct app *)app)->postgres);
}
static bool redis_is_up(void *app)
{
    return redis_up(((struct app *)app)->redis);
}

/* Taking apart. As a rule the server has answered all by STAGE_CLOSE; where STAGE_FINISH met its
 * limit, the clients fail what is pending, which answers the rest. */
static void publisher_closed(void *app)
{
    loop_part_done(&((struct app *)app)->close_publisher);
}
static void close_publisher(struct loop_part *part)
{
    struct app *app = LIST_ITEM(part, struct app, close_publisher);
    hello_give_up(app);
    amqp_publisher_close(app->publisher, publisher_closed, app);
}
static void postgres_closed(void *context)
{
    struct app *app = context;
    fruit_lookups_free(&app->lookups);
    loop_part_done(&app->close_stores);
}
static void redis_closed(void *app)
{
    postgres_pool_close(((struct app *)app)->postgres, postgres_closed, app);
}
static void close_stores(struct loop_part *part)
{
    struct app *app = LIST_ITEM(part, struct app, close_stores);
    fruit_lookups_give_up(&app->lookups);
    redis_client_close(app->redis, redis_closed, app);
}

static int start_publisher(struct app *app, struct err *err)
{
    const struct settings *s = &app->settings;
    struct amqp_publisher_options options = {
        .url = s->amqp_url,
        .queue = {CONTRACT_QUEUE, .quorum = strcmp(s->queue_type, "quorum") == 0},
        .window = (size_t)s->publish_window,
        .deadline_ms = (uint32_t)s->publish_deadline_ms,
    };
    app->publisher = amqp_publisher_new(&app->loop, &options, err);
    if (!app->publisher)
        return err_at(err, "--amqp-url (or AMQP_URL)");
    loop_on_shutdown(&app->loop, STAGE_CLOSE, "publisher", &app->close_publisher, close_publisher);
    return OK;
}

static int start_postgres(struct app *app, struct err *err)
{
    struct postgres_pool_options options = {
        .url = app->settings.database_url,
        .connections = (int)app->settings.database_connections,
        .statements = fruit_statements,
        .application_name = "frontend",
    };
    app->postgres = postgres_pool_new(&app->loop, &options, err);
    if (!app->postgres)
        return err_at(err, "--database-url (or DATABASE_URL)");
    return OK;
}

static int start_redis(struct app *app, struct err *err)
{
    struct redis_client_options options = {
        .url = app->settings.redis_url,
        .deadline_ms = (uint32_t)app->settings.redis_deadline_ms,
    };
    app->redis = redis_client_new(&app->loop, &options, err);
    if (!app->redis)
        return err_at(err, "--redis-url (or REDIS_URL)");
    loop_on_shutdown(&app->loop, STAGE_CLOSE, "redis and postgres", &app->close_stores,
                     close_stores);
    return OK;
}

static int start_server(struct app *app, struct err *err)
{
    /* The cache is left out of what readiness needs: without it PostgreSQL serves. */
    app->dependencies[0] = (struct http_dependency){"rabbitmq", publisher_up, app};
    app->dependencies[1] = (struct http_dependency){"postgres", postgres_is_up, app};
    app->dependencies[2] = (struct http_dependency){"redis", redis_is_up, app, .optional = true};
    app->builtin = (struct http_builtin){&app->loop, app->dependencies};
    http_builtin_setup(&app->builtin);

    app->router = (struct http_router){frontend_routes, app};
    struct http_server_options options = {
        .address = app->settings.listen,
        .handler = http_router_handle,
        .answered = observe_answer,
        .headers = request_headers,
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
    fruit_lookups_init(&app->lookups, app);
    list_init(&app->delayed_hellos);
    observe_init();
    recorder_init(&app->recorder, (double)app->settings.log_rate);
    rc = start_publisher(app, &err);
    rc = rc ? rc : start_postgres(app, &err);
    rc = rc ? rc : start_redis(app, &err);
    rc = rc ? rc : start_server(app, &err);
    if (rc != OK) {
        log_error("cannot start", LOG_STR("reason", err.text));
        return rc;
    }
    log_info("listening", LOG_STR("address", app->settings.listen));
    return OK;
}
