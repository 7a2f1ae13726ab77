/* Bytes in and out; see transport.h. */
#include "grpc/transport.h"

static void alloc_read(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);
static void on_written(uv_write_t *request, int status);

/* The hub -------------------------------------------------------------------------------------- */

static void flush(struct grpc_transport *t);

static void on_before_poll(uv_prepare_t *handle)
{
    struct grpc_hub *hub = handle->data;
    for (struct list *item; (item = list_first(&hub->dirty));) {
        list_remove(item);
        flush(LIST_ITEM(item, struct grpc_transport, dirty));
    }
}

int grpc_hub_init(struct grpc_hub *hub, struct loop *loop)
{
    hub->loop = loop;
    hub->open = 0;
    list_init(&hub->dirty);
    int rc = uv_prepare_init(&loop->uv, &hub->before_poll);
    rc = rc ? rc : http_wheel_init(&hub->wheel, loop);
    hub->before_poll.data = hub;
    hub->open = 2;
    return rc ? rc : uv_prepare_start(&hub->before_poll, on_before_poll);
}

static void one_closed(struct grpc_hub *hub)
{
    if (--hub->open == 0)
        hub->closed(hub);
}

static void on_prepare_closed(uv_handle_t *handle)
{
    one_closed(handle->data);
}

static void on_wheel_closed(struct http_wheel *wheel)
{
    one_closed(LIST_ITEM(wheel, struct grpc_hub, wheel));
}

void grpc_hub_close(struct grpc_hub *hub, void (*closed)(struct grpc_hub *hub))
{
    hub->closed = closed;
    uv_close((uv_handle_t *)&hub->before_poll, on_prepare_closed);
    http_wheel_close(&hub->wheel, on_wheel_closed);
}

/* Closing -------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct grpc_transport *t = handle->data;
    nghttp2_session_del(t->session);
    t->session = NULL;
    buf_free(&t->out);
    t->owner->closed(t, t->why);
}

void grpc_transport_close(struct grpc_transport *t, int why)
{
    if (t->state == TRANSPORT_CLOSING)
        return;
    t->state = TRANSPORT_CLOSING;
    t->why = why;
    list_remove(&t->dirty);
    http_wheel_clear(&t->hub->wheel, &t->look);
    uv_close((uv_handle_t *)&t->tcp, on_closed);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    if (status < 0)
        grpc_transport_close(request->data, OK);
}

/* The session has nothing more to say or to hear: says so to the peer, whose own end is waited for,
 * since closing with bytes unread would take back what it has not read yet. */
static void end(struct grpc_transport *t)
{
    t->shutdown.data = t;
    if (uv_shutdown(&t->shutdown, (uv_stream_t *)&t->tcp, on_shutdown) < 0) {
        grpc_transport_close(t, OK);
        return;
    }
    t->state = TRANSPORT_DRAINING;
    t->since_ms = loop_ms(t->hub->loop);
}

/* Sending -------------------------------------------------------------------------------------- */

/* 0, or nghttp2's code. */
static int gather(struct grpc_transport *t)
{
    const uint8_t *data;
    ssize_t n = 0;
    while (buf_len(&t->out) < GRPC_WRITE_BYTES &&
           (n = nghttp2_session_mem_send(t->session, &data)) > 0)
        if (buf_append(&t->out, data, (size_t)n) != OK)
            return ERR_NOMEM;
    return n < 0 ? (int)n : OK;
}

static int write_later(struct grpc_transport *t)
{
    uv_buf_t rest = uv_buf_init(buf_data(&t->out), (unsigned)buf_len(&t->out));
    t->write.data = t;
    t->writing = true;
    t->since_ms = loop_ms(t->hub->loop);
    return uv_write(&t->write, (uv_stream_t *)&t->tcp, &rest, 1, on_written);
}

static int write_out(struct grpc_transport *t)
{
    uv_buf_t all = uv_buf_init(buf_data(&t->out), (unsigned)buf_len(&t->out));
    int n = uv_try_write((uv_stream_t *)&t->tcp, &all, 1);
    if (n < 0 && n != UV_EAGAIN)
        return n;
    if (n > 0)
        buf_consume(&t->out, (size_t)n);
    if (buf_len(&t->out))
        return write_later(t);
    if (t->out.cap > GRPC_WRITE_BYTES / 4) /* thousands of idle connections keep no such buffers */
        buf_free(&t->out);
    return OK;
}

static bool is_over(const struct grpc_transport *t)
{
    return !t->writing && !nghttp2_session_want_read(t->session) &&
           !nghttp2_session_want_write(t->session);
}

static void flush(struct grpc_transport *t)
{
    int rc = OK;
    while (rc == OK && t->state == TRANSPORT_OPEN && !t->writing) {
        rc = gather(t);
        if (rc != OK || !buf_len(&t->out))
            break;
        rc = write_out(t);
    }
    if (rc != OK)
        grpc_transport_close(t, rc == NGHTTP2_ERR_NOMEM ? ERR_NOMEM : rc);
    else if (t->state == TRANSPORT_OPEN && is_over(t))
        end(t);
}

static void on_written(uv_write_t *request, int status)
{
    struct grpc_transport *t = request->data;
    t->writing = false;
    if (t->state == TRANSPORT_CLOSING)
        return;
    if (status < 0) {
        grpc_transport_close(t, status);
        return;
    }
    buf_clear(&t->out);
    flush(t);
}

void grpc_transport_touch(struct grpc_transport *t)
{
    if (t->state == TRANSPORT_OPEN && list_empty(&t->dirty))
        list_append(&t->hub->dirty, &t->dirty);
}

/* Receiving ------------------------------------------------------------------------------------ */

static void alloc_read(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct grpc_transport *t = handle->data;
    (void)suggested;
    *buf = uv_buf_init(t->hub->read_buffer, GRPC_READ_BYTES);
}

/* A session that fails has as a rule left a GOAWAY that says why, which is sent still. */
static void receive(struct grpc_transport *t, const char *data, size_t len)
{
    ssize_t n = nghttp2_session_mem_recv(t->session, (const uint8_t *)data, len);
    if (n < 0) {
        flush(t);
        grpc_transport_close(t, n == NGHTTP2_ERR_NOMEM ? ERR_NOMEM : ERR_PROTOCOL);
        return;
    }
    grpc_transport_touch(t);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct grpc_transport *t = stream->data;
    if (n < 0)
        grpc_transport_close(t, t->state == TRANSPORT_DRAINING ? OK
                                : n == UV_EOF                  ? ERR_LOST
                                                               : (int)n);
    else if (n > 0 && t->state == TRANSPORT_OPEN)
        receive(t, buf->base, (size_t)n);
}

/* Time ----------------------------------------------------------------------------------------- */

static bool is_overdue(const struct grpc_transport *t, uint64_t now)
{
    uint64_t passed = now - t->since_ms;
    if (t->state == TRANSPORT_DRAINING)
        return passed >= GRPC_DRAIN_LIMIT_S * 1000;
    return t->writing && passed >= GRPC_WRITE_LIMIT_S * 1000;
}

static void on_look(struct http_timer *timer)
{
    struct grpc_transport *t = LIST_ITEM(timer, struct grpc_transport, look);
    uint64_t now = loop_ms(t->hub->loop);
    if (is_overdue(t, now)) {
        grpc_transport_close(t, t->state == TRANSPORT_DRAINING ? OK : ERR_TIMEOUT);
        return;
    }
    http_wheel_set(&t->hub->wheel, timer, now + GRPC_LOOK_MS);
    if (t->state == TRANSPORT_OPEN && t->owner->look)
        t->owner->look(t, now);
}

/* Making --------------------------------------------------------------------------------------- */

int grpc_transport_init(struct grpc_transport *t, struct grpc_hub *hub,
                        const struct grpc_transport_owner *owner)
{
    *t = (struct grpc_transport){.owner = owner, .hub = hub};
    list_init(&t->dirty);
    http_timer_init(&t->look, on_look);
    int rc = uv_tcp_init(&hub->loop->uv, &t->tcp);
    t->tcp.data = t;
    return rc;
}

int grpc_transport_start(struct grpc_transport *t)
{
    uv_tcp_nodelay(&t->tcp, 1);
    http_wheel_set(&t->hub->wheel, &t->look, loop_ms(t->hub->loop) + GRPC_LOOK_MS);
    grpc_transport_touch(t);
    return uv_read_start((uv_stream_t *)&t->tcp, alloc_read, on_read);
}
