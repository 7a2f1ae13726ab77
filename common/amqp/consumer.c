/* Subscription, deliveries and acks; see consumer.h. */
#include "amqp/consumer.h"

#include "amqp/ack_window.h"
#include "amqp/connection.h"
#include "amqp/content.h"
#include "base/log.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>

COUNTER_VEC(delivered, "amqp_delivered_total", "Messages that RabbitMQ delivered.", redelivered);
COUNTER(acked, "amqp_acked_total", "Deliveries acknowledged.");
GAUGE(unacked, "amqp_unacked", "Deliveries that are not finished.");

#define CONSUMER_TAG "workshop" /* unique on its channel, which is all that it must be */

enum subscription {
    SUBSCRIPTION_NONE,       /* waits for a connection */
    SUBSCRIPTION_ACTIVE,     /* basic.consume was sent: waits for deliveries */
    SUBSCRIPTION_CANCELLING, /* waits for basic.cancel-ok, or the loss of the connection */
    SUBSCRIPTION_CANCELLED,  /* waits for acks only; what is still delivered is passed over */
};

struct amqp_consumer {
    struct amqp_connection connection;
    enum subscription subscription;
    struct ack_window window;
    uint64_t epoch;
    struct content content;
    struct amqp_tag tag; /* of the delivery that is coming in */
    bool redelivered;
    amqp_delivery_cb deliver;
    void *ctx;
    void (*cancelled)(void *ctx);
    void *cancelled_ctx;
    void (*closed)(void *ctx);
    void *closed_ctx;
    struct counter *first_time, *again; /* children of delivered */
};

/* ---- Acks ----------------------------------------------------------------------------------- */

static void put_ack(uint64_t tag, bool multiple, void *ctx)
{
    struct amqp_consumer *c = ctx;
    amqp_basic_ack_t ack = {.delivery_tag = tag, .multiple = multiple};

    /* A lost ack only brings the message again; buf remembers the failure until on_turn looks. */
    if (codec_method(&c->connection.out, CODEC_CHANNEL, AMQP_BASIC_ACK_METHOD, &ack))
        c->connection.out.failed = true;
}

static void send_acks(struct amqp_consumer *c)
{
    if (!amqp_connection_open(&c->connection) || !ack_window_due(&c->window) ||
        !amqp_connection_has_room(&c->connection))
        return;
    counter_add(&acked, ack_window_flush(&c->window, put_ack, c));
}

static void tell_cancelled(struct amqp_consumer *c)
{
    void (*cancelled)(void *ctx) = c->cancelled;

    if (c->subscription != SUBSCRIPTION_CANCELLED || !cancelled)
        return;
    c->cancelled = NULL;
    cancelled(c->cancelled_ctx);
}

static void on_turn(void *ctx)
{
    struct amqp_consumer *c = ctx;

    send_acks(c);
    if (!buf_ok(&c->connection.out))
        amqp_connection_restart(&c->connection, err_text(ERR_NOMEM));
    tell_cancelled(c);
}

/* ---- Deliveries ----------------------------------------------------------------------------- */

static int begin_delivery(struct amqp_consumer *c, const amqp_basic_deliver_t *m)
{
    int rc = ack_window_deliver(&c->window, m->delivery_tag);

    if (rc)
        return rc;
    gauge_inc(&unacked);
    counter_inc(m->redelivered ? c->again : c->first_time);
    c->tag = (struct amqp_tag){.epoch = c->epoch, .tag = m->delivery_tag};
    c->redelivered = m->redelivered;
    return content_begin(&c->content);
}

static void end_delivery(struct amqp_consumer *c)
{
    struct amqp_delivery d = {.tag = c->tag,
                              .redelivered = c->redelivered,
                              .body = c->content.body,
                              .len = c->content.len,
                              .message_id = c->content.message_id,
                              .message_id_len = c->content.message_id_len,
                              .traceparent = c->content.traceparent,
                              .traceparent_len = c->content.traceparent_len,
                              .body_too_large = c->content.too_large};

    c->deliver(&d, c->ctx);
}

/* The queue was deleted, or its node went: connecting anew declares it and subscribes again. */
static int on_cancelled_by_broker(struct amqp_consumer *c)
{
    if (c->subscription == SUBSCRIPTION_ACTIVE)
        amqp_connection_restart(&c->connection, "the broker cancelled our subscription: the queue "
                                                "is gone");
    return OK;
}

static int on_method(struct amqp_consumer *c, const struct codec_frame *frame)
{
    switch (frame->method) {
    case AMQP_BASIC_DELIVER_METHOD:
        return begin_delivery(c, frame->decoded);
    case AMQP_BASIC_CONSUME_OK_METHOD:
        return OK;
    case AMQP_BASIC_CANCEL_METHOD:
        return on_cancelled_by_broker(c);
    case AMQP_BASIC_CANCEL_OK_METHOD:
        c->subscription = SUBSCRIPTION_CANCELLED;
        tell_cancelled(c);
        return OK;
    }
    return ERR_PROTOCOL;
}

static int on_frame(const struct codec_frame *frame, void *ctx)
{
    struct amqp_consumer *c = ctx;
    int rc;

    if (frame->type == AMQP_FRAME_METHOD)
        return on_method(c, frame);
    rc = content_frame(&c->content, frame);
    if (rc != 1)
        return rc;
    if (c->subscription != SUBSCRIPTION_CANCELLED) /* else it returns with the connection */
        end_delivery(c);
    return OK;
}

/* ---- The connection ------------------------------------------------------------------------- */

static int subscribe(struct amqp_consumer *c)
{
    amqp_basic_consume_t m = {.queue = amqp_cstring_bytes(c->connection.queue_name),
                              .consumer_tag = amqp_cstring_bytes(CONSUMER_TAG)};

    c->subscription = SUBSCRIPTION_ACTIVE;
    return codec_method(&c->connection.out, CODEC_CHANNEL, AMQP_BASIC_CONSUME_METHOD, &m);
}

static void on_opened(void *ctx)
{
    struct amqp_consumer *c = ctx;

    c->epoch++; /* acks for what earlier connections brought are void */
    if (c->subscription == SUBSCRIPTION_NONE && subscribe(c))
        amqp_connection_restart(&c->connection, err_text(ERR_NOMEM));
}

static void on_lost(void *ctx)
{
    struct amqp_consumer *c = ctx;

    gauge_add(&unacked, -(double)c->window.unfinished);
    ack_window_reset(&c->window);
    content_reset(&c->content);
    if (c->subscription == SUBSCRIPTION_ACTIVE)
        c->subscription = SUBSCRIPTION_NONE;
    if (c->subscription == SUBSCRIPTION_CANCELLING)
        c->subscription = SUBSCRIPTION_CANCELLED;
    amqp_connection_wake(&c->connection);
}

static void release(struct amqp_consumer *c)
{
    ack_window_free(&c->window);
    content_free(&c->content);
    free(c);
}

static void on_closed(void *ctx)
{
    struct amqp_consumer *c = ctx;
    void (*closed)(void *ctx) = c->closed;
    void *closed_ctx = c->closed_ctx;

    gauge_add(&unacked, -(double)c->window.unfinished);
    c->subscription = SUBSCRIPTION_CANCELLED;
    tell_cancelled(c);
    release(c);
    if (closed)
        closed(closed_ctx);
}

static const struct amqp_handlers handlers = {
    .opened = on_opened, .lost = on_lost, .frame = on_frame, .turn = on_turn, .closed = on_closed};

/* ---- For programs --------------------------------------------------------------------------- */

static int start(struct amqp_consumer *c, struct loop *loop,
                 const struct amqp_consumer_options *options, struct err *err)
{
    struct amqp_connection_options connection = {.url = options->url,
                                                 .queue = options->queue,
                                                 .prefetch = options->prefetch,
                                                 .role = "consumer"};

    if (options->prefetch == 0)
        return err_set(err, ERR_INVALID, "prefetch is 1 to 65535");
    if (ack_window_init(&c->window, options->prefetch))
        return err_set(err, ERR_NOMEM, "out of memory");
    return amqp_connection_init(&c->connection, loop, &connection, &handlers, c, err);
}

struct amqp_consumer *amqp_consumer_new(struct loop *loop,
                                        const struct amqp_consumer_options *options,
                                        amqp_delivery_cb cb, void *ctx, struct err *err)
{
    struct amqp_consumer *c = calloc(1, sizeof *c);

    if (!c) {
        err_set(err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    c->deliver = cb;
    c->ctx = ctx;
    c->first_time = with(delivered, .redelivered = "false");
    c->again = with(delivered, .redelivered = "true");
    content_init(&c->content, AMQP_BODY_MAX);
    if (start(c, loop, options, err)) {
        release(c);
        return NULL;
    }
    return c;
}

void amqp_consumer_ack(struct amqp_consumer *c, struct amqp_tag tag)
{
    if (tag.epoch != c->epoch || !ack_window_finish(&c->window, tag.tag))
        return;
    gauge_dec(&unacked);
    amqp_connection_wake(&c->connection);
}

uint64_t amqp_consumer_epoch(const struct amqp_consumer *c)
{
    return c->epoch;
}

bool amqp_consumer_up(const struct amqp_consumer *c)
{
    return amqp_connection_open(&c->connection);
}

size_t amqp_consumer_unfinished(const struct amqp_consumer *c)
{
    return c->window.unfinished;
}

/* The owner takes nothing more, and has no need to wait until the broker knows. */
static void cancel_paused(struct amqp_consumer *c)
{
    c->subscription = SUBSCRIPTION_CANCELLED;
    amqp_connection_pause(&c->connection, false);
    amqp_connection_wake(&c->connection);
}

void amqp_consumer_pause(struct amqp_consumer *c, bool paused)
{
    if (paused && c->subscription == SUBSCRIPTION_CANCELLING)
        cancel_paused(c);
    else if (c->subscription != SUBSCRIPTION_CANCELLED)
        amqp_connection_pause(&c->connection, paused);
}

void amqp_consumer_cancel(struct amqp_consumer *c, void (*cb)(void *ctx), void *ctx)
{
    amqp_basic_cancel_t m = {.consumer_tag = amqp_cstring_bytes(CONSUMER_TAG)};

    assert(!c->cancelled && c->subscription < SUBSCRIPTION_CANCELLING);
    c->cancelled = cb;
    c->cancelled_ctx = ctx;
    if (c->subscription == SUBSCRIPTION_ACTIVE) {
        c->subscription = SUBSCRIPTION_CANCELLING;
        if (codec_method(&c->connection.out, CODEC_CHANNEL, AMQP_BASIC_CANCEL_METHOD, &m))
            c->connection.out.failed = true;
    } else {
        c->subscription = SUBSCRIPTION_CANCELLED;
    }
    if (c->connection.paused)
        cancel_paused(c);
    amqp_connection_wake(&c->connection);
}

void amqp_consumer_close(struct amqp_consumer *c, void (*cb)(void *ctx), void *ctx)
{
    c->closed = cb;
    c->closed_ctx = ctx;
    send_acks(c);
    amqp_connection_end(&c->connection);
}
