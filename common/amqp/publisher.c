#include "amqp/publisher.h"

#include "amqp/connection.h"
#include "amqp/content.h"
#include "amqp/unconfirmed.h"
#include "base/log.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>

COUNTER_VEC(published, "amqp_published_total",
            "Messages by outcome: confirmed and failed end one, republished and returned do not.",
            result);
HISTOGRAM(confirm_seconds, "amqp_confirm_seconds", "Time from publish to the broker's confirm.",
          BUCKETS(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5));
GAUGE(unconfirmed_now, "amqp_unconfirmed", "Messages published and not yet confirmed.");

static struct {
    struct counter *confirmed, *republished, *returned, *failed;
} outcomes;

/* One message, from amqp_publish to its callback. */
struct message {
    struct list by_age;  /* in publisher.messages, oldest first: as the deadlines are ordered too */
    struct list waiting; /* in publisher.waiting or .resting while it is not on the wire */
    uint64_t tag;        /* on the wire, else 0 */
    uint64_t deadline;   /* loop_ms */
    uint64_t began;      /* clock_now */
    bool sent_before;
    bool returned; /* by the broker, in its last sending */
    amqp_confirm_cb cb;
    void *ctx;
    uint64_t timestamp;
    size_t content_type_len, message_id_len, traceparent_len, len;
    char data[]; /* content type, message id, traceparent, body */
};

struct amqp_publisher {
    struct amqp_connection connection;
    struct loop *loop;
    size_t window;
    uint32_t deadline_ms;
    size_t count, bytes; /* of all messages */
    struct list messages;
    struct list waiting;     /* to be sent, as soon as may be */
    struct list resting;     /* given back by the broker, to be sent after AMQP_RETRY_MS */
    struct unconfirmed wire; /* the messages that were sent, by tag */
    struct content returned; /* a basic.return that is coming in */
    uint64_t last_returned;  /* its message's tag */
    bool declaring;          /* the queue, again, after a return */
    bool closing;
    uv_timer_t timer; /* the oldest message's deadline */
    uv_timer_t retry; /* the end of the rest */
    int timers;       /* that are not closed yet */
    void (*drained)(void *ctx);
    void *drained_ctx;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

static void on_deadline(uv_timer_t *timer);
static void on_rested(uv_timer_t *timer);

/* ---- The life of a message ------------------------------------------------------------------ */

static void finish(struct amqp_publisher *p, struct message *m, int status)
{
    amqp_confirm_cb cb = m->cb;
    void *ctx = m->ctx;

    if (m->tag)
        unconfirmed_take(&p->wire, m->tag);
    list_remove(&m->by_age);
    list_remove(&m->waiting);
    p->count--;
    p->bytes -= m->len;
    gauge_dec(&unconfirmed_now);
    counter_inc(status ? outcomes.failed : outcomes.confirmed);
    if (status == OK)
        histogram_observe(&confirm_seconds, clock_seconds(m->began, clock_now()));
    free(m);
    if (p->drained && p->count == 0)
        amqp_connection_wake(&p->connection);
    cb(status, ctx);
}

/* Never at once: what the broker gives back now it would give back again. */
static void rest(struct amqp_publisher *p, struct message *m)
{
    m->tag = 0;
    list_append(&p->resting, &m->waiting);
    if (!p->closing && !uv_is_active((uv_handle_t *)&p->retry))
        uv_timer_start(&p->retry, on_rested, AMQP_RETRY_MS, 0);
}

static void on_rested(uv_timer_t *timer)
{
    struct amqp_publisher *p = timer->data;
    struct list *item;

    while ((item = list_first(&p->resting))) {
        list_remove(item);
        list_append(&p->waiting, item);
    }
    amqp_connection_wake(&p->connection);
}

/* The broker has done with a message that was taken from the ring. */
static void acked(struct amqp_publisher *p, struct message *m)
{
    m->tag = 0;
    if (m->returned)
        rest(p, m);
    else
        finish(p, m, OK);
}

static struct message *oldest(const struct amqp_publisher *p)
{
    struct list *item = list_first(&p->messages);

    return item ? LIST_ITEM(item, struct message, by_age) : NULL;
}

static void watch_deadlines(struct amqp_publisher *p)
{
    struct message *m = oldest(p);
    uint64_t now = loop_ms(p->loop);

    if (m && !p->closing && !uv_is_active((uv_handle_t *)&p->timer))
        uv_timer_start(&p->timer, on_deadline, m->deadline > now ? m->deadline - now : 0, 0);
}

static void on_deadline(uv_timer_t *timer)
{
    struct amqp_publisher *p = timer->data;
    struct message *m;

    while (!p->closing && (m = oldest(p)) && m->deadline <= loop_ms(p->loop))
        finish(p, m, m->returned ? ERR_REFUSED : ERR_TIMEOUT);
    watch_deadlines(p);
}

/* ---- Sending -------------------------------------------------------------------------------- */

static amqp_basic_properties_t properties_of(const struct message *m, amqp_table_entry_t *header)
{
    const char *at = m->data;
    amqp_basic_properties_t b = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
                                 .delivery_mode = AMQP_DELIVERY_PERSISTENT};

    if (m->content_type_len) {
        b._flags |= AMQP_BASIC_CONTENT_TYPE_FLAG;
        b.content_type = codec_bytes(at, m->content_type_len);
    }
    at += m->content_type_len;
    if (m->message_id_len) {
        b._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
        b.message_id = codec_bytes(at, m->message_id_len);
    }
    at += m->message_id_len;
    if (m->traceparent_len) {
        b._flags |= AMQP_BASIC_HEADERS_FLAG;
        *header =
            (amqp_table_entry_t){.key = amqp_cstring_bytes("traceparent"),
                                 .value = {.kind = AMQP_FIELD_KIND_UTF8,
                                           .value.bytes = codec_bytes(at, m->traceparent_len)}};
        b.headers = (amqp_table_t){.num_entries = 1, .entries = header};
    }
    if (m->timestamp) {
        b._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
        b.timestamp = m->timestamp;
    }
    return b;
}

static const char *body_of(const struct message *m)
{
    return m->data + m->content_type_len + m->message_id_len + m->traceparent_len;
}

static int send_one(struct amqp_publisher *p, struct message *m)
{
    struct amqp_connection *c = &p->connection;
    amqp_table_entry_t header;
    amqp_basic_properties_t properties = properties_of(m, &header);
    amqp_basic_publish_t method = {.routing_key = amqp_cstring_bytes(c->queue_name),
                                   .mandatory = 1};
    int rc = codec_publish(&c->out, &method, &properties, body_of(m), m->len, c->frame_max);

    if (rc)
        return rc;
    m->tag = unconfirmed_push(&p->wire, m);
    assert(m->tag);
    list_remove(&m->waiting);
    if (m->sent_before)
        counter_inc(outcomes.republished);
    m->sent_before = true;
    m->returned = false;
    return OK;
}

static void send_waiting(struct amqp_publisher *p)
{
    struct list *item;

    while (p->connection.state == AMQP_OPEN && (item = list_first(&p->waiting)) &&
           !unconfirmed_full(&p->wire) && amqp_connection_has_room(&p->connection)) {
        int rc = send_one(p, LIST_ITEM(item, struct message, waiting));
        if (rc) {
            amqp_connection_restart(&p->connection, err_text(rc));
            return;
        }
    }
}

static void tell_drained(struct amqp_publisher *p)
{
    void (*drained)(void *ctx) = p->drained;

    if (!drained || p->count > 0)
        return;
    p->drained = NULL;
    drained(p->drained_ctx);
}

static void on_turn(void *ctx)
{
    struct amqp_publisher *p = ctx;

    send_waiting(p);
    tell_drained(p);
}

/* ---- What the broker says ------------------------------------------------------------------- */

static void on_ack(struct amqp_publisher *p, uint64_t tag, bool multiple)
{
    struct message *m;

    if (!multiple) {
        m = unconfirmed_take(&p->wire, tag);
        if (m)
            acked(p, m);
        return;
    }
    /* Tag 0 means all; and a callback may close us. */
    while (!p->closing && (m = unconfirmed_take_up_to(&p->wire, tag ? tag : UINT64_MAX)))
        acked(p, m);
}

/* The broker could not take charge of them: they go out again. */
static void on_nack(struct amqp_publisher *p, uint64_t tag, bool multiple)
{
    struct message *m;

    do {
        m = multiple ? unconfirmed_take_up_to(&p->wire, tag ? tag : UINT64_MAX)
                     : unconfirmed_take(&p->wire, tag);
        if (m)
            rest(p, m);
    } while (m && multiple);
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

static bool same_id(const struct message *m, const struct content *c)
{
    return m->message_id_len == c->message_id_len &&
           memcmp(m->data + m->content_type_len, c->message_id, c->message_id_len) == 0;
}

/* A return bears no tag. It comes before the confirm of its message, in the order of publishing: so
 * it is the next tag with that id. */
static void mark_returned(struct amqp_publisher *p)
{
    uint64_t tag = p->wire.first > p->last_returned ? p->wire.first : p->last_returned + 1;

    for (; tag < p->wire.next; tag++) {
        struct message *m = unconfirmed_at(&p->wire, tag);
        if (m && same_id(m, &p->returned)) {
            m->returned = true;
            p->last_returned = tag;
            counter_inc(outcomes.returned);
            return;
        }
    }
}

static int on_method(struct amqp_publisher *p, const struct codec_frame *frame)
{
    const amqp_basic_ack_t *ack = frame->decoded;
    const amqp_basic_nack_t *nack = frame->decoded;

    switch (frame->method) {
    case AMQP_BASIC_ACK_METHOD:
        on_ack(p, ack->delivery_tag, ack->multiple);
        return OK;
    case AMQP_BASIC_NACK_METHOD:
        on_nack(p, nack->delivery_tag, nack->multiple);
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
    if (rc != 1)
        return rc;
    mark_returned(p);
    return declare_again(p);
}

/* ---- The connection ------------------------------------------------------------------------- */

static void on_opened(void *ctx)
{
    struct amqp_publisher *p = ctx;

    log_debug("messages wait to be published", LOG_INT("messages", (long long)p->count));
}

/* All messages wait again, in the order in which they were published. */
static void on_lost(void *ctx)
{
    struct amqp_publisher *p = ctx;

    unconfirmed_reset(&p->wire);
    content_reset(&p->returned);
    p->last_returned = 0;
    p->declaring = false;
    LIST_FOREACH (item, &p->messages) {
        struct message *m = LIST_ITEM(item, struct message, by_age);
        m->tag = 0;
        list_remove(&m->waiting);
        list_append(&p->waiting, &m->waiting);
    }
}

static void release(struct amqp_publisher *p)
{
    unconfirmed_free(&p->wire);
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

static void init(struct amqp_publisher *p, struct loop *loop,
                 const struct amqp_publisher_options *options)
{
    p->loop = loop;
    p->window = options->window ? options->window : AMQP_WINDOW_DEFAULT;
    p->deadline_ms = options->deadline_ms ? options->deadline_ms : AMQP_DEADLINE_DEFAULT_MS;
    list_init(&p->messages);
    list_init(&p->waiting);
    list_init(&p->resting);
    content_init(&p->returned, 0);
    bind_metrics();
}

static int start(struct amqp_publisher *p, const struct amqp_publisher_options *options,
                 struct err *err)
{
    struct amqp_connection_options connection = {
        .url = options->url, .queue = options->queue, .confirm = true, .role = "publisher"};
    int rc;

    /* Twice the window, for holes count. */
    if (unconfirmed_init(&p->wire, 2 * p->window))
        return err_set(err, ERR_NOMEM, "out of memory");
    rc = amqp_connection_init(&p->connection, p->loop, &connection, &handlers, p, err);
    if (rc)
        return rc;
    uv_timer_init(&p->loop->uv, &p->timer);
    uv_timer_init(&p->loop->uv, &p->retry);
    p->timer.data = p->retry.data = p;
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
    init(p, loop, options);
    if (start(p, options, err)) {
        release(p);
        return NULL;
    }
    return p;
}

static int check(const struct amqp_publisher *p, const struct amqp_message *m, size_t longest)
{
    if (p->closing)
        return ERR_CLOSED;
    if (m->len > AMQP_BODY_MAX || longest > CONTENT_TEXT_MAX)
        return ERR_TOO_LARGE;
    if (amqp_connection_down_ms(&p->connection) > p->deadline_ms)
        return ERR_UNAVAILABLE;
    if (p->count >= p->window || p->bytes + m->len > AMQP_WINDOW_BYTES)
        return ERR_FULL;
    return OK;
}

static size_t length(const char *text)
{
    return text ? strlen(text) : 0;
}

static size_t max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static char *append(char *at, const char *bytes, size_t n)
{
    if (n)
        memcpy(at, bytes, n);
    return at + n;
}

/* A copy of all that `from` points to. */
static struct message *copy(const struct amqp_message *from, size_t type, size_t id, size_t trace)
{
    struct message *m = malloc(sizeof *m + type + id + trace + from->len);
    char *at;

    if (!m)
        return NULL;
    *m = (struct message){.timestamp = from->timestamp,
                          .content_type_len = type,
                          .message_id_len = id,
                          .traceparent_len = trace,
                          .len = from->len};
    at = append(m->data, from->content_type, type);
    at = append(at, from->message_id, id);
    at = append(at, from->traceparent, trace);
    append(at, from->body, from->len);
    return m;
}

int amqp_publish(struct amqp_publisher *p, const struct amqp_message *message, amqp_confirm_cb cb,
                 void *ctx)
{
    size_t type = length(message->content_type), id = length(message->message_id),
           trace = length(message->traceparent);
    int rc = check(p, message, max(type, max(id, trace)));
    struct message *m;

    if (rc)
        return rc;
    m = copy(message, type, id, trace);
    if (!m)
        return ERR_NOMEM;
    m->cb = cb;
    m->ctx = ctx;
    m->began = clock_now();
    m->deadline = loop_ms(p->loop) + p->deadline_ms;
    list_append(&p->messages, &m->by_age);
    list_append(&p->waiting, &m->waiting);
    p->count++;
    p->bytes += m->len;
    gauge_inc(&unconfirmed_now);
    watch_deadlines(p);
    amqp_connection_wake(&p->connection);
    return OK;
}

bool amqp_publisher_up(const struct amqp_publisher *p)
{
    return p->connection.state == AMQP_OPEN;
}

size_t amqp_publisher_unconfirmed(const struct amqp_publisher *p)
{
    return p->count;
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
    struct message *m;

    if (--p->timers > 0)
        return;
    while ((m = oldest(p)))
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
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
    uv_close((uv_handle_t *)&p->retry, on_timer_closed);
}
