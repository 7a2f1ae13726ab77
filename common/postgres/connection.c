/*
 * The states of a connection; see connection.h.
 *
 *     RESOLVING ──► CONNECTING ──► SETUP ──► PREPARING ──► READY
 *         ▲  │ failed   │            │           │           │ lost, or an answer too late
 *         │  ▼          ▼            ▼           ▼           ▼
 *        BACKOFF ◄───────────────────────────────────────────┘          any ──close──► CLOSED
 */
#include "postgres/connection.h"

#include "base/log.h"
#include "postgres/setup.h"

#include <assert.h>
#include <stdio.h>

GAUGE_VEC(postgres_connections, "postgres_connections", "Connections of the pools by state.",
          state);

static const char *const state_names[] = {"resolving", "connecting", "setup", "preparing",
                                          "ready",     "backoff",    "closed"};

static void on_timer(uv_timer_t *timer);
static void on_socket(void *ctx);
static void on_resolved(struct resolver *resolver, int status);
static void connect_now(struct postgres_connection *c);
static void give_up(struct postgres_connection *c, int status, const char *why);

/* States -------------------------------------------------------------------------------------- */

static int setup_limit_ms(const struct postgres_connection *c)
{
    return c->config->timeout_ms + POSTGRES_TIMEOUT_GRACE_MS;
}

/* How long a state may last; 0 is for ever. READY's timer is started by the units in flight. */
static uint64_t limit_of(struct postgres_connection *c, enum postgres_state state)
{
    switch (state) {
    case POSTGRES_RESOLVING:
    case POSTGRES_CONNECTING:
        return POSTGRES_ATTEMPT_LIMIT_MS;
    case POSTGRES_SETUP:
    case POSTGRES_PREPARING:
        return (uint64_t)setup_limit_ms(c);
    case POSTGRES_BACKOFF:
        return backoff_next(&c->backoff, (uint32_t)clock_now());
    default:
        return 0;
    }
}

/* The closed are not counted: they are about to be forgotten. */
static void count_state(enum postgres_state state, double delta)
{
    if (state != POSTGRES_CLOSED)
        gauge_add(with(postgres_connections, .state = state_names[state]), delta);
}

static void enter(struct postgres_connection *c, enum postgres_state next)
{
    count_state(c->state, -1);
    count_state(next, 1);
    c->state = next;
    uint64_t limit = limit_of(c, next);
    uv_timer_stop(&c->timer);
    if (limit)
        uv_timer_start(&c->timer, on_timer, limit, 0);
    if (next != POSTGRES_READY)
        return;
    backoff_reset(&c->backoff);
    complaint_clear(&c->config->complaint);
    log_info("postgres connected", LOG_STR("host", c->config->target.host),
             LOG_STR("port", c->config->target.port),
             LOG_STR("database", c->config->target.database));
    c->config->on_change(c->config->ctx);
}

/* The socket ---------------------------------------------------------------------------------- */

static void unwatch(struct postgres_connection *c)
{
    postgres_watch_close(c->watch);
    c->watch = NULL;
}

static void watch_for(struct postgres_connection *c, int events)
{
    int rc = OK;
    if (!c->watch)
        rc = postgres_watch_new(&c->config->loop->uv, PQsocket(c->conn), on_socket, c, &c->watch);
    if (rc != OK)
        return give_up(c, ERR_LOST, err_text(rc));
    postgres_watch_for(c->watch, events);
}

static void disconnect(struct postgres_connection *c)
{
    unwatch(c);
    PQfinish(c->conn); /* its farewell does not block: the socket does not */
    c->conn = c->pipeline.conn = NULL;
}

/* Failing ------------------------------------------------------------------------------------- */

/* libpq's texts have several lines. */
static const char *one_line(char *text)
{
    for (char *p = text; *p; p++) {
        if (*p == '\n' || *p == '\t')
            *p = p[1] ? ' ' : '\0';
    }
    return text;
}

/* The only way into BACKOFF: tells why, lets the connection go, ends its units with `status`. */
static void give_up(struct postgres_connection *c, int status, const char *why)
{
    bool was_ready = c->state == POSTGRES_READY;
    char text[256];
    snprintf(text, sizeof text, "%s", why);
    one_line(text);
    if (complaint_due(&c->config->complaint, text, loop_ms(c->config->loop)))
        log_warn(was_ready ? "postgres connection lost" : "postgres is not available",
                 LOG_STR("host", c->config->target.host), LOG_STR("port", c->config->target.port),
                 LOG_STR("database", c->config->target.database),
                 LOG_STR("while", state_names[c->state]), LOG_STR("reason", text));
    enter(c, POSTGRES_BACKOFF);
    disconnect(c);
    postgres_pipeline_fail(&c->pipeline, status, text);
    if (was_ready)
        c->config->on_change(c->config->ctx);
}

static void give_up_with_libpq(struct postgres_connection *c)
{
    const char *why = c->pipeline.why[0] ? c->pipeline.why : PQerrorMessage(c->conn);
    give_up(c, ERR_LOST, why[0] ? why : "connection lost");
}

/* Connecting ---------------------------------------------------------------------------------- */

static void attempt(struct postgres_connection *c)
{
    if (c->config->target.local)
        return connect_now(c);
    enter(c, POSTGRES_RESOLVING);
    int rc = resolver_start(&c->resolver, &c->config->loop->uv, c->config->target.host);
    if (rc != OK)
        give_up(c, ERR_LOST, err_text(rc));
}

static void free_when_quiet(struct postgres_connection *c)
{
    if (c->timer_closed && !c->resolver.busy)
        c->config->on_closed(c->config->ctx);
}

static void on_resolved(struct resolver *resolver, int status)
{
    struct postgres_connection *c = resolver->ctx;
    if (c->state == POSTGRES_CLOSED)
        return free_when_quiet(c);
    if (c->state != POSTGRES_RESOLVING)
        return; /* too late for that attempt; the next one asks again */
    if (status != OK)
        give_up(c, ERR_LOST, uv_strerror(status));
    else
        connect_now(c);
}

static void on_notice(void *ctx, const PGresult *result)
{
    (void)ctx; /* "relation exists, skipping" and the like, which libpq would print */
    log_debug("postgres notice", LOG_STR("text", PQresultErrorMessage(result)));
}

static void connect_now(struct postgres_connection *c)
{
    enter(c, POSTGRES_CONNECTING);
    c->pipeline.why[0] = '\0';
    c->conn =
        postgres_target_connect(&c->config->target, &c->resolver, c->config->application_name);
    if (!c->conn)
        return give_up(c, ERR_LOST, err_text(ERR_NOMEM));
    if (PQstatus(c->conn) == CONNECTION_BAD)
        return give_up_with_libpq(c);
    PQsetNoticeReceiver(c->conn, on_notice, NULL);
    watch_for(c, UV_WRITABLE);
}

static void begin_setup(struct postgres_connection *c)
{
    enter(c, POSTGRES_SETUP);
    if (PQsetnonblocking(c->conn, 1) != 0 || !PQsendQuery(c->conn, c->config->setup))
        return give_up_with_libpq(c);
    postgres_connection_flush(c);
}

/* libpq may close the socket inside and open another one under the same number. */
static void go_on_connecting(struct postgres_connection *c)
{
    unwatch(c);
    switch (PQconnectPoll(c->conn)) {
    case PGRES_POLLING_READING:
        return watch_for(c, UV_READABLE);
    case PGRES_POLLING_WRITING:
        return watch_for(c, UV_WRITABLE);
    case PGRES_POLLING_OK:
        return begin_setup(c);
    default:
        return give_up_with_libpq(c);
    }
}

static void begin_preparing(struct postgres_connection *c)
{
    enter(c, POSTGRES_PREPARING);
    if (postgres_setup_prepare(c->conn, c->config->statements) != OK)
        return give_up_with_libpq(c);
    postgres_connection_flush(c);
}

static void go_on_setting_up(struct postgres_connection *c)
{
    char why[200];
    if (!PQconsumeInput(c->conn))
        return give_up_with_libpq(c);
    int rc = postgres_setup_read(c->conn, why, sizeof why);
    if (rc < 0)
        return give_up(c, ERR_REFUSED, why);
    if (rc == 0)
        return postgres_connection_flush(c);
    if (c->state == POSTGRES_SETUP)
        return begin_preparing(c);
    c->pipeline.conn = c->conn;
    enter(c, POSTGRES_READY);
}

/* Exchanging ---------------------------------------------------------------------------------- */

/* What arrived ahead of an end of the connection counts, so results are taken in any case. */
static void exchange(struct postgres_connection *c)
{
    int before = c->pipeline.count;
    int alive = PQconsumeInput(c->conn);
    int rc = postgres_pipeline_read(&c->pipeline);
    if (rc != OK || !alive)
        return give_up_with_libpq(c);
    postgres_connection_flush(c);
    if (c->pipeline.count < before)
        c->config->on_change(c->config->ctx);
}

static void on_socket(void *ctx)
{
    struct postgres_connection *c = ctx;
    if (c->state == POSTGRES_CONNECTING)
        go_on_connecting(c);
    else if (c->state == POSTGRES_READY)
        exchange(c);
    else
        go_on_setting_up(c);
}

void postgres_connection_send(struct postgres_connection *c, struct postgres_unit *unit)
{
    assert(postgres_connection_room(c) > 0);
    if (postgres_pipeline_send(&c->pipeline, unit, c->config->statements) != OK)
        return give_up_with_libpq(c);
    if (!uv_is_active((uv_handle_t *)&c->timer))
        uv_timer_start(&c->timer, on_timer, (uint64_t)setup_limit_ms(c), 0);
}

void postgres_connection_flush(struct postgres_connection *c)
{
    if (!c->conn)
        return;
    int rc = PQflush(c->conn);
    if (rc < 0)
        give_up_with_libpq(c);
    else
        watch_for(c, rc ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

int postgres_connection_room(const struct postgres_connection *c)
{
    return c->state == POSTGRES_READY ? POSTGRES_PIPELINE_MAX - c->pipeline.count : 0;
}

/* Time ---------------------------------------------------------------------------------------- */

/* Milliseconds that the oldest unit may still take; negative when it is overdue. */
static int64_t time_left(const struct postgres_connection *c)
{
    const struct postgres_unit *oldest = postgres_pipeline_oldest(&c->pipeline);
    uint64_t age = oldest ? (clock_now() - oldest->sent) / NS_PER_MS : 0;
    return setup_limit_ms(c) - (int64_t)age;
}

/* Timers run before sockets are read. After a long turn of our own the answer may be here already,
 * and the lateness ours: so look once more before the server is blamed. */
static void on_overdue(struct postgres_connection *c)
{
    if (time_left(c) <= 0)
        exchange(c);
    if (c->state != POSTGRES_READY || !c->pipeline.count)
        return;
    int64_t left = time_left(c);
    if (left <= 0)
        give_up(c, ERR_TIMEOUT, "no answer within the time-out");
    else
        uv_timer_start(&c->timer, on_timer, (uint64_t)left, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct postgres_connection *c = timer->data;
    switch (c->state) {
    case POSTGRES_RESOLVING:
        return give_up(c, ERR_TIMEOUT, "the host's name was not resolved in time");
    case POSTGRES_CONNECTING:
        return give_up(c, ERR_TIMEOUT, "no connection in time");
    case POSTGRES_SETUP:
    case POSTGRES_PREPARING:
        return give_up(c, ERR_TIMEOUT, "no answer in time");
    case POSTGRES_READY:
        return on_overdue(c);
    case POSTGRES_BACKOFF:
        return attempt(c);
    case POSTGRES_CLOSED:
        return;
    }
}

/* Starting and closing ------------------------------------------------------------------------ */

void postgres_connection_start(struct postgres_connection *c, struct postgres_config *config)
{
    *c = (struct postgres_connection){.config = config, .state = POSTGRES_CLOSED};
    c->backoff =
        (struct backoff){.first_ms = POSTGRES_BACKOFF_FIRST_MS, .cap_ms = POSTGRES_BACKOFF_CAP_MS};
    c->resolver.ctx = c;
    c->resolver.on_end = on_resolved;
    postgres_pipeline_init(&c->pipeline);
    uv_timer_init(&config->loop->uv, &c->timer);
    c->timer.data = c;
    attempt(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct postgres_connection *c = handle->data;
    c->timer_closed = true;
    free_when_quiet(c);
}

void postgres_connection_close(struct postgres_connection *c)
{
    enter(c, POSTGRES_CLOSED);
    disconnect(c);
    postgres_pipeline_fail(&c->pipeline, ERR_CLOSED, err_text(ERR_CLOSED));
    resolver_cancel(&c->resolver);
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

void postgres_connection_bind_metrics(void)
{
    for (int state = POSTGRES_RESOLVING; state < POSTGRES_CLOSED; state++)
        (void)with(postgres_connections, .state = state_names[state]);
}
