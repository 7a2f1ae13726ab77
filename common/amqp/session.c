/* An open connection's frames, heartbeats and end; see session.h. */
#include "amqp/session.h"

#include "base/log.h"

#include <stdio.h>

/* ---- Frames --------------------------------------------------------------------------------- */

/* The broker ends the connection, or the channel, which for us is the same. */
static void on_server_close(struct amqp_connection *c, uint16_t channel,
                            amqp_method_number_t answer, uint16_t code, amqp_bytes_t text)
{
    amqp_connection_close_ok_t empty = {0};
    char reason[300];

    snprintf(reason, sizeof reason, "closed by the broker: %u %.*s", code,
             (int)(text.len < 255 ? text.len : 255), (const char *)text.bytes);
    if (codec_method(&c->out, channel, answer, &empty))
        log_debug("no memory to answer RabbitMQ's close");
    if (channel != 0) {
        amqp_connection_restart(c, reason);
        return;
    }
    if (wire_write(c->wire, &c->out))
        log_debug("cannot answer RabbitMQ's close", LOG_STR("role", c->role));
    amqp_connection_lose(c, reason);
}

static void on_blocked(struct amqp_connection *c, amqp_bytes_t reason)
{
    if (c->state != AMQP_OPEN)
        return;
    log_warn("RabbitMQ takes no messages", LOG_STR("role", c->role),
             LOG_BYTES("reason", reason.bytes, reason.len));
    amqp_connection_move(c, AMQP_BLOCKED);
}

static void on_unblocked(struct amqp_connection *c)
{
    if (c->state != AMQP_BLOCKED)
        return;
    log_info("RabbitMQ takes messages again", LOG_STR("role", c->role));
    amqp_connection_move(c, AMQP_OPEN);
    amqp_connection_wake(c);
}

/* Methods of the connection itself. True if it was one. */
static bool on_own_method(struct amqp_connection *c, const struct codec_frame *frame)
{
    const amqp_connection_close_t *connection = frame->decoded;
    const amqp_channel_close_t *channel = frame->decoded;

    switch (frame->method) {
    case AMQP_CONNECTION_CLOSE_METHOD:
        on_server_close(c, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, connection->reply_code,
                        connection->reply_text);
        return true;
    case AMQP_CHANNEL_CLOSE_METHOD:
        on_server_close(c, frame->channel, AMQP_CHANNEL_CLOSE_OK_METHOD, channel->reply_code,
                        channel->reply_text);
        return true;
    case AMQP_CONNECTION_CLOSE_OK_METHOD:
        amqp_connection_lose(c, "closed");
        return true;
    case AMQP_CONNECTION_BLOCKED_METHOD:
        on_blocked(c, ((const amqp_connection_blocked_t *)frame->decoded)->reason);
        return true;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        on_unblocked(c);
        return true;
    }
    return false;
}

static void on_frame(struct amqp_connection *c, const struct codec_frame *frame)
{
    int rc;

    if (frame->type == AMQP_FRAME_HEARTBEAT)
        return;
    if (frame->type == AMQP_FRAME_METHOD && on_own_method(c, frame))
        return;
    if (c->state == AMQP_CLOSING)
        return;
    rc = frame->channel == CODEC_CHANNEL ? c->handlers->frame(frame, c->ctx) : ERR_PROTOCOL;
    if (rc)
        amqp_connection_restart(c, err_text(rc));
}

/* Any frame may end the connection, or the whole of it be closed in a callback: the wire tells. */
static void handle_input(struct amqp_connection *c)
{
    struct codec_frame frame;
    struct wire *wire = c->wire;
    int used;

    while (c->wire == wire &&
           (used = codec_next(&c->codec, buf_data(&c->in), buf_len(&c->in), &frame)) != 0) {
        if (used < 0) {
            amqp_connection_lose(c, err_text(used));
            break;
        }
        on_frame(c, &frame);
        if (c->wire == wire)
            buf_consume(&c->in, (size_t)used);
    }
}

/* ---- Input and output ----------------------------------------------------------------------- */

void session_flush(struct amqp_connection *c)
{
    int rc = wire_write(c->wire, &c->out);

    if (rc) {
        amqp_connection_lose(c, err_text(rc));
        return;
    }
    if (c->starved && buf_len(&c->out) == 0) {
        c->starved = false;
        amqp_connection_wake(c);
    }
}

static void on_readable(struct amqp_connection *c)
{
    int n = wire_read(c->wire, &c->in, AMQP_READ_MAX);

    if (n < 0) {
        amqp_connection_lose(c, err_text(n));
        return;
    }
    if (n > 0) {
        c->read_at = loop_ms(c->loop);
        handle_input(c);
    }
}

void session_ready(int events, void *ctx)
{
    struct amqp_connection *c = ctx;

    if (events & UV_WRITABLE)
        session_flush(c);
    if (events & UV_READABLE && c->wire)
        on_readable(c);
}

void session_heartbeat(struct amqp_connection *c)
{
    uint64_t now = loop_ms(c->loop);

    /* A broker that blocks us for its memory may not even say so in time; one that we do not listen
     * to is judged by whether our heartbeats reach it. */
    if (c->state != AMQP_BLOCKED && !c->paused && now - c->read_at > 2 * c->heartbeat_ms) {
        amqp_connection_lose(c, "no sign of life for two heartbeats");
        return;
    }
    if (buf_len(&c->out) > 0) /* bytes that wait for the kernel are as good, and do not pile up */
        return;
    if (codec_heartbeat(&c->out))
        amqp_connection_lose(c, err_text(ERR_NOMEM));
    else
        session_flush(c);
}
