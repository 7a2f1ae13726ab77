/* The states of a connection; see connection.h. */
#include "amqp/connection.h"

#include "amqp/session.h"
#include "base/log.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <unistd.h>

GAUGE_VEC(connected, "amqp_connected", "Connections to RabbitMQ that are open.", role);
COUNTER_VEC(connects, "amqp_connects_total", "Attempts to connect to RabbitMQ.", role, result);

#define TELL_AGAIN_MS 5000 /* a failure that goes on is told this often */
#define STEADY_MS     1000 /* a connection that lived shorter is one more failed attempt */

static void on_attempt(struct handshake *h);
static void on_timer(uv_timer_t *timer);
static void on_turn(uv_idle_t *idle);

/* ---- States --------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct amqp_connection *c = handle->data;

    if (--c->handles > 0)
        return;
    codec_free(&c->codec);
    buf_free(&c->in);
    buf_free(&c->out);
    c->handlers->closed(c->ctx);
}

static void begin_attempt(struct amqp_connection *c)
{
    int rc = handshake_start(&c->handshake, &c->loop->uv, &c->request, on_attempt);

    c->attempting = rc == OK;
    if (rc) /* the timer finds nothing in flight, and goes on to BACKOFF */
        err_set(&c->handshake.err, rc, "cannot start an attempt: %s", err_text(rc));
}

static uint32_t jitter(void)
{
    return (uint32_t)(clock_now() * 0x9E3779B97F4A7C15ULL >> 32);
}

static void arm(struct amqp_connection *c, uint64_t ms)
{
    uv_timer_start(&c->timer, on_timer, ms, 0);
}

static void enter(struct amqp_connection *c)
{
    switch (c->state) {
    case AMQP_CONNECTING:
        begin_attempt(c);
        arm(c, c->attempting ? AMQP_ATTEMPT_LIMIT_MS : 0);
        break;
    case AMQP_OPEN:
    case AMQP_BLOCKED:
        if (c->heartbeat_ms)
            uv_timer_start(&c->timer, on_timer, c->heartbeat_ms / 2, c->heartbeat_ms / 2);
        break;
    case AMQP_BACKOFF:
        arm(c, backoff_next(&c->backoff, jitter()));
        break;
    case AMQP_CLOSING:
        arm(c, AMQP_CLOSE_LIMIT_MS);
        break;
    case AMQP_CLOSED:
        uv_close((uv_handle_t *)&c->timer, on_handle_closed);
        uv_close((uv_handle_t *)&c->turn, on_handle_closed);
        break;
    }
}

void amqp_connection_move(struct amqp_connection *c, enum amqp_state to)
{
    bool was_open = amqp_connection_open(c);

    if (c->state == AMQP_OPEN && to != AMQP_OPEN)
        c->down_since = loop_ms(c->loop);
    c->state = to;
    if (amqp_connection_open(c) != was_open)
        gauge_add(with(connected, .role = c->role), was_open ? -1 : 1);
    uv_timer_stop(&c->timer);
    enter(c);
}

/* ---- Failure -------------------------------------------------------------------------------- */

/* Told when it begins, and then now and then: attempts come twice a second. */
static void tell(struct amqp_connection *c, const char *message, const char *text)
{
    uint64_t now = loop_ms(c->loop);
    bool again = c->backoff.attempt > 0 && now - c->told_at < TELL_AGAIN_MS;

    if (!again)
        c->told_at = now;
    LOG_AT(again ? LOG_DEBUG : LOG_WARN, message, LOG_STR("role", c->role),
           LOG_STR("queue", c->queue_name), LOG_STR("error", text));
}

static void drop_wire(struct amqp_connection *c)
{
    wire_close(c->wire);
    c->wire = NULL;
    c->starved = false;
    buf_clear(&c->in);
    buf_clear(&c->out);
}

void amqp_connection_lose(struct amqp_connection *c, const char *text)
{
    bool closing = c->state == AMQP_CLOSING;

    drop_wire(c);
    if (closing) {
        amqp_connection_move(c, AMQP_CLOSED);
        return;
    }
    if (loop_ms(c->loop) - c->opened_at >= STEADY_MS)
        backoff_reset(&c->backoff);
    tell(c, "RabbitMQ connection lost", text);
    amqp_connection_move(c, AMQP_BACKOFF);
    c->handlers->lost(c->ctx);
}

static void say_goodbye(struct amqp_connection *c)
{
    amqp_connection_close_t bye = {.reply_code = 200, .reply_text = codec_bytes("bye", 3)};

    /* For want of memory the broker sees the end of the stream instead. */
    if (codec_method(&c->out, 0, AMQP_CONNECTION_CLOSE_METHOD, &bye))
        log_debug("no memory to say good-bye to RabbitMQ");
}

void amqp_connection_restart(struct amqp_connection *c, const char *reason)
{
    if (!amqp_connection_open(c))
        return;
    say_goodbye(c);
    if (wire_write(c->wire, &c->out))
        log_debug("cannot say good-bye to RabbitMQ", LOG_STR("role", c->role));
    amqp_connection_lose(c, reason);
}

/* ---- Connecting ----------------------------------------------------------------------------- */

static void attempt_failed(struct amqp_connection *c)
{
    counter_inc(with(connects, .role = c->role, .result = "failed"));
    tell(c, "cannot connect to RabbitMQ", c->handshake.err.text);
    amqp_connection_move(c, AMQP_BACKOFF);
}

static void attempt_succeeded(struct amqp_connection *c)
{
    const struct handshake *h = &c->handshake;

    c->wire = wire_new(&c->loop->uv, h->result_fd, session_ready, c);
    if (!c->wire) {
        close(h->result_fd);
        err_set(&c->handshake.err, ERR_NOMEM, "cannot watch the socket");
        attempt_failed(c);
        return;
    }
    wire_listen(c->wire, !c->paused);
    c->frame_max = h->frame_max;
    c->heartbeat_ms = h->heartbeat * 1000;
    c->read_at = loop_ms(c->loop);
    c->opened_at = c->read_at;
    counter_inc(with(connects, .role = c->role, .result = "ok"));
    log_info("connected to RabbitMQ", LOG_STR("role", c->role), LOG_STR("queue", c->queue_name),
             LOG_STR("host", c->request.url.host), LOG_INT("port", c->request.url.port));
    amqp_connection_move(c, h->blocked ? AMQP_BLOCKED : AMQP_OPEN);
    c->handlers->opened(c->ctx);
    amqp_connection_wake(c);
}

static void on_attempt(struct handshake *h)
{
    struct amqp_connection *c = LIST_ITEM(h, struct amqp_connection, handshake);

    c->attempting = false;
    if (c->state == AMQP_CLOSING) {
        if (h->result_fd >= 0)
            close(h->result_fd);
        amqp_connection_move(c, AMQP_CLOSED);
    } else if (h->err.code) {
        attempt_failed(c);
    } else {
        attempt_succeeded(c);
    }
}

/* ---- The loop calls ------------------------------------------------------------------------- */

/* An idle handle rather than a prepare: while it is active the loop does not sleep. So what is
 * asked for late in a turn, even from another's prepare, does not wait until something else
 * happens. */
static void on_turn(uv_idle_t *idle)
{
    struct amqp_connection *c = idle->data;

    uv_idle_stop(idle);
    if (c->state != AMQP_CLOSING)
        c->handlers->turn(c->ctx);
    if (c->wire)
        session_flush(c);
}

static void on_timer(uv_timer_t *timer)
{
    struct amqp_connection *c = timer->data;

    switch (c->state) {
    case AMQP_CONNECTING:
        if (c->attempting)
            handshake_abort(&c->handshake);
        else
            attempt_failed(c);
        break;
    case AMQP_OPEN:
    case AMQP_BLOCKED:
        session_heartbeat(c);
        break;
    case AMQP_BACKOFF:
        amqp_connection_move(c, AMQP_CONNECTING);
        break;
    case AMQP_CLOSING:
        if (c->wire)
            amqp_connection_lose(c, "the broker did not answer our close");
        break; /* else an attempt ends by itself, having been aborted */
    case AMQP_CLOSED:
        break;
    }
}

/* ---- For the owner -------------------------------------------------------------------------- */

static int set_request(struct amqp_connection *c, const struct amqp_connection_options *options,
                       struct err *err)
{
    size_t len = options->queue.name ? strlen(options->queue.name) : 0;

    if (len == 0 || len > AMQP_URL_PART_MAX)
        return err_set(err, ERR_INVALID, "a queue's name has 1 to %d bytes", AMQP_URL_PART_MAX);
    memcpy(c->queue_name, options->queue.name, len + 1);
    c->request = (struct handshake_request){.queue = {c->queue_name, options->queue.quorum},
                                            .confirm = options->confirm,
                                            .prefetch = options->prefetch};
    return amqp_url_parse(&c->request.url, options->url, err);
}

int amqp_connection_init(struct amqp_connection *c, struct loop *loop,
                         const struct amqp_connection_options *options,
                         const struct amqp_handlers *handlers, void *ctx, struct err *err)
{
    int rc;

    *c = (struct amqp_connection){
        .loop = loop, .handlers = handlers, .ctx = ctx, .role = options->role};
    rc = set_request(c, options, err);
    if (rc)
        return rc;
    c->backoff = (struct backoff){.first_ms = AMQP_BACKOFF_FIRST_MS, .cap_ms = AMQP_BACKOFF_CAP_MS};
    c->down_since = loop_ms(loop);
    codec_init(&c->codec);
    uv_timer_init(&loop->uv, &c->timer);
    uv_idle_init(&loop->uv, &c->turn);
    c->timer.data = c->turn.data = c;
    c->handles = 2;
    with(connects, .role = c->role, .result = "ok");
    with(connects, .role = c->role, .result = "failed");
    with(connected, .role = c->role);
    amqp_connection_move(c, AMQP_CONNECTING);
    return OK;
}

void amqp_connection_wake(struct amqp_connection *c)
{
    if (c->state < AMQP_CLOSING)
        uv_idle_start(&c->turn, on_turn);
}

bool amqp_connection_has_room(struct amqp_connection *c)
{
    if (buf_len(&c->out) < AMQP_OUT_HIGH)
        return true;
    c->starved = true;
    return false;
}

uint64_t amqp_connection_down_ms(const struct amqp_connection *c)
{
    return c->state == AMQP_OPEN ? 0 : loop_ms(c->loop) - c->down_since;
}

void amqp_connection_pause(struct amqp_connection *c, bool paused)
{
    if (c->paused == paused || c->state >= AMQP_CLOSING)
        return;
    c->paused = paused;
    c->read_at = loop_ms(c->loop); /* what the broker sent meanwhile could not be seen */
    if (c->wire)
        wire_listen(c->wire, !paused);
}

void amqp_connection_end(struct amqp_connection *c)
{
    assert(c->state < AMQP_CLOSING);
    amqp_connection_pause(c, false); /* the answer to our close comes behind all else */
    if (c->attempting)
        handshake_abort(&c->handshake);
    if (c->wire)
        say_goodbye(c);
    if (!c->wire && !c->attempting) {
        amqp_connection_move(c, AMQP_CLOSED);
        return;
    }
    amqp_connection_move(c, AMQP_CLOSING);
    uv_idle_start(&c->turn, on_turn); /* the write is for a later turn */
}
