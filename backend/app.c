/* Wires the backend together, and takes it apart again; see app.h. */
#include "backend/app.h"

#include "backend/ready.h"
#include "base/log.h"
#include "contract/message.h"
#include "contract/schema.h"

/* Shutdown: take nothing new ---------------------------------------------------------------- */

static void part_done(void *part)
{
    loop_part_done(part);
}

static void stop_consumer(struct loop_part *part)
{
    struct app *app = LIST_ITEM(part, struct app, stop_consumer);
    generator_stop(&app->generator);
    worker_stop(&app->worker);
    amqp_consumer_cancel(app->consumer, part_done, part);
}

/* Shutdown: finish the jobs that sleep, commit what is gathered, wait for confirms ----------- */

void app_check_finished(struct app *app)
{
    if (!app->finishing || !worker_idle(&app->worker) || !store_idle(&app->store))
        return;
    app->finishing = false;
    loop_part_done(&app->finish_jobs);
}

static void finish_jobs(struct loop_part *part)
{
    struct app *app = LIST_ITEM(part, struct app, finish_jobs);
    app->finishing = true;
    store_stop(&app->store);
    app_check_finished(app);
}

static void finish_publisher(struct loop_part *part)
{
    struct app *app = LIST_ITEM(part, struct app, finish_publisher);
    amqp_publisher_drain(app->publisher, part_done, part);
}

/* Shutdown: close, those first that others' callbacks come from. As a rule nothing is in flight any
 * more; where STAGE_FINISH met its limit, a commit's callback asks Redis, and Redis's one acks. */

static void consumer_closed(void *app)
{
    loop_part_done(&((struct app *)app)->close_all);
}
static void redis_closed(void *context)
{
    struct app *app = context;
    store_close(&app->store);
    worker_close(&app->worker);
    amqp_consumer_close(app->consumer, consumer_closed, app);
}
static void postgres_closed(void *app)
{
    redis_client_close(((struct app *)app)->redis, redis_closed, app);
}
static void close_all(struct loop_part *part)
{
    struct app *app = LIST_ITEM(part, struct app, close_all);
    retention_close(&app->retention);
    generator_close(&app->generator);
    store_give_up(&app->store);
    postgres_pool_close(app->postgres, postgres_closed, app);
}

static void publisher_closed(void *app)
{
    loop_part_done(&((struct app *)app)->close_publisher);
}
static void close_publisher(struct loop_part *part)
{
    struct app *app = LIST_ITEM(part, struct app, close_publisher);
    amqp_publisher_close(app->publisher, publisher_closed, app);
}

static void register_shutdown(struct app *app)
{
    struct loop *loop = &app->loop;
    loop_on_shutdown(loop, STAGE_STOP_ACCEPTING, "consumer", &app->stop_consumer, stop_consumer);
    loop_on_shutdown(loop, STAGE_FINISH, "jobs", &app->finish_jobs, finish_jobs);
    loop_on_shutdown(loop, STAGE_FINISH, "publisher", &app->finish_publisher, finish_publisher);
    loop_on_shutdown(loop, STAGE_CLOSE, "publisher", &app->close_publisher, close_publisher);
    loop_on_shutdown(loop, STAGE_CLOSE, "clients", &app->close_all, close_all);
}

/* Starting ---------------------------------------------------------------------------------- */

static int start_clients(struct app *app, struct err *err)
{
    const struct settings *s = &app->settings;
    const struct amqp_queue queue = {CONTRACT_QUEUE, strcmp(s->queue_type, "quorum") == 0};
    app->redis =
        redis_client_new(&app->loop, &(struct redis_client_options){.url = s->redis_url}, err);
    if (!app->redis)
        return err_at(err, "--redis-url (or REDIS_URL)");
    const struct postgres_pool_options postgres = {
        .url = s->database_url,
        .connections = (int)s->database_connections,
        .setup = schema_sql(),
        .statements = store_statements,
        .application_name = "backend",
    };
    app->postgres = postgres_pool_new(&app->loop, &postgres, err);
    if (!app->postgres)
        return err_at(err, "--database-url (or DATABASE_URL)");
    app->publisher = amqp_publisher_new(
        &app->loop, &(struct amqp_publisher_options){.url = s->amqp_url, .queue = queue}, err);
    if (!app->publisher)
        return err_at(err, "--amqp-url (or AMQP_URL)");
    const struct amqp_consumer_options consumer = {
        .url = s->amqp_url, .queue = queue, .prefetch = (uint16_t)s->prefetch};
    app->consumer = amqp_consumer_new(&app->loop, &consumer, worker_deliver, &app->worker, err);
    return app->consumer ? OK : err_at(err, "--amqp-url (or AMQP_URL)");
}

static int start_parts(struct app *app, struct err *err)
{
    recorder_init(&app->recorder, (double)app->settings.log_rate);
    store_start(&app->store, app);
    retention_start(&app->retention, app);
    int rc = worker_start(&app->worker, app);
    rc = rc ? rc : generator_start(&app->generator, app);
    return rc ? err_set(err, rc, "%s", err_text(rc)) : OK;
}

static const struct http_route routes[] = {HTTP_BUILTIN_ROUTES, {NULL}}; /* [0 */

static int start_server(struct app *app, struct err *err)
{
    app->router = (struct http_router){routes, app};
    const struct http_server_options options = {
        .address = app->settings.listen, .handler = http_router_handle, .ctx = &app->router};
    app->server = http_server_listen(&app->loop, &options, err);
    return app->server ? OK : err->code;
} /* 0] */

int app_start(struct app *app)
{
    struct err err = {0};
    int rc = loop_init(&app->loop);
    if (rc != OK)
        return log_error("cannot start the event loop", LOG_ERR(rc)), rc;
    ready_setup(app);
    rc = start_server(app, &err); /* [0] */
    rc = rc ? rc : start_parts(app, &err);
    rc = rc ? rc : start_clients(app, &err);
    if (rc != OK) {
        log_error("cannot start", LOG_STR("reason", err.text));
        return rc;
    }
    register_shutdown(app);
    log_info("listening", LOG_STR("address", app->settings.listen));
    return OK;
}
