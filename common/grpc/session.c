/* One connection of the gRPC server: what its frames mean; see server_internal.h. */
#include "grpc/server_internal.h"
#include "metrics/metrics.h"

#include <stdlib.h>

/* Frames --------------------------------------------------------------------------------------- */

static struct grpc_call *call_of(nghttp2_session *session, int32_t stream)
{
    return stream ? nghttp2_session_get_stream_user_data(session, stream) : NULL;
}

static bool is_request(const nghttp2_frame *frame)
{
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *connection)
{
    if (!is_request(frame))
        return 0;
    struct grpc_call *call = grpc_call_new(connection, frame->hd.stream_id);
    if (!call)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the stream alone is reset */
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, call);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *connection)
{
    struct grpc_call *call = call_of(session, frame->hd.stream_id);
    (void)flags;
    (void)connection;
    if (call)
        grpc_call_field(call, (const char *)name, name_len, (const char *)value, value_len);
    return 0;
}

static void on_control_frame(struct grpc_connection *c, const nghttp2_frame *frame)
{
    bool ack = frame->hd.flags & NGHTTP2_FLAG_ACK;
    if (frame->hd.type == NGHTTP2_SETTINGS && !ack)
        c->settled = true;
    if (frame->hd.type == NGHTTP2_PING && ack && c->notice_ms)
        grpc_connection_say_last(c);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *connection)
{
    struct grpc_call *call = call_of(session, frame->hd.stream_id);
    if (!frame->hd.stream_id)
        on_control_frame(connection, frame);
    if (call && is_request(frame))
        grpc_call_begin(call);
    if (call && frame->hd.type <= NGHTTP2_HEADERS && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        grpc_call_client_end(call);
    return 0;
}

/* Taken at once, so the windows open again: what may pile up is bounded by the calls' messages. */
static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *connection)
{
    struct grpc_call *call = call_of(session, stream);
    (void)flags;
    (void)connection;
    if (call)
        grpc_call_data(call, data, len);
    return 0;
}

/* A GOAWAY that blames the peer is nghttp2's own. */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *connection)
{
    struct grpc_connection *c = connection;
    struct grpc_call *call = call_of(session, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        c->blamed = true;
    if (call && frame->hd.type <= NGHTTP2_HEADERS && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        grpc_call_said(call);
    return 0;
}

static int on_stream_end(nghttp2_session *session, int32_t stream, uint32_t error, void *connection)
{
    struct grpc_call *call = call_of(session, stream);
    (void)error;
    (void)connection;
    if (call)
        grpc_call_stream_end(call);
    return 0;
}

int grpc_session_callbacks(nghttp2_session_callbacks **callbacks)
{
    if (nghttp2_session_callbacks_new(callbacks) != 0)
        return ERR_NOMEM;
    nghttp2_session_callbacks_set_on_begin_headers_callback(*callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(*callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(*callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(*callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(*callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(*callbacks, on_stream_end);
    return OK;
}

/* Time and end --------------------------------------------------------------------------------- */

void grpc_connection_say_notice(struct grpc_connection *c)
{
    if (c->notice_ms || c->transport.state != TRANSPORT_OPEN)
        return;
    c->notice_ms = loop_ms(c->server->loop);
    nghttp2_submit_shutdown_notice(c->transport.session);
    nghttp2_submit_ping(c->transport.session, NGHTTP2_FLAG_NONE, NULL);
    grpc_transport_touch(&c->transport);
}

void grpc_connection_say_last(struct grpc_connection *c)
{
    nghttp2_session *session = c->transport.session;
    if (c->last_said || c->transport.state != TRANSPORT_OPEN)
        return;
    c->last_said = true;
    nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR, NULL,
                          0);
    grpc_transport_touch(&c->transport);
    grpc_server_check(c->server);
}

static void on_look(struct grpc_transport *t, uint64_t now)
{
    struct grpc_connection *c = (struct grpc_connection *)t;
    uint64_t idle = c->call_count ? 0 : now - c->idle_since_ms;
    if (!c->settled && idle >= GRPC_PREFACE_LIMIT_S * 1000)
        grpc_transport_close(t, ERR_TIMEOUT);
    else if (c->notice_ms && now - c->notice_ms >= GRPC_NOTICE_LIMIT_MS)
        grpc_connection_say_last(c);
    else if (idle >= GRPC_IDLE_LIMIT_S * 1000)
        grpc_connection_say_notice(c);
}

static void count_trouble(const struct grpc_connection *c, int why)
{
    if (why == ERR_TIMEOUT)
        grpc_server_trouble(GRPC_TROUBLE_TIMEOUT);
    else if (why == ERR_NOMEM)
        grpc_server_trouble(GRPC_TROUBLE_MEMORY);
    else if (c->blamed || why == ERR_PROTOCOL)
        grpc_server_trouble(GRPC_TROUBLE_PROTOCOL);
}

static void on_closed(struct grpc_transport *t, int why)
{
    struct grpc_connection *c = (struct grpc_connection *)t;
    struct grpc_server *server = c->server;
    LIST_FOREACH_SAFE (item, &c->calls)
        grpc_call_stream_end(LIST_ITEM(item, struct grpc_call, item));
    list_remove(&c->item);
    count_trouble(c, why);
    free(c);
    grpc_server_connections(server, -1);
    grpc_server_check(server);
}

/* Making --------------------------------------------------------------------------------------- */

struct grpc_connection *grpc_connection_new(struct grpc_server *server)
{
    static const struct grpc_transport_owner owner = {on_look, on_closed};
    struct grpc_connection *c = calloc(1, sizeof *c);
    if (!c || grpc_transport_init(&c->transport, &server->hub, &owner) < 0) {
        free(c);
        return NULL;
    }
    c->server = server;
    c->idle_since_ms = loop_ms(server->loop);
    list_init(&c->calls);
    list_append(&server->connections, &c->item);
    grpc_server_connections(server, 1);
    return c;
}

static int make_session(struct grpc_connection *c)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, GRPC_STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, GRPC_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_FIELDS_MAX},
    };
    int rc = nghttp2_session_server_new(&c->transport.session, c->server->callbacks, c);
    if (rc != 0)
        return ERR_NOMEM;
    rc = nghttp2_submit_settings(c->transport.session, NGHTTP2_FLAG_NONE, settings,
                                 sizeof settings / sizeof *settings);
    rc = rc ? rc
            : nghttp2_session_set_local_window_size(c->transport.session, NGHTTP2_FLAG_NONE, 0,
                                                    GRPC_CONNECTION_WINDOW);
    return rc ? ERR_NOMEM : OK;
}

void grpc_connection_start(struct grpc_connection *c)
{
    int rc = make_session(c);
    rc = rc ? rc : grpc_transport_start(&c->transport);
    if (rc != OK)
        grpc_transport_close(&c->transport, rc);
}
