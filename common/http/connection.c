/*
 * One connection of the server; see internal.h.
 *
 * Receiving and answering meet in two places only: a complete request is handed over, and reading
 * is held up while too many answers are outstanding. Answers stay in their exchanges until the
 * kernel took them, so nothing is copied to be queued. What a handler does never closes the
 * connection under our feet: answers are sent from here, after it returned or before the next poll.
 */
#include "base/clock.h"
#include "base/log.h"
#include "http/internal.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define WRITE_BUFS_MAX (2 * HTTP_PIPELINE_MAX)
#define NEVER          UINT64_MAX

GAUGE(open_connections, "http_open_connections", "HTTP connections that are open now.");
COUNTER(connections_total, "http_connections_total", "HTTP connections accepted.");

static void receive(struct http_connection *c, const char *data, size_t len);
static void flush(struct http_connection *c);
static void settle(struct http_connection *c);

/* State and its deadline ----------------------------------------------------------------------- */

static uint64_t receive_deadline(const struct http_connection *c)
{
    const struct http_times *times = &c->server->options.times;
    switch (c->state) {
    case CONNECTION_IDLE: /* a handler may take its time */
        return c->outstanding ? NEVER : c->since_ms + (uint64_t)times->idle;
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
    uint64_t due = receive_deadline(c);
    if (due > c->write_due_ms)
        due = c->write_due_ms;
    http_wheel_set(&c->server->wheel, &c->timer, due);
}

static void alloc_read(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_connection *c = handle->data;
    (void)suggested;
    *buf = uv_buf_init(c->server->read_buffer, HTTP_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

/* The one function that moves the state. */
static void enter(struct http_connection *c, enum http_connection_state state)
{
    if (state == c->state)
        return;
    if (state == CONNECTION_HELD)
        uv_read_stop((uv_stream_t *)&c->tcp);
    else if (c->state == CONNECTION_HELD && state != CONNECTION_CLOSING)
        uv_read_start((uv_stream_t *)&c->tcp, alloc_read, on_read);
    c->state = state;
    c->since_ms = loop_ms(c->server->loop);
}

static bool may_receive(const struct http_connection *c)
{
    return c->state < CONNECTION_LAST && !c->broken && c->outstanding < HTTP_PIPELINE_MAX &&
           c->queued < HTTP_QUEUED_PAUSE;
}

/* Closing -------------------------------------------------------------------------------------- */

/* Answers that still wait for their handler outlive the connection. */
static void drop_exchanges(struct http_connection *c)
{
    LIST_FOREACH_SAFE (item, &c->exchanges) {
        struct http_exchange *x = LIST_ITEM(item, struct http_exchange, item);
        list_remove(&x->item);
        x->connection = NULL;
        if (x->state == EXCHANGE_ANSWERED)
            http_exchange_end(x);
    }
    if (c->receiving)
        http_exchange_give(c->receiving);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *c = handle->data;
    struct http_server *server = c->server;
    drop_exchanges(c);
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
    c->request.shutdown.data = c;
    if (c->eof || uv_shutdown(&c->request.shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0)
        http_connection_close(c);
    else
        enter(c, CONNECTION_DRAINING);
}

void http_connection_retire(struct http_connection *c)
{
    if (c->state == CONNECTION_IDLE && c->outstanding == 0)
        http_connection_close(c);
}

/* Receiving ------------------------------------------------------------------------------------ */

static void hand_over(struct http_connection *c)
{
    struct http_exchange *x = c->receiving;
    c->receiving = NULL;
    x->connection = c;
    x->state = EXCHANGE_HANDLING;
    list_append(&c->exchanges, &x->item);
    c->outstanding++;
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
        c->broken = true;
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
        c->broken = true;
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
        c->broken = true;
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
    if (c->state == CONNECTION_DRAINING || list_empty(&c->exchanges))
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
    } else if (n > 0 && c->state < CONNECTION_LAST) {
        c->server->read_at = clock_now();
        receive(c, buf->base, (size_t)n);
    }
}

/* Answering ------------------------------------------------------------------------------------ */

bool http_connection_ends_with(struct http_connection *c, const struct http_exchange *x)
{
    bool newest = c->exchanges.prev == &x->item;
    if (c->server->stopping && newest && c->state < CONNECTION_LAST && !c->receiving &&
        !buf_len(&c->held))
        enter(c, CONNECTION_LAST);
    return newest && c->state == CONNECTION_LAST;
}

void http_connection_answered(struct http_connection *c, struct http_exchange *x)
{
    if (!buf_ok(&x->head) || c->queued > HTTP_QUEUED_MAX)
        c->broken = true;
    c->queued += http_exchange_bytes(x);
    if (c->state != CONNECTION_CLOSING && list_empty(&c->dirty))
        list_append(&c->server->dirty, &c->dirty);
}

static size_t take(struct buf *b, size_t n)
{
    size_t taken = n < buf_len(b) ? n : buf_len(b);
    if (taken)
        buf_consume(b, taken);
    return taken;
}

/* The kernel took `n` bytes. */
static void sent(struct http_connection *c, size_t n)
{
    c->queued -= n;
    for (struct list *item; n && (item = list_first(&c->exchanges));) {
        struct http_exchange *x = LIST_ITEM(item, struct http_exchange, item);
        n -= take(&x->head, n);
        n -= take(&x->body, n);
        if (http_exchange_bytes(x))
            return;
        list_remove(&x->item);
        c->outstanding--;
        http_exchange_end(x);
    }
    if (c->state == CONNECTION_IDLE)
        c->since_ms = loop_ms(c->server->loop);
}

/* The answers that may leave now: those before the first that is still being made. */
static unsigned gather(const struct http_connection *c, uv_buf_t *bufs, size_t *bytes)
{
    unsigned n = 0;
    *bytes = 0;
    LIST_FOREACH (item, &c->exchanges) {
        const struct http_exchange *x = LIST_ITEM(item, struct http_exchange, item);
        if (x->state != EXCHANGE_ANSWERED)
            break;
        const struct buf *parts[] = {&x->head, &x->body};
        for (int i = 0; i < 2 && n < WRITE_BUFS_MAX; i++) {
            if (buf_len(parts[i]))
                bufs[n++] = uv_buf_init(buf_data(parts[i]), (unsigned)buf_len(parts[i]));
        }
        *bytes += http_exchange_bytes(x);
    }
    return n;
}

static void on_written(uv_write_t *request, int status)
{
    struct http_connection *c = request->data;
    size_t n = c->writing;
    c->writing = 0;
    c->write_due_ms = NEVER;
    if (status < 0) {
        http_connection_close(c);
        return;
    }
    sent(c, n);
    http_connection_advance(c);
}

/* What the peer has not taken. libuv's queue alone would tell too little: it moves only when a good
 * part of the kernel's has gone. */
static size_t count_unsent(const struct http_connection *c)
{
    uv_os_fd_t fd;
    int in_kernel = 0;
    if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) == 0)
        ioctl(fd, TIOCOUTQ, &in_kernel);
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp) + (size_t)in_kernel;
}

/* The kernel's buffer is full: libuv waits for room. */
static void write_later(struct http_connection *c, uv_buf_t *bufs)
{
    unsigned n = gather(c, bufs, &c->writing);
    c->request.write.data = c;
    if (uv_write(&c->request.write, (uv_stream_t *)&c->tcp, bufs, n, on_written) < 0)
        http_connection_close(c);
    c->unsent = count_unsent(c);
    c->write_due_ms = loop_ms(c->server->loop) + (uint64_t)c->server->options.times.write;
}

static void flush(struct http_connection *c)
{
    uv_buf_t bufs[WRITE_BUFS_MAX];
    size_t bytes;
    list_remove(&c->dirty);
    if (c->writing || c->broken || c->state == CONNECTION_CLOSING)
        return;
    unsigned n = gather(c, bufs, &bytes);
    int rc = n ? uv_try_write((uv_stream_t *)&c->tcp, bufs, n) : 0;
    if (rc < 0 && rc != UV_EAGAIN) {
        http_connection_close(c);
        return;
    }
    if (rc > 0)
        sent(c, (size_t)rc);
    if ((size_t)(rc > 0 ? rc : 0) < bytes)
        write_later(c, bufs);
}

/* Time ----------------------------------------------------------------------------------------- */

/* What the connection waits for, now that everything possible was done. */
static void settle(struct http_connection *c)
{
    if (c->broken)
        http_connection_close(c);
    else if (c->state == CONNECTION_LAST && list_empty(&c->exchanges))
        end(c);
    else if (c->state < CONNECTION_LAST)
        enter(c, !may_receive(c) || buf_len(&c->held) ? CONNECTION_HELD
                 : !c->receiving                      ? CONNECTION_IDLE
                 : http_parser_in_body(&c->parser)    ? CONNECTION_BODY
                                                      : CONNECTION_HEAD);
    if (c->server->finishing)
        http_connection_retire(c);
    if (c->state != CONNECTION_CLOSING)
        set_deadline(c);
}

static void resume(struct http_connection *c)
{
    struct buf held = c->held;
    c->held = (struct buf){0};
    enter(c, CONNECTION_IDLE);
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

/* Whether the peer took something since the limit was set; if so, it has as long again. */
static bool write_moves(struct http_connection *c)
{
    size_t unsent = count_unsent(c);
    bool moves = unsent < c->unsent;
    c->unsent = unsent;
    c->write_due_ms = loop_ms(c->server->loop) + (uint64_t)c->server->options.times.write;
    return moves;
}

static void on_due(struct http_timer *timer)
{
    struct http_connection *c = LIST_ITEM(timer, struct http_connection, timer);
    uint64_t now = loop_ms(c->server->loop);
    if (c->write_due_ms <= now && !write_moves(c)) {
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

/* Accepting ------------------------------------------------------------------------------------ */

static struct http_connection *new_connection(struct http_server *server)
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
    list_init(&c->exchanges);
    http_timer_init(&c->timer, on_due);
    http_parser_init(&c->parser, HTTP_PARSE_REQUEST, &server->options.limits);
    server->connection_count++;
    gauge_inc(&open_connections);
    return c;
}

void http_connection_accept(struct http_server *server)
{
    struct http_connection *c = new_connection(server);
    server->unaccepted = !c; /* libuv announces no other one until this was accepted */
    if (!c)
        return;
    int rc = uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&c->tcp);
    if (rc == 0)
        counter_inc(&connections_total);
    if (rc == 0 && server->connection_count > server->options.connections)
        http_server_count_reject(HTTP_REJECT_CONNECTIONS);
    else if (rc == 0)
        rc = uv_read_start((uv_stream_t *)&c->tcp, alloc_read, on_read);
    else
        log_warn("cannot accept a connection", LOG_ERR(rc));
    if (rc < 0 || server->connection_count > server->options.connections) {
        http_connection_close(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    set_deadline(c);
}
