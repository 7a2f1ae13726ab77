/* What a call of the server answers, and what it holds meanwhile; see server_internal.h. */
#include "grpc/server_internal.h"

#define FIELD(n, v)                                                                                \
    (nghttp2_nv)                                                                                   \
    {                                                                                              \
        (uint8_t *)(n), (uint8_t *)(v), sizeof(n) - 1, strlen(v),                                  \
            NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE                           \
    }

/* Their memory must outlive the frame, as NO_COPY says. */
static const char *const numbers[GRPC_STATUS_COUNT] = {
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"};

/* Tells the server what the call holds now; false where that is too much. */
bool grpc_call_hold(struct grpc_call *call)
{
    size_t now = buf_len(&call->reader.message) + buf_len(&call->out);
    call->server->held += now - call->held;
    call->held = now;
    return call->server->held <= GRPC_HELD_MAX;
}

void grpc_call_set_limit(struct grpc_call *call, uint64_t ms)
{
    http_wheel_set(&call->server->hub.wheel, &call->timer, loop_ms(call->server->loop) + ms);
}

/* Answering ------------------------------------------------------------------------------------ */

/* Out of memory in the midst of a connection's state: the connection goes. */
static void check(struct grpc_call *call, int rc)
{
    if (rc != 0)
        grpc_transport_close(&call->connection->transport, ERR_NOMEM);
    else
        grpc_transport_touch(&call->connection->transport);
}

static size_t trailers(const struct grpc_call *call, nghttp2_nv fields[2])
{
    fields[0] = FIELD("grpc-status", numbers[call->status]);
    if (!buf_len(&call->text))
        return 1;
    fields[1] =
        (nghttp2_nv){(uint8_t *)"grpc-message", (uint8_t *)buf_data(&call->text),
                     sizeof "grpc-message" - 1, buf_len(&call->text), NGHTTP2_NV_FLAG_NO_COPY_NAME};
    return 2;
}

/* nghttp2 has room for `room` bytes of a DATA frame. */
static ssize_t on_room(nghttp2_session *session, int32_t stream, uint8_t *room, size_t len,
                       uint32_t *flags, nghttp2_data_source *source, void *connection)
{
    struct grpc_call *call = source->ptr;
    size_t n = buf_len(&call->out) < len ? buf_len(&call->out) : len;
    (void)connection;
    if (n) {
        memcpy(room, buf_data(&call->out), n);
        buf_consume(&call->out, n);
        grpc_call_hold(call);
    }
    if (buf_len(&call->out))
        return (ssize_t)n;
    if (call->state != CALL_ENDED)
        return n ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (call->http_status)
        return (ssize_t)n;
    nghttp2_nv fields[2];
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    int rc = nghttp2_submit_trailer(session, stream, fields, trailers(call, fields));
    return rc ? NGHTTP2_ERR_CALLBACK_FAILURE : (ssize_t)n;
}

void grpc_call_say_messages(struct grpc_call *call)
{
    nghttp2_session *session = call->connection->transport.session;
    if (call->headers_said) {
        nghttp2_session_resume_data(session, call->stream);
        grpc_transport_touch(&call->connection->transport);
        return;
    }
    nghttp2_nv fields[] = {FIELD(":status", "200"), FIELD("content-type", GRPC_CONTENT_TYPE)};
    nghttp2_data_provider provider = {.source.ptr = call, .read_callback = on_room};
    call->headers_said = true;
    check(call, nghttp2_submit_response(session, call->stream, fields, 2, &provider));
}

/* No message came before the end: all of the answer in one HEADERS frame. */
static void say_end_alone(struct grpc_call *call)
{
    nghttp2_nv fields[5] = {FIELD(":status", "200"), FIELD("content-type", GRPC_CONTENT_TYPE),
                            FIELD("grpc-accept-encoding", "identity")};
    size_t n = 3 + trailers(call, fields + 3);
    call->headers_said = true;
    check(call, nghttp2_submit_response(call->connection->transport.session, call->stream, fields,
                                        n, NULL));
}

void grpc_call_end(struct grpc_call *call, enum grpc_status status, const char *text)
{
    if (call->state == CALL_ENDED || !call->connection)
        return;
    call->state = CALL_ENDED;
    call->status = status;
    if (text && grpc_message_encode(&call->text, text, strlen(text)) != OK)
        buf_clear(&call->text);
    grpc_reader_free(&call->reader);
    grpc_call_hold(call);
    grpc_call_set_limit(call, GRPC_ANSWER_LIMIT_S * 1000);
    if (call->headers_said || buf_len(&call->out))
        grpc_call_say_messages(call);
    else
        say_end_alone(call);
}

/* To whom speaks no gRPC, once all was heard. */
void grpc_call_refuse_http(struct grpc_call *call)
{
    nghttp2_nv fields[] = {FIELD(":status", call->http_status),
                           FIELD("content-type", "text/plain")};
    nghttp2_data_provider provider = {.source.ptr = call, .read_callback = on_room};
    call->state = CALL_ENDED;
    call->status = GRPC_UNKNOWN;
    call->headers_said = true;
    buf_text(&call->out, "This is a gRPC service: POST, and application/grpc.\n");
    grpc_call_set_limit(call, GRPC_ANSWER_LIMIT_S * 1000);
    check(call, nghttp2_submit_response(call->connection->transport.session, call->stream, fields,
                                        2, &provider));
}
