/*
 * One connection of the server; see internal.h.
 *
 * Receiving and answering meet in two places only: a complete request is handed over, and reading
 * is held up while the outbox has no room. What a handler does never closes the connection under
 * our feet: answers are sent from here, after it returned or before the next poll.
 */
#include "base/clock.h"
#include "http/internal.h"
#include "metrics/metrics.h"

#include <stdlib.h>
#include <sys/socket.h>

#define NEVER UINT64_MAX

GAUGE(open_connections, "http_open_connections", "HTTP connections that are open now.");

static void receive(struct http_connection *c, const char *data, size_t len);
static void flush(struct http_connection *c);
static void settle(struct http_connection *c);

/* State and its deadline ----------------------------------------------------------------------- */

static uint64_t receive_deadline(const struct http_connection *c)
{
    const struct http_times *times = &c->server->options.times;
    switch (c->state) {
    case CONNECTION_IDLE: /* a handler may take its time */
        return !http_outbox_is_empty(&c->outbox) ? NEVER : c->since_ms + (uint64_t)times->idle;
    case CONNECTION_HEAD:
        return c->since_ms + (uint64_t)times->header;
    case CONNECTION_BODY:
        return c->since_ms + (uint64_t)times->body +
               c->receiving->message.body.len * 1000 / HTTP_BODY_RATE;
    case CONNECTION_DRAINING:
        return c->since_ms + (uint64_t)times->drain;
    default:
        return NEVER;
    }
}

static void set_deadline(struct http_connection *c)
{
    const struct http_server *server = c->server;
    if (!c->outbox.writing)
        c->write_due_ms = NEVER;
    else if (c->write_due_ms == NEVER)
        c->write_due_ms = loop_ms(server->loop) + (uint64_t)server->options.times.write;
    uint64_t due = receive_deadline(c);
    http_wheel_set(&c->server->wheel, &c->timer, due < c->write_due_ms ? due : c->write_due_ms);
}

static void alloc_read(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_connection *c = handle->data;
    (void)suggested;
    *buf = uv_buf_init(c->server->read_buffer, HTTP_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static bool reads(enum http_connection_state state)
{
    return state < CONNECTION_HELD || state == CONNECTION_DRAINING;
}

/* The one function that moves the state. */
static void enter(struct http_connection *c, enum http_connection_state state)
{
    if (state == c->state)
        return;
    if (reads(c->state) && !reads(state))
        uv_read_stop((uv_stream_t *)&c->tcp);
    else if (!reads(c->state) && reads(state))
        uv_read_start((uv_stream_t *)&c->tcp, alloc_read, on_read);
    c->state = state;
    c->since_ms = loop_ms(c->server->loop);
}

static bool may_receive(const struct http_connection *c)
{
    return c->state < CONNECTION_LAST && http_outbox_has_room(&c->outbox);
}

/* Closing -------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *c = handle->data;
    struct http_server *server = c->server;
    http_outbox_drop(&c->outbox); /* what still waits for a handler outlives the connection */
    if (c->receiving)
        http_exchange_give(c->receiving);
    buf_free(&c->held);
    list_remove(&c->item);
    server->connection_count--;
    gauge_dec(&open_connections);
    free(c);
    http_server_check(server);
}

void http_connection_close(struct http_connection *c)
{
    if (c->state == CONNECTION_CLOSING)
        return;
    enter(c, CONNECTION_CLOSING);
    http_wheel_clear(&c->server->wheel, &c->timer);
    list_remove(&c->dirty);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    if (status < 0)
        http_connection_close(request->data);
}

/* Our last answer was taken: says so to the peer, and waits for its end. */
static void end(struct http_connection *c)
{
    c->shutdown.data = c;
    if (c->eof || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0)
        http_connection_close(c);
    else
        enter(c, CONNECTION_DRAINING);
}

static bool is_idle(const struct http_connection *c)
{
    return c->state == CONNECTION_IDLE && http_outbox_is_empty(&c->outbox);
}

/* What the kernel holds for us was sent before we close, so it is taken as the next poll would. */
static void receive_rest(struct http_connection *c)
{
    struct http_server *server = c->server;
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) != 0)
        return;
    ssize_t n = recv(fd, server->read_buffer, HTTP_READ_BYTES, MSG_DONTWAIT);
    if (n <= 0)
        return;
    server->read_at = clock_now();
    receive(c, server->read_buffer, (size_t)n);
}

static void close_if_idle(struct http_connection *c)
{
    if (is_idle(c))
        http_connection_close(c);
}

void http_connection_retire(struct http_connection *c)
{
    if (is_idle(c))
        receive_rest(c);
    close_if_idle(c);
}

/* Receiving ------------------------------------------------------------------------------------ */

static void hand_over(struct http_connection *c)
{
    struct http_exchange *x = c->receiving;
    c->receiving = NULL;
    x->connection = c;
    x->state = EXCHANGE_HANDLING;
    http_outbox_add(&c->outbox, x);
    c->server->outstanding++;
}

static void handle(struct http_connection *c)
{
    struct http_exchange *x = c->receiving;
    if (!x->message.keep_alive)
        enter(c, CONNECTION_LAST);
    hand_over(c);
    c->server->options.handler(x, c->server->options.ctx);
}

/* The request is answered here, and the connection ends with that. */
static void refuse(struct http_connection *c, int status, const char *text, int reason)
{
    struct http_exchange *x = c->receiving;
    x->refused = true;
    enter(c, CONNECTION_LAST);
    hand_over(c);
    http_server_count_reject(reason);
    http_reply_error(x, status, text);
}

/* In the order of the answers, as an exchange of its own. */
static void say_continue(struct http_connection *c)
{
    struct http_exchange *request = c->receiving;
    struct http_exchange *x = http_exchange_take(c->server);
    if (!x) {
        c->outbox.broken = true;
        return;
    }
    x->interim = true;
    c->receiving = x;
    hand_over(c);
    c->receiving = request;
    x->state = EXCHANGE_ANSWERED;
    buf_text(&x->head, "HTTP/1.1 100 Continue\r\n\r\n");
    http_connection_answered(c, x);
}

static bool begin_request(struct http_connection *c)
{
    c->receiving = http_exchange_take(c->server);
    if (!c->receiving)
        return false;
    http_parser_next(&c->parser, &c->receiving->message);
    return true;
}

static size_t receive_one(struct http_connection *c, const char *data, size_t len)
{
    size_t used = 0;
    if (!c->receiving && !begin_request(c)) {
        c->outbox.broken = true;
        return 0;
    }
    switch (http_parser_feed(&c->parser, data, len, &used)) {
    case HTTP_NEED_MORE:
        if (!http_parser_idle(&c->parser))
            break;
        http_exchange_give(c->receiving);
        c->receiving = NULL;
        break;
    case HTTP_HEADERS:
        say_continue(c);
        break;
    case HTTP_MESSAGE:
        handle(c);
        break;
    case HTTP_ERROR:
        refuse(c, http_refusal_status(c->parser.refusal), http_refusal_label(c->parser.refusal),
               (int)c->parser.refusal);
        break;
    }
    return used;
}

static void hold(struct http_connection *c, const char *data, size_t len)
{
    if (buf_append(&c->held, data, len) != OK)
        c->outbox.broken = true;
    c->held_at = c->server->read_at;
}

/* Works on what came: all of it, or until too many answers are outstanding. */
static void receive(struct http_connection *c, const char *data, size_t len)
{
    do {
        while (len && may_receive(c)) {
            size_t used = receive_one(c, data, len);
            data += used;
            len -= used;
        }
        flush(c);
    } while (len && may_receive(c));
    if (len && c->state < CONNECTION_LAST)
        hold(c, data, len);
    settle(c);
}

static void on_eof(struct http_connection *c)
{
    c->eof = true;
    if (c->state == CONNECTION_DRAINING || http_outbox_is_empty(&c->outbox))
        http_connection_close(c);
    else
        enter(c, CONNECTION_LAST); /* it may still read */
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct http_connection *c = stream->data;
    if (n == UV_EOF) {
        on_eof(c);
    } else if (n < 0) {
        http_connection_close(c);
    } else if (n > 0 && c->state != CONNECTION_DRAINING) {
        c->server->read_at = clock_now();
        receive(c, buf->base, (size_t)n);
    }
}

/* Answering ------------------------------------------------------------------------------------ */

bool http_connection_ends_with(struct http_connection *c, const struct http_exchange *x)
{
    bool newest = c->outbox.exchanges.prev == &x->item;
    if (c->server->stopping && newest && c->state < CONNECTION_LAST && !c->receiving &&
        !buf_len(&c->held))
        enter(c, CONNECTION_LAST);
    return newest && c->state == CONNECTION_LAST;
}

void http_connection_answered(struct http_connection *c, struct http_exchange *x)
{
    http_outbox_answered(&c->outbox, x);
    if (c->state != CONNECTION_CLOSING && list_empty(&c->dirty))
        list_append(&c->server->dirty, &c->dirty);
}

static void on_written(struct http_outbox *outbox, int status)
{
    struct http_connection *c = LIST_ITEM(outbox, struct http_connection, outbox);
    if (status < 0)
        http_connection_close(c);
    else
        http_connection_advance(c);
}

static void flush(struct http_connection *c)
{
    list_remove(&c->dirty);
    if (c->state == CONNECTION_CLOSING)
        return;
    size_t before = c->outbox.count;
    if (http_outbox_flush(&c->outbox) < 0)
        http_connection_close(c);
    if (c->state == CONNECTION_IDLE && c->outbox.count < before) /* idle from the last answer on */
        c->since_ms = loop_ms(c->server->loop);
}

/* Time ----------------------------------------------------------------------------------------- */

static enum http_connection_state next_state(const struct http_connection *c)
{
    if (!may_receive(c) || buf_len(&c->held))
        return CONNECTION_HELD;
    if (!c->receiving)
        return CONNECTION_IDLE;
    return http_parser_in_body(&c->parser) ? CONNECTION_BODY : CONNECTION_HEAD;
}

/* What the connection waits for, now that everything possible was done. */
static void settle(struct http_connection *c)
{
    if (c->outbox.broken)
        http_connection_close(c);
    else if (c->state == CONNECTION_LAST && http_outbox_is_empty(&c->outbox))
        end(c);
    else if (c->state < CONNECTION_LAST)
        enter(c, next_state(c));
    if (c->server->finishing)
        close_if_idle(c);
    if (c->state != CONNECTION_CLOSING)
        set_deadline(c);
}

static void resume(struct http_connection *c)
{
    struct buf held = c->held;
    c->held = (struct buf){0};
    enter(c, CONNECTION_IDLE);
    c->server->read_at = c->held_at;
    receive(c, buf_data(&held), buf_len(&held));
    buf_free(&held);
}

void http_connection_advance(struct http_connection *c)
{
    flush(c);
    if (c->state == CONNECTION_HELD && may_receive(c))
        resume(c);
    else
        settle(c);
}

static bool write_stalls(struct http_connection *c, uint64_t now)
{
    if (c->write_due_ms > now)
        return false;
    c->write_due_ms = now + (uint64_t)c->server->options.times.write; /* as long again, if not */
    return !http_outbox_moves(&c->outbox);
}

static void on_due(struct http_timer *timer)
{
    struct http_connection *c = LIST_ITEM(timer, struct http_connection, timer);
    uint64_t now = loop_ms(c->server->loop);
    if (write_stalls(c, now)) {
        http_connection_close(c);
    } else if (receive_deadline(c) > now) {
        set_deadline(c);
    } else if (c->state == CONNECTION_HEAD || c->state == CONNECTION_BODY) {
        refuse(c, 408, "timeout", HTTP_REJECT_TIMEOUT);
        http_connection_advance(c);
    } else {
        http_connection_close(c);
    }
}

/* Making --------------------------------------------------------------------------------------- */

struct http_connection *http_connection_new(struct http_server *server)
{
    struct http_connection *c = calloc(1, sizeof *c);
    if (!c || uv_tcp_init(&server->loop->uv, &c->tcp) < 0) {
        free(c);
        return NULL;
    }
    c->tcp.data = c;
    c->server = server;
    c->write_due_ms = NEVER;
    c->since_ms = loop_ms(server->loop);
    list_append(&server->connections, &c->item);
    list_init(&c->dirty);
    http_outbox_init(&c->outbox, (uv_stream_t *)&c->tcp, on_written);
    http_timer_init(&c->timer, on_due);
    http_parser_init(&c->parser, HTTP_PARSE_REQUEST, &server->options.limits);
    server->connection_count++;
    gauge_inc(&open_connections);
    return c;
}

int http_connection_start(struct http_connection *c)
{
    uv_tcp_nodelay(&c->tcp, 1);
    set_deadline(c);
    return uv_read_start((uv_stream_t *)&c->tcp, alloc_read, on_read);
}
