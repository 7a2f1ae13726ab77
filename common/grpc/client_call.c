/* One call of the client: its request's frames, its answer's, and its end; see client.h. */
#include "base/clock.h"
#include "grpc/client_internal.h"
#include "grpc/timeout.h"

#include <stdlib.h>

#define FIELD(n, v)                                                                                \
    (nghttp2_nv)                                                                                   \
    {                                                                                              \
        (uint8_t *)(n), (uint8_t *)(v), sizeof(n) - 1, strlen(v), NGHTTP2_NV_FLAG_NO_COPY_NAME     \
    }

/* The end -------------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *timer)
{
    struct grpc_client_call *call = timer->data;
    struct grpc_client *client = call->client;
    buf_free(&call->framed);
    grpc_reader_free(&call->reader);
    buf_free(&call->text);
    free(call);
    client->calls--;
    grpc_client_check(client);
}

static void free_call(struct grpc_client_call *call)
{
    list_remove(&call->item);
    uv_close((uv_handle_t *)&call->timer, on_timer_closed);
}

/* A stream that is open still is reset, and the call stays until it is closed: nghttp2 knows it. */
void grpc_client_call_end(struct grpc_client_call *call, enum grpc_status status, const char *text)
{
    struct grpc_result result = {
        .status = status, .text = text, .seconds = clock_seconds(call->began, clock_now())};
    if (status == GRPC_OK) {
        result.message = buf_data(&call->reader.message);
        result.len = buf_len(&call->reader.message);
    }
    call->over = true;
    uv_timer_stop(&call->timer);
    call->request.done(&result, call->request.ctx);
    if (!call->connection) {
        free_call(call);
        return;
    }
    nghttp2_submit_rst_stream(call->connection->transport.session, NGHTTP2_FLAG_NONE, call->stream,
                              NGHTTP2_CANCEL);
    grpc_transport_touch(&call->connection->transport);
}

static void on_due(uv_timer_t *timer)
{
    struct grpc_client_call *call = timer->data;
    bool unsent = !call->connection && *call->client->why;
    grpc_client_call_end(call, GRPC_DEADLINE_EXCEEDED,
                         unsent ? call->client->why : "the deadline passed");
}

static bool may_try_again(const struct grpc_client_call *call)
{
    return !call->answered && call->tries < GRPC_TRIES_MAX && !call->client->closing;
}

void grpc_client_call_lost(struct grpc_client_call *call, bool unbegun, const char *why)
{
    call->connection = NULL;
    list_remove(&call->item);
    if (call->over) {
        free_call(call);
    } else if (unbegun && may_try_again(call)) {
        call->sent = 0;
        list_append(&call->client->waiting, &call->item);
        grpc_client_wake(call->client);
    } else {
        grpc_client_call_end(call, call->client->closing ? GRPC_CANCELLED : GRPC_UNAVAILABLE, why);
    }
}

/* The answer is complete, or there is none. */
static void end_of_stream(struct grpc_client_call *call, uint32_t error)
{
    char text[64];
    if (call->has_status && call->status == GRPC_OK && !call->has_message) {
        grpc_client_call_end(call, GRPC_UNIMPLEMENTED, "no message in the answer");
    } else if (call->has_status) {
        grpc_client_call_end(call, call->status, buf_cstr(&call->text));
    } else if (call->http_status && call->http_status != 200) {
        snprintf(text, sizeof text, "HTTP status %d", call->http_status);
        grpc_client_call_end(call, grpc_status_of_http(call->http_status), text);
    } else if (error) {
        snprintf(text, sizeof text, "the server reset the stream: %s",
                 nghttp2_http2_strerror(error));
        grpc_client_call_end(call, grpc_status_of_reset(error), text);
    } else {
        grpc_client_call_end(call, GRPC_UNKNOWN, "no grpc-status in the answer");
    }
}

/* Frames --------------------------------------------------------------------------------------- */

static struct grpc_client_call *call_of(nghttp2_session *session, int32_t stream)
{
    struct grpc_client_call *call =
        stream ? nghttp2_session_get_stream_user_data(session, stream) : NULL;
    return call && !call->over ? call : NULL;
}

static bool is(const uint8_t *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *connection)
{
    struct grpc_client_call *call = call_of(session, frame->hd.stream_id);
    (void)flags;
    (void)connection;
    if (!call)
        return 0;
    call->answered = true;
    if (is(name, name_len, ":status")) {
        call->http_status = atoi((const char *)value); /* three digits, as nghttp2 has made sure */
    } else if (is(name, name_len, "grpc-status")) {
        call->has_status = true;
        call->status = grpc_status_parse((const char *)value, value_len);
    } else if (is(name, name_len, "grpc-message")) {
        buf_clear(&call->text);
        if (grpc_message_decode(&call->text, (const char *)value, value_len) != OK)
            buf_clear(&call->text);
    }
    return 0;
}

static void judge(struct grpc_client_call *call, enum grpc_read read)
{
    switch (read) {
    case GRPC_READ_MORE:
        break;
    case GRPC_READ_MESSAGE:
        call->has_message = true;
        break;
    case GRPC_READ_COMPRESSED:
        grpc_client_call_end(call, GRPC_INTERNAL,
                             "the answer is compressed, which was not offered");
        break;
    case GRPC_READ_TOO_LARGE:
        grpc_client_call_end(call, GRPC_RESOURCE_EXHAUSTED, "the answer is too large");
        break;
    case GRPC_READ_BAD_FLAGS:
        grpc_client_call_end(call, GRPC_INTERNAL, "the answer has unknown flags");
        break;
    case GRPC_READ_NO_MEMORY:
        grpc_client_call_end(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        break;
    }
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *connection)
{
    struct grpc_client_call *call = call_of(session, stream);
    (void)flags;
    (void)connection;
    while (call && len && !call->over) {
        size_t used = 0;
        if (call->has_message) {
            grpc_client_call_end(call, GRPC_UNIMPLEMENTED, "more than one message in the answer");
            break;
        }
        judge(call, grpc_reader_feed(&call->reader, data, len, &used));
        data += used;
        len -= used;
    }
    return 0;
}

/* GOAWAY comes as REFUSED_STREAM for the streams beyond its last one. */
static int on_stream_end(nghttp2_session *session, int32_t stream, uint32_t error, void *connection)
{
    struct grpc_client_call *call = nghttp2_session_get_stream_user_data(session, stream);
    (void)connection;
    if (!call)
        return 0;
    if (call->over || error == NGHTTP2_REFUSED_STREAM) {
        grpc_client_call_lost(call, true, "the server refused the stream");
        return 0;
    }
    call->connection = NULL;
    list_remove(&call->item);
    end_of_stream(call, error);
    return 0;
}

/* New calls want another connection from now on. */
static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *connection)
{
    struct grpc_client_connection *c = connection;
    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY && c->client->current == c)
        c->client->current = NULL;
    return 0;
}

int grpc_client_callbacks(nghttp2_session_callbacks **callbacks)
{
    if (nghttp2_session_callbacks_new(callbacks) != 0)
        return ERR_NOMEM;
    nghttp2_session_callbacks_set_on_header_callback(*callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(*callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(*callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(*callbacks, on_stream_end);
    return OK;
}

/* The request ---------------------------------------------------------------------------------- */

struct grpc_client_call *grpc_client_call_new(struct grpc_client *client,
                                              const struct grpc_request *request)
{
    struct grpc_client_call *call = calloc(1, sizeof *call);
    if (!call || grpc_frame(&call->framed, request->message, (uint32_t)request->len) != OK) {
        free(call);
        return NULL;
    }
    call->client = client;
    call->request = *request;
    call->began = clock_now();
    call->reader.max = client->options.max_message;
    uv_timer_init(&client->loop->uv, &call->timer);
    call->timer.data = call;
    if (request->timeout_ms) {
        call->due_ms = loop_ms(client->loop) + request->timeout_ms;
        uv_timer_start(&call->timer, on_due, request->timeout_ms, 0);
    }
    list_append(&client->waiting, &call->item);
    client->calls++;
    return call;
}

static ssize_t on_room(nghttp2_session *session, int32_t stream, uint8_t *room, size_t len,
                       uint32_t *flags, nghttp2_data_source *source, void *connection)
{
    struct grpc_client_call *call = source->ptr;
    size_t left = buf_len(&call->framed) - call->sent;
    size_t n = left < len ? left : len;
    (void)session;
    (void)stream;
    (void)connection;
    memcpy(room, buf_data(&call->framed) + call->sent, n);
    call->sent += n;
    if (n == left)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

int grpc_client_call_submit(struct grpc_client_call *call, struct grpc_client_connection *c)
{
    char timeout[GRPC_TIMEOUT_FIELD];
    nghttp2_nv fields[8] = {FIELD(":method", "POST"),
                            FIELD(":scheme", "http"),
                            FIELD(":path", call->request.path),
                            FIELD(":authority", call->client->options.target),
                            FIELD("content-type", "application/grpc"),
                            FIELD("te", "trailers"),
                            FIELD("user-agent", "grpc-c-workshop/" WORKSHOP_VERSION)};
    size_t n = 7;
    uint64_t now = loop_ms(call->client->loop);
    if (call->due_ms) {
        grpc_timeout_write(timeout, call->due_ms > now ? call->due_ms - now : 1);
        fields[n++] = FIELD("grpc-timeout", timeout);
    }
    nghttp2_data_provider provider = {.source.ptr = call, .read_callback = on_room};
    call->stream = nghttp2_submit_request(c->transport.session, NULL, fields, n, &provider, call);
    if (call->stream < 0)
        return call->stream;
    call->tries++;
    call->connection = c;
    list_remove(&call->item);
    list_append(&c->calls, &call->item);
    return OK;
}
