/*
 * One connection of the client; see client_internal.h.
 *
 * Every failure goes the same way: close, and in the close callback tell the call or queue it
 * again. So no callback runs inside http_client_send, and a call whose bytes libuv still writes is
 * not freed before libuv lets go of them.
 */
#include "http/client_internal.h"

#include <stdlib.h>

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void alloc_read(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_client_connection *c = handle->data;
    (void)suggested;
    *buf = uv_buf_init(c->client->read_buffer, HTTP_CLIENT_READ_BYTES);
}

/* The one function that moves the state. */
static void enter(struct http_client_connection *c, enum http_client_connection_state state)
{
    if (c->state == CLIENT_CONNECTING) {
        c->client->connecting--;
        http_wheel_clear(&c->client->wheel, &c->timer);
    }
    list_remove(&c->idle);
    if (state == CLIENT_IDLE)
        list_append(&c->client->idle, &c->idle);
    c->state = state;
}

/* Closing -------------------------------------------------------------------------------------- */

/* The server closed a kept connection while our request was on its way: nobody's fault. */
static bool may_repeat(const struct http_client_connection *c)
{
    return c->call && c->why == ERR_LOST && c->kept && !c->answering && c->call->repeatable;
}

static void forget(struct http_client_connection *c)
{
    list_remove(&c->item);
    http_message_free(&c->message);
    buf_free(&c->unsent);
    c->client->open--;
    free(c);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_client_connection *c = handle->data;
    struct http_client *client = c->client;
    struct http_client_call *call = c->call;
    int why = c->why, address = c->address, tried = c->tried;
    bool repeat = may_repeat(c), connected = c->connected;
    forget(c);
    if (repeat)
        http_client_requeue(call);
    else if (call)
        http_client_call_end(call, why, NULL);
    else if (!connected)
        http_client_unreachable(client, why, address, tried);
    http_client_check(client);
}

void http_client_connection_close(struct http_client_connection *c, int why)
{
    if (c->state == CLIENT_CLOSING)
        return;
    c->why = why;
    enter(c, CLIENT_CLOSING);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

/* Connecting ----------------------------------------------------------------------------------- */

static void on_connected(uv_connect_t *request, int status)
{
    struct http_client_connection *c = request->data;
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&c->tcp, alloc_read, on_read);
    if (status < 0) {
        http_client_connection_close(c, status);
        return;
    }
    c->connected = true;
    c->client->address = c->address;
    uv_tcp_nodelay(&c->tcp, 1);
    enter(c, CLIENT_IDLE);
    http_client_dispatch(c->client);
}

static void on_due(struct http_timer *timer)
{
    http_client_connection_close(LIST_ITEM(timer, struct http_client_connection, timer),
                                 ERR_TIMEOUT);
}

static int begin_connect(struct http_client_connection *c)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } to;
    const char *address = c->client->resolver.addresses[c->address];
    int rc = strchr(address, ':') ? uv_ip6_addr(address, c->client->port, &to.v6)
                                  : uv_ip4_addr(address, c->client->port, &to.v4);
    c->request.connect.data = c;
    return rc ? rc : uv_tcp_connect(&c->request.connect, &c->tcp, &to.any, on_connected);
}

bool http_client_connection_open(struct http_client *client, int address, int tried)
{
    struct http_client_connection *c = calloc(1, sizeof *c);
    if (!c || uv_tcp_init(&client->loop->uv, &c->tcp) < 0) {
        free(c);
        return false;
    }
    c->tcp.data = c;
    c->client = client;
    c->address = address;
    c->tried = tried;
    c->state = CLIENT_CONNECTING;
    list_init(&c->idle);
    list_append(&client->connections, &c->item);
    client->open++;
    client->connecting++;
    http_timer_init(&c->timer, on_due);
    http_wheel_set(&client->wheel, &c->timer,
                   loop_ms(client->loop) + (uint64_t)client->options.timeout_ms);
    http_parser_init(&c->parser, HTTP_PARSE_RESPONSE, &client->options.limits);
    int rc = begin_connect(c);
    if (rc < 0)
        http_client_connection_close(c, rc);
    return true;
}

/* Sending -------------------------------------------------------------------------------------- */

static void on_written(uv_write_t *request, int status)
{
    struct http_client_connection *c = request->data;
    c->writing = false;
    if (status < 0)
        http_client_connection_close(c, ERR_LOST);
}

static void send_bytes(struct http_client_connection *c, const char *data, size_t len)
{
    uv_stream_t *stream = (uv_stream_t *)&c->tcp;
    uv_buf_t buf = uv_buf_init((char *)data, (unsigned)len);
    int rc = uv_try_write(stream, &buf, 1);
    if (rc == (int)len)
        return;
    if (rc >= 0 || rc == UV_EAGAIN) {
        size_t taken = rc > 0 ? (size_t)rc : 0;
        buf = uv_buf_init((char *)data + taken, (unsigned)(len - taken));
        c->request.write.data = c;
        c->writing = true;
        rc = uv_write(&c->request.write, stream, &buf, 1, on_written);
    }
    if (rc < 0)
        http_client_connection_close(c, ERR_LOST);
}

/* The last answer may still be in use by the callback that calls this, so the parser goes on to the
 * next one only when bytes of it come. */
void http_client_connection_start(struct http_client_connection *c, struct http_client_call *call)
{
    enter(c, CLIENT_BUSY);
    c->call = call;
    c->answering = false;
    call->connection = c;
    send_bytes(c, buf_data(&call->bytes), buf_len(&call->bytes));
}

/* Receiving ------------------------------------------------------------------------------------ */

static void begin_answer(struct http_client_connection *c)
{
    http_parser_next(&c->parser, &c->message);
    if (c->call->head)
        http_parser_expect_no_body(&c->parser);
    c->answering = true;
}

/* Goes idle first, so that the next call, or one that the callback makes, finds the connection. */
static void complete(struct http_client_connection *c, bool reusable)
{
    struct http_client_call *call = c->call;
    struct http_client *client = c->client;
    c->call = NULL;
    c->kept = true;
    if (c->writing) {
        c->unsent = call->bytes;
        call->bytes = (struct buf){0};
    }
    if (reusable && c->message.keep_alive && !c->writing)
        enter(c, CLIENT_IDLE);
    else
        http_client_connection_close(c, OK);
    http_client_dispatch(client);
    http_client_call_end(call, OK, &c->message);
}

static int code_of(enum http_refusal refusal)
{
    switch (refusal) {
    case HTTP_REFUSE_BODY_TOO_LARGE:
    case HTTP_REFUSE_HEADERS_TOO_LARGE:
        return ERR_TOO_LARGE;
    case HTTP_REFUSE_MEMORY:
        return ERR_NOMEM;
    default:
        return ERR_PROTOCOL;
    }
}

/* Past 100 Continue and its like, which announce the answer. Nobody asked for 101. */
static bool is_interim(const struct http_client_connection *c)
{
    return c->message.status / 100 == 1 && c->message.status != 101;
}

static void receive(struct http_client_connection *c, const char *data, size_t len)
{
    while (len) {
        size_t used;
        if (!c->answering)
            begin_answer(c);
        enum http_event event = http_parser_feed(&c->parser, data, len, &used);
        data += used;
        len -= used;
        if (event == HTTP_MESSAGE && is_interim(c)) {
            begin_answer(c);
        } else if (event == HTTP_MESSAGE && c->message.status != 101) {
            complete(c, len == 0);
            return;
        } else if (event != HTTP_NEED_MORE) {
            http_client_connection_close(c, event == HTTP_ERROR ? code_of(c->parser.refusal)
                                                                : ERR_PROTOCOL);
            return;
        }
    }
}

static void on_end(struct http_client_connection *c)
{
    if (c->answering && http_parser_eof(&c->parser) == HTTP_MESSAGE)
        complete(c, false);
    else
        http_client_connection_close(c, ERR_LOST);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct http_client_connection *c = stream->data;
    if (n == 0)
        return;
    if (c->state != CLIENT_BUSY) /* the server closes, or says what nobody asked */
        http_client_connection_close(c, ERR_LOST);
    else if (n > 0)
        receive(c, buf->base, (size_t)n);
    else if (n == UV_EOF)
        on_end(c);
    else
        http_client_connection_close(c, ERR_LOST);
}
