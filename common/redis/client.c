/*
 * The connection to Redis; see client.h.
 *
 *     RESOLVING ──► CONNECTING ──PONG──► READY
 *         ▲  │           │ dropped         │ lost, or a reply too late
 *         │  │ failed    ▼                 ▼
 *      delay │         BROKEN ◄────────────┘
 *         │  ▼           │ hiredis has let go
 *        BACKOFF ◄───────┘             any ──close──► CLOSING
 *
 * hiredis frees its context inside whatever call to it notices the end: so nothing here touches
 * `context` after calling hiredis without looking whether it is still there.
 */
#include "redis/client.h"

#include "base/clock.h"
#include "base/complaint.h"
#include "base/log.h"
#include "loop/backoff.h"
#include "loop/resolver.h"
#include "metrics/metrics.h"
#include "redis/adapter.h"
#include "redis/calls.h"
#include "redis/url.h"

#include <assert.h>
#include <stdlib.h>

#include <hiredis/async.h>

GAUGE(redis_connected, "redis_connected", "Connections to Redis whose server answered.");
enum redis_state {
    REDIS_RESOLVING,  /* waits for the host's addresses */
    REDIS_CONNECTING, /* waits for the socket, and for the answers to AUTH, SELECT and PING */
    REDIS_READY,      /* waits for commands, and for their replies until the deadline */
    REDIS_BROKEN,     /* waits for hiredis to let go of the context */
    REDIS_BACKOFF,    /* waits for the delay before the next attempt */
    REDIS_CLOSING,    /* waits for the next turn to tear down, then for its handles to close */
};

struct redis_client {
    struct loop *loop;
    struct redis_url url;
    uint64_t deadline; /* nanoseconds */

    enum redis_state state;
    redisAsyncContext *context; /* NULL where hiredis has none of ours */
    struct backoff backoff;
    struct complaint complaint;
    struct resolver resolver;
    int next_address; /* of the resolver's, to be tried after this one */
    uv_timer_t timer; /* the limit of what the state waits for */
    bool timer_closed;

    int end_status;   /* what calls end with when the connection does */
    char reason[160]; /* why we dropped the connection; "" if the other side did */

    struct redis_calls calls;
    void (*on_closed)(void *ctx);
    void *on_closed_ctx;
};

static void on_timer(uv_timer_t *timer);
static void on_resolved(struct resolver *resolver, int status);
static void on_gone(const redisAsyncContext *context, void *ctx);

/* States ------------------------------------------------------------------------------------- */

/* How long a state may last; 0 is for ever. READY's timer is started by the calls in flight. */
static uint64_t limit_of(struct redis_client *client, enum redis_state state)
{
    if (state == REDIS_RESOLVING || state == REDIS_CONNECTING)
        return REDIS_ATTEMPT_LIMIT_MS;
    if (state == REDIS_BACKOFF)
        return client->next_address < client->resolver.count
                   ? 1
                   : backoff_next(&client->backoff, (uint32_t)clock_now());
    return state == REDIS_CLOSING ? 1 : 0;
}

static void enter(struct redis_client *client, enum redis_state next)
{
    uint64_t limit = limit_of(client, next);
    gauge_add(&redis_connected, (next == REDIS_READY) - (client->state == REDIS_READY));
    if (next == REDIS_READY) {
        log_info("redis connected", LOG_STR("host", client->url.host),
                 LOG_INT("port", client->url.port));
        client->next_address = client->resolver.count;
        backoff_reset(&client->backoff);
        complaint_clear(&client->complaint);
    }
    client->state = next;
    uv_timer_stop(&client->timer);
    if (limit)
        uv_timer_start(&client->timer, on_timer, limit, 0);
}

/* There is no connection: says why, once, and waits for the next attempt. */
static void fail(struct redis_client *client, const char *why)
{
    if (complaint_due(&client->complaint, why, loop_ms(client->loop)))
        log_warn("redis is not available", LOG_STR("host", client->url.host),
                 LOG_INT("port", client->url.port), LOG_STR("reason", why));
    enter(client, REDIS_BACKOFF);
}

/* Gives the connection up; calls in flight end with `status`, at the latest when the call to
 * hiredis that we are in returns. on_gone follows them. */
static void drop(struct redis_client *client, int status, const char *why)
{
    client->end_status = status;
    snprintf(client->reason, sizeof client->reason, "%s", why);
    enter(client, REDIS_BROKEN);
    redisAsyncFree(client->context);
}

/* Connecting --------------------------------------------------------------------------------- */

static void attempt(struct redis_client *client)
{
    enter(client, REDIS_RESOLVING);
    int rc = resolver_start(&client->resolver, &client->loop->uv, client->url.host);
    if (rc != OK)
        fail(client, err_text(rc));
}

/* Whether a reply of the greeting is good news; a refusal ends the connection. */
static bool welcome(struct redis_client *client, const redisReply *reply)
{
    if (!reply || client->state != REDIS_CONNECTING)
        return false; /* the connection is ending, or we are */
    if (reply->type == REDIS_REPLY_ERROR)
        drop(client, ERR_REFUSED, reply->str);
    return reply->type != REDIS_REPLY_ERROR;
}

static void on_greeted(redisAsyncContext *context, void *reply, void *ctx)
{
    (void)context;
    (void)welcome(ctx, reply);
}

static void on_pong(redisAsyncContext *context, void *reply, void *ctx)
{
    (void)context;
    if (welcome(ctx, reply))
        enter(ctx, REDIS_READY);
}

/* PING comes last, so READY means that the server answers, not that a socket is open. */
static int greet(struct redis_client *client)
{
    redisAsyncContext *context = client->context;
    const struct redis_url *url = &client->url;
    int rc = REDIS_OK;
    if (url->user[0])
        rc |=
            redisAsyncCommand(context, on_greeted, client, "AUTH %s %s", url->user, url->password);
    else if (url->password[0])
        rc |= redisAsyncCommand(context, on_greeted, client, "AUTH %s", url->password);
    if (url->db)
        rc |= redisAsyncCommand(context, on_greeted, client, "SELECT %d", url->db);
    return rc | redisAsyncCommand(context, on_pong, client, "PING");
}

static void connect_next(struct redis_client *client)
{
    const char *address = client->resolver.addresses[client->next_address++];
    redisAsyncContext *context = redisAsyncConnect(address, client->url.port);
    if (!context)
        return fail(client, err_text(ERR_NOMEM));
    char why[sizeof client->reason] = "";
    if (context->err)
        snprintf(why, sizeof why, "%s", context->errstr);
    else if (redis_adapter_attach(&client->loop->uv, context, on_gone, client) != OK)
        snprintf(why, sizeof why, "cannot watch the socket");
    if (why[0]) {
        redisAsyncFree(context);
        return fail(client, why);
    }
    client->context = context;
    client->end_status = ERR_LOST;
    client->reason[0] = '\0';
    enter(client, REDIS_CONNECTING);
    if (greet(client) != REDIS_OK)
        drop(client, ERR_NOMEM, err_text(ERR_NOMEM));
}

static void free_when_quiet(struct redis_client *client)
{
    if (!client->timer_closed || client->resolver.busy)
        return;
    void (*on_closed)(void *ctx) = client->on_closed;
    void *ctx = client->on_closed_ctx;
    redis_calls_free(&client->calls);
    free(client);
    if (on_closed)
        on_closed(ctx);
}

static void on_resolved(struct resolver *resolver, int status)
{
    struct redis_client *client = resolver->ctx;
    if (client->state == REDIS_CLOSING)
        return free_when_quiet(client);
    client->next_address = 0;
    if (client->state != REDIS_RESOLVING)
        return; /* too late for that attempt; the next one asks again */
    if (status != OK)
        fail(client, uv_strerror(status));
    else
        connect_next(client);
}

/* hiredis lets go of the context. Calls still in flight end here and not by the NULL replies that
 * it hands them: those come before this in 0.14, and behind it in 1.x. */
static void on_gone(const redisAsyncContext *context, void *ctx)
{
    struct redis_client *client = ctx;
    const char *theirs = context->err ? context->errstr : "connection closed";
    client->context = NULL;
    if (client->state != REDIS_CLOSING)
        fail(client, client->reason[0] ? client->reason : theirs);
    for (unsigned n = client->calls.in_flight; n > 0; n--)
        redis_calls_end_oldest(&client->calls, client->end_status, NULL);
}

/* Commands ----------------------------------------------------------------------------------- */

static void on_reply(redisAsyncContext *context, void *answer, void *ctx)
{
    struct redis_client *client = ctx;
    const redisReply *reply = answer;
    (void)context;
    if (!reply)
        return; /* the connection is ending: on_gone */
    int status = reply->type == REDIS_REPLY_ERROR ? ERR_REFUSED : OK;
    redis_calls_end_oldest(&client->calls, status, reply);
}

int redis_command(struct redis_client *client, int argc, const char **argv, const size_t *lengths,
                  redis_cb cb, void *ctx)
{
    if (client->state == REDIS_CLOSING)
        return redis_calls_refuse(ERR_CLOSED);
    if (client->state != REDIS_READY)
        return redis_calls_refuse(ERR_UNAVAILABLE);
    if (redis_calls_full(&client->calls))
        return redis_calls_refuse(ERR_FULL);
    if (redisAsyncCommandArgv(client->context, on_reply, client, argc, argv, lengths) != REDIS_OK)
        return redis_calls_refuse(ERR_NOMEM);
    redis_calls_push(&client->calls, cb, ctx);
    if (!uv_is_active((uv_handle_t *)&client->timer))
        uv_timer_start(&client->timer, on_timer, client->deadline / NS_PER_MS, 0);
    return OK;
}

/* Time --------------------------------------------------------------------------------------- */

static bool overdue(const struct redis_client *client)
{
    return redis_calls_age(&client->calls) >= client->deadline;
}

/* Timers run before sockets are read. After a long turn of our own the reply may be here already,
 * and the lateness ours: so look once more, for as long as that helps, before the server is blamed.
 */
static void read_what_came(struct redis_client *client)
{
    unsigned before;
    do {
        before = client->calls.in_flight;
        redisAsyncHandleRead(client->context);
    } while (client->context && overdue(client) && client->calls.in_flight < before);
}

static void on_deadline(struct redis_client *client)
{
    if (overdue(client))
        read_what_came(client);
    if (client->state != REDIS_READY || !client->calls.in_flight)
        return;
    uint64_t age = redis_calls_age(&client->calls);
    if (age >= client->deadline)
        drop(client, ERR_TIMEOUT, "no reply within the deadline");
    else
        uv_timer_start(&client->timer, on_timer, (client->deadline - age) / NS_PER_MS + 1, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct redis_client *client = handle->data;
    client->timer_closed = true;
    free_when_quiet(client);
}

static void tear_down(struct redis_client *client)
{
    client->end_status = ERR_CLOSED;
    if (client->context)
        redisAsyncFree(client->context);
    resolver_cancel(&client->resolver);
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

static void on_timer(uv_timer_t *timer)
{
    struct redis_client *client = timer->data;
    switch (client->state) {
    case REDIS_RESOLVING:
        return fail(client, "the host's name was not resolved in time");
    case REDIS_CONNECTING:
        return drop(client, ERR_TIMEOUT, "no answer to the greeting in time");
    case REDIS_READY:
        return on_deadline(client);
    case REDIS_BACKOFF:
        return client->next_address < client->resolver.count ? connect_next(client)
                                                             : attempt(client);
    case REDIS_CLOSING:
        return tear_down(client);
    case REDIS_BROKEN:
        return;
    }
}

/* Making and closing ------------------------------------------------------------------------- */

static struct redis_client *no_memory(struct redis_client *client, struct err *err)
{
    err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    free(client);
    return NULL;
}

struct redis_client *redis_client_new(struct loop *loop, const struct redis_client_options *options,
                                      struct err *err)
{
    struct redis_url url;
    if (redis_url_parse(&url, options->url, err) != OK)
        return NULL;
    struct redis_client *client = calloc(1, sizeof *client);
    if (!client || redis_calls_init(&client->calls) != OK)
        return no_memory(client, err);
    uint32_t deadline_ms = options->deadline_ms ? options->deadline_ms : REDIS_DEADLINE_DEFAULT_MS;
    client->loop = loop;
    client->url = url;
    client->deadline = deadline_ms * NS_PER_MS;
    client->backoff =
        (struct backoff){.first_ms = REDIS_BACKOFF_FIRST_MS, .cap_ms = REDIS_BACKOFF_CAP_MS};
    client->resolver.ctx = client;
    client->resolver.on_end = on_resolved;
    uv_timer_init(&loop->uv, &client->timer);
    client->timer.data = client;
    attempt(client);
    return client;
}

bool redis_up(const struct redis_client *client)
{
    return client->state == REDIS_READY;
}

void redis_client_close(struct redis_client *client, void (*cb)(void *ctx), void *ctx)
{
    assert(client->state != REDIS_CLOSING && "closed twice");
    client->on_closed = cb;
    client->on_closed_ctx = ctx;
    enter(client, REDIS_CLOSING);
}
