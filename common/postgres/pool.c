/*
 * The pool; see pool.h.
 *
 * A submit only copies and queues. The sending, and all calling back that is not caused by a socket
 * or a timer, happens in `turn`: an idle handle, active while there is something to do, so that the
 * loop neither waits nor lets a callback run inside the call that started the work.
 */
#include "postgres/connection.h"
#include "postgres/setup.h"

#include <assert.h>
#include <stdlib.h>

HISTOGRAM_VEC(postgres_query_seconds, "postgres_query_seconds",
              "Time from submitting a unit of work to its end in seconds, by its first statement.",
              BUCKETS(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5), query);

struct postgres_pool {
    struct postgres_config config;
    struct list queue; /* units that are not sent yet */
    int queued;
    uv_idle_t turn;
    bool closing;
    int open; /* connections and the handle above that are not closed */
    int statements;
    struct histogram **seconds; /* one a statement */
    void (*on_closed)(void *ctx);
    void *on_closed_ctx;
    int count;
    struct postgres_connection connections[];
};

static void on_turn(uv_idle_t *turn);

/* The turn ------------------------------------------------------------------------------------ */

static void wake(void *ctx)
{
    struct postgres_pool *pool = ctx;
    if (!pool->closing && pool->queued)
        uv_idle_start(&pool->turn, on_turn);
}

static struct postgres_unit *pop(struct postgres_pool *pool)
{
    struct postgres_unit *unit = LIST_ITEM(list_first(&pool->queue), struct postgres_unit, item);
    list_remove(&unit->item);
    pool->queued--;
    return unit;
}

static void fail_queue(struct postgres_pool *pool, int status)
{
    for (int n = pool->queued; n > 0; n--)
        postgres_unit_end(pop(pool), status, err_text(status));
}

/* The connection with the least in flight, or NULL when none has room. */
static struct postgres_connection *roomiest(struct postgres_pool *pool)
{
    struct postgres_connection *best = NULL;
    int most = 0;
    for (int i = 0; i < pool->count; i++) {
        int room = postgres_connection_room(&pool->connections[i]);
        if (room > most) {
            most = room;
            best = &pool->connections[i];
        }
    }
    return best;
}

static void send_queue(struct postgres_pool *pool)
{
    struct postgres_connection *c;
    while (pool->queued && (c = roomiest(pool)))
        postgres_connection_send(c, pop(pool));
    for (int i = 0; i < pool->count; i++) {
        if (pool->connections[i].state == POSTGRES_READY)
            postgres_connection_flush(&pool->connections[i]);
    }
    if (!postgres_up(pool))
        fail_queue(pool, ERR_UNAVAILABLE);
}

static void on_part_closed(void *ctx)
{
    struct postgres_pool *pool = ctx;
    if (--pool->open > 0)
        return;
    void (*on_closed)(void *ctx) = pool->on_closed;
    void *on_closed_ctx = pool->on_closed_ctx;
    postgres_target_free(&pool->config.target);
    free(pool->config.setup);
    free(pool->seconds);
    free(pool);
    if (on_closed)
        on_closed(on_closed_ctx);
}

static void on_turn_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void tear_down(struct postgres_pool *pool)
{
    for (int i = 0; i < pool->count; i++)
        postgres_connection_close(&pool->connections[i]);
    fail_queue(pool, ERR_CLOSED);
    uv_close((uv_handle_t *)&pool->turn, on_turn_closed);
}

static void on_turn(uv_idle_t *turn)
{
    struct postgres_pool *pool = turn->data;
    uv_idle_stop(turn);
    if (pool->closing)
        tear_down(pool);
    else
        send_queue(pool);
}

/* The public calls ---------------------------------------------------------------------------- */

static int check_statements(const struct postgres_pool *pool, const struct postgres_step *steps,
                            int count)
{
    for (int i = 0; i < count; i++) {
        if (steps[i].statement < 0 || steps[i].statement >= pool->statements)
            return ERR_INVALID;
    }
    return count < 1 ? ERR_INVALID : OK;
}

int postgres_submit(struct postgres_pool *pool, const struct postgres_step *steps, int count,
                    postgres_cb cb, void *ctx)
{
    struct postgres_unit *unit;
    if (pool->closing)
        return ERR_CLOSED;
    if (!postgres_up(pool))
        return ERR_UNAVAILABLE;
    if (pool->queued >= POSTGRES_QUEUE_MAX)
        return ERR_FULL;
    int rc = check_statements(pool, steps, count);
    rc = rc == OK ? postgres_unit_new(steps, count, &unit) : rc;
    if (rc != OK)
        return rc;
    unit->cb = cb;
    unit->ctx = ctx;
    unit->submitted = clock_now();
    unit->seconds = pool->seconds[steps[0].statement];
    list_append(&pool->queue, &unit->item);
    pool->queued++;
    wake(pool);
    return OK;
}

bool postgres_up(const struct postgres_pool *pool)
{
    for (int i = 0; i < pool->count; i++) {
        if (pool->connections[i].state == POSTGRES_READY)
            return true;
    }
    return false;
}

void postgres_pool_close(struct postgres_pool *pool, void (*cb)(void *ctx), void *ctx)
{
    assert(!pool->closing && "closed twice");
    pool->closing = true;
    pool->on_closed = cb;
    pool->on_closed_ctx = ctx;
    uv_idle_start(&pool->turn, on_turn);
}

/* Making -------------------------------------------------------------------------------------- */

static int bind_statements(struct postgres_pool *pool, const struct postgres_prepared *statements)
{
    while (statements && statements[pool->statements].name)
        pool->statements++;
    pool->seconds = calloc((size_t)pool->statements + 1, sizeof *pool->seconds);
    for (int i = 0; pool->seconds && i < pool->statements; i++)
        pool->seconds[i] = with(postgres_query_seconds, .query = statements[i].name);
    return pool->seconds ? OK : ERR_NOMEM;
}

static int configure(struct postgres_pool *pool, struct loop *loop,
                     const struct postgres_pool_options *options)
{
    int timeout_ms = options->timeout_ms ? options->timeout_ms : POSTGRES_TIMEOUT_DEFAULT_MS;
    pool->config.loop = loop;
    pool->config.setup = postgres_setup_text(options->setup, timeout_ms);
    pool->config.statements = options->statements;
    pool->config.application_name = options->application_name;
    pool->config.timeout_ms = timeout_ms;
    pool->config.on_change = wake;
    pool->config.on_closed = on_part_closed;
    pool->config.ctx = pool;
    int rc = bind_statements(pool, options->statements);
    return pool->config.setup ? rc : ERR_NOMEM;
}

static struct postgres_pool *begin(struct postgres_pool *pool, int connections)
{
    list_init(&pool->queue);
    postgres_unit_bind_metrics();
    postgres_connection_bind_metrics();
    uv_idle_init(&pool->config.loop->uv, &pool->turn);
    pool->turn.data = pool;
    pool->count = connections;
    pool->open = connections + 1;
    for (int i = 0; i < connections; i++)
        postgres_connection_start(&pool->connections[i], &pool->config);
    return pool;
}

struct postgres_pool *
postgres_pool_new(struct loop *loop, const struct postgres_pool_options *options, struct err *err)
{
    struct postgres_target target;
    int n = options->connections;
    if (n < 1 || n > POSTGRES_CONNECTIONS_MAX || options->timeout_ms < 0) {
        err_set(err, ERR_INVALID, "a pool has 1 to %d connections", POSTGRES_CONNECTIONS_MAX);
        return NULL;
    }
    if (postgres_target_parse(&target, options->url, err) != OK)
        return NULL;
    struct postgres_pool *pool = calloc(1, sizeof *pool + (size_t)n * sizeof *pool->connections);
    if (pool && configure(pool, loop, options) == OK) {
        pool->config.target = target;
        return begin(pool, n);
    }
    err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    postgres_target_free(&target);
    if (pool) {
        free(pool->config.setup);
        free(pool->seconds);
    }
    free(pool);
    return NULL;
}
