/* Publishing with confirms; see publisher.h. */
#include "amqp/publisher.h"

#include "amqp/connection.h"
#include "amqp/content.h"
#include "amqp/outbox.h"
#include "base/log.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>

COUNTER_VEC(published, "amqp_published_total",
            "Messages by outcome: confirmed and failed end one, republished and returned do not.",
            result);
HISTOGRAM(confirm_seconds, "amqp_confirm_seconds", "Time from publish to the broker's confirm.",
          BUCKETS(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5));
GAUGE(unconfirmed, "amqp_unconfirmed", "Messages published and not yet confirmed.");

static struct {
    struct counter *confirmed, *republished, *returned, *failed;
} outcomes;

struct amqp_publisher {
    struct amqp_connection connection;
    struct loop *loop;
    size_t window;
    uint32_t deadline_ms;
    struct outbox box;
    struct content returned; /* a basic.return that is coming in */
    bool declaring;          /* the queue, again, after a return */
    bool closing;
    uv_timer_t deadline; /* of the oldest message */
    uv_timer_t retry;    /* the end of the rest of what the broker gave back */
    int timers;          /* that are not closed yet */
    void (*drained)(void *ctx);
    void *drained_ctx;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

static void on_deadline(uv_timer_t *timer);
static void on_retry(uv_timer_t *timer);

/* ---- The ends of a message ------------------------------------------------------------------ */

static void finish(struct amqp_publisher *p, struct pending *m, int status)
{
    amqp_confirm_cb cb = m->cb;
    void *ctx = m->ctx;

    outbox_remove(&p->box, m);
    gauge_dec(&unconfirmed);
    counter_inc(status ? outcomes.failed : outcomes.confirmed);
    if (status == OK)
        histogram_observe(&confirm_seconds, clock_seconds(m->began, clock_now()));
    free(m);
    if (p->drained && p->box.count == 0)
        amqp_connection_wake(&p->connection);
    cb(status, ctx);
}

static void watch_deadline(struct amqp_publisher *p)
{
    const struct pending *m = outbox_oldest(&p->box);
    uint64_t now = loop_ms(p->loop);

    if (m && !p->closing && !uv_is_active((uv_handle_t *)&p->deadline))
        uv_timer_start(&p->deadline, on_deadline, m->deadline > now ? m->deadline - now : 0, 0);
}

static void on_deadline(uv_timer_t *timer)
{
    struct amqp_publisher *p = timer->data;
    struct pending *m;

    while (!p->closing && (m = outbox_oldest(&p->box)) && m->deadline <= loop_ms(p->loop))
        finish(p, m, m->returned ? ERR_REFUSED : ERR_TIMEOUT);
    watch_deadline(p);
}

static void tell_drained(struct amqp_publisher *p)
{
    void (*drained)(void *ctx) = p->drained;

    if (!drained || p->box.count > 0)
        return;
    p->drained = NULL;
    drained(p->drained_ctx);
}

/* ---- Sending -------------------------------------------------------------------------------- */

static int send_one(struct amqp_publisher *p, struct pending *m)
{
    struct amqp_connection *c = &p->connection;
    int rc = pending_encode(m, &c->out, c->queue_name, c->frame_max);

    if (rc)
        return rc;
    if (m->sent_before)
        counter_inc(outcomes.republished);
    outbox_sent(&p->box, m);
    return OK;
}

static void send_waiting(struct amqp_publisher *p)
{
    struct pending *m;

    while (p->connection.state == AMQP_OPEN && (m = outbox_next(&p->box)) &&
           amqp_connection_has_room(&p->connection)) {
        int rc = send_one(p, m);
        if (rc)
            amqp_connection_restart(&p->connection, err_text(rc));
    }
}

/* Never at once: what the broker gives back now it would give back again. */
static void send_later(struct amqp_publisher *p, struct pending *m)
{
    outbox_rest(&p->box, m);
    if (!p->closing && !uv_is_active((uv_handle_t *)&p->retry))
        uv_timer_start(&p->retry, on_retry, AMQP_RETRY_MS, 0);
}

static void on_retry(uv_timer_t *timer)
{
    struct amqp_publisher *p = timer->data;

    outbox_rested(&p->box);
    amqp_connection_wake(&p->connection);
}

static void on_turn(void *ctx)
{
    struct amqp_publisher *p = ctx;

    send_waiting(p);
    tell_drained(p);
}

/* ---- What the broker says ------------------------------------------------------------------- */

/* A callback may close us; the close then fails what is left. */
static void on_ack(struct amqp_publisher *p, const amqp_basic_ack_t *ack)
{
    struct pending *m;

    while (!p->closing && (m = outbox_settled(&p->box, ack->delivery_tag, ack->multiple))) {
        if (m->returned)
            send_later(p, m);
        else
            finish(p, m, OK);
    }
}

/* The broker could not take charge of them. */
static void on_nack(struct amqp_publisher *p, const amqp_basic_nack_t *nack)
{
    struct pending *m;

    while ((m = outbox_settled(&p->box, nack->delivery_tag, nack->multiple)))
        send_later(p, m);
}

/* The queue is gone: declares it again, ahead of all that is sent from now on. */
static int declare_again(struct amqp_publisher *p)
{
    amqp_table_entry_t entry;
    amqp_queue_declare_t method = handshake_declaration(&p->connection.request.queue, &entry);

    if (p->declaring)
        return OK;
    p->declaring = true;
    log_warn("queue is gone, declaring it again", LOG_STR("queue", p->connection.queue_name));
    amqp_connection_wake(&p->connection);
    return codec_method(&p->connection.out, CODEC_CHANNEL, AMQP_QUEUE_DECLARE_METHOD, &method);
}

static int on_returned(struct amqp_publisher *p)
{
    if (outbox_returned(&p->box, p->returned.message_id, p->returned.message_id_len))
        counter_inc(outcomes.returned);
    return declare_again(p);
}

static int on_method(struct amqp_publisher *p, const struct codec_frame *frame)
{
    switch (frame->method) {
    case AMQP_BASIC_ACK_METHOD:
        on_ack(p, frame->decoded);
        return OK;
    case AMQP_BASIC_NACK_METHOD:
        on_nack(p, frame->decoded);
        return OK;
    case AMQP_BASIC_RETURN_METHOD:
        return content_begin(&p->returned);
    case AMQP_QUEUE_DECLARE_OK_METHOD:
        p->declaring = false;
        return OK;
    }
    return ERR_PROTOCOL;
}

static int on_frame(const struct codec_frame *frame, void *ctx)
{
    struct amqp_publisher *p = ctx;
    int rc;

    if (frame->type == AMQP_FRAME_METHOD)
        return on_method(p, frame);
    rc = content_frame(&p->returned, frame);
    return rc == 1 ? on_returned(p) : rc;
}

/* ---- The connection ------------------------------------------------------------------------- */

static void on_opened(void *ctx)
{
    (void)ctx; /* a turn follows, and sends what waits */
}

static void on_lost(void *ctx)
{
    struct amqp_publisher *p = ctx;

    outbox_lost(&p->box);
    content_reset(&p->returned);
    p->declaring = false;
}

static void release(struct amqp_publisher *p)
{
    outbox_free(&p->box);
    content_free(&p->returned);
    free(p);
}

static void on_closed(void *ctx)
{
    struct amqp_publisher *p = ctx;
    void (*closed)(void *ctx) = p->closed;
    void *closed_ctx = p->closed_ctx;

    release(p);
    if (closed)
        closed(closed_ctx);
}

static const struct amqp_handlers handlers = {
    .opened = on_opened, .lost = on_lost, .frame = on_frame, .turn = on_turn, .closed = on_closed};

/* ---- For programs --------------------------------------------------------------------------- */

static void bind_metrics(void)
{
    outcomes.confirmed = with(published, .result = "confirmed");
    outcomes.republished = with(published, .result = "republished");
    outcomes.returned = with(published, .result = "returned");
    outcomes.failed = with(published, .result = "failed");
}

static int start(struct amqp_publisher *p, const struct amqp_publisher_options *options,
                 struct err *err)
{
    struct amqp_connection_options connection = {
        .url = options->url, .queue = options->queue, .confirm = true, .role = "publisher"};
    int rc;

    p->window = options->window ? options->window : AMQP_WINDOW_DEFAULT;
    p->deadline_ms = options->deadline_ms ? options->deadline_ms : AMQP_DEADLINE_DEFAULT_MS;
    content_init(&p->returned, 0);
    if (outbox_init(&p->box, p->window))
        return err_set(err, ERR_NOMEM, "out of memory");
    rc = amqp_connection_init(&p->connection, p->loop, &connection, &handlers, p, err);
    if (rc)
        return rc;
    uv_timer_init(&p->loop->uv, &p->deadline);
    uv_timer_init(&p->loop->uv, &p->retry);
    p->deadline.data = p->retry.data = p;
    p->timers = 2;
    return OK;
}

struct amqp_publisher *
amqp_publisher_new(struct loop *loop, const struct amqp_publisher_options *options, struct err *err)
{
    struct amqp_publisher *p = calloc(1, sizeof *p);

    if (!p) {
        err_set(err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    p->loop = loop;
    bind_metrics();
    if (start(p, options, err)) {
        release(p);
        return NULL;
    }
    return p;
}

static int check(const struct amqp_publisher *p, size_t len)
{
    if (p->closing)
        return ERR_CLOSED;
    if (amqp_connection_down_ms(&p->connection) > p->deadline_ms)
        return ERR_UNAVAILABLE;
    return p->box.count >= p->window || p->box.bytes + len > AMQP_WINDOW_BYTES ? ERR_FULL : OK;
}

int amqp_publish(struct amqp_publisher *p, const struct amqp_message *message, amqp_confirm_cb cb,
                 void *ctx)
{
    struct pending *m;
    int rc = check(p, message->len);

    if (rc == OK)
        rc = pending_new(&m, message);
    if (rc)
        return rc;
    m->cb = cb;
    m->ctx = ctx;
    m->began = clock_now();
    m->deadline = loop_ms(p->loop) + p->deadline_ms;
    outbox_add(&p->box, m);
    gauge_inc(&unconfirmed);
    watch_deadline(p);
    amqp_connection_wake(&p->connection);
    return OK;
}

bool amqp_publisher_up(const struct amqp_publisher *p)
{
    return p->connection.state == AMQP_OPEN;
}

size_t amqp_publisher_unconfirmed(const struct amqp_publisher *p)
{
    return p->box.count;
}

void amqp_publisher_drain(struct amqp_publisher *p, void (*cb)(void *ctx), void *ctx)
{
    assert(!p->drained && !p->closing);
    p->drained = cb;
    p->drained_ctx = ctx;
    amqp_connection_wake(&p->connection);
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct amqp_publisher *p = timer->data;
    struct pending *m;

    if (--p->timers > 0)
        return;
    while ((m = outbox_oldest(&p->box)))
        finish(p, m, ERR_CLOSED);
    tell_drained(p);
    amqp_connection_end(&p->connection);
}

void amqp_publisher_close(struct amqp_publisher *p, void (*cb)(void *ctx), void *ctx)
{
    assert(!p->closing);
    p->closing = true;
    p->closed = cb;
    p->closed_ctx = ctx;
    uv_close((uv_handle_t *)&p->deadline, on_timer_closed);
    uv_close((uv_handle_t *)&p->retry, on_timer_closed);
}
