/*
 * One call of the server, from its header fields to its trailers; see server.h.
 *
 * A call is freed when both have let go of it: the stream (grpc_call_stream_end) and the handler
 * (grpc_finish). Whichever comes last frees.
 */
#include "grpc/server_internal.h"
#include "grpc/timeout.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>

GAUGE(open_calls, "grpc_open_calls", "Calls whose stream is open.");

enum { DEADLINE_SLACK_MS = 5 }; /* by which a client's clock may have begun before ours */

static void free_call(struct grpc_call *call)
{
    grpc_reader_free(&call->reader);
    buf_free(&call->out);
    buf_free(&call->text);
    grpc_call_hold(call);
    free(call);
}

/* Time ----------------------------------------------------------------------------------------- */

static void on_due(struct http_timer *timer)
{
    struct grpc_call *call = LIST_ITEM(timer, struct grpc_call, timer);
    struct grpc_connection *c = call->connection;
    if (call->state == CALL_ENDED) { /* the peer does not take the answer */
        nghttp2_submit_rst_stream(c->transport.session, NGHTTP2_FLAG_NONE, call->stream,
                                  NGHTTP2_CANCEL);
        grpc_transport_touch(&c->transport);
    } else if (call->http_status) {
        grpc_call_refuse_http(call);
    } else if (call->server->finishing) {
        grpc_call_end(call, GRPC_UNAVAILABLE, "the server shuts down");
    } else {
        grpc_call_end(call, GRPC_DEADLINE_EXCEEDED,
                      call->has_deadline ? "the deadline passed"
                                         : "the request did not come to its end");
    }
}

void grpc_call_hurry(struct grpc_call *call, uint64_t ms)
{
    bool sooner =
        !list_empty(&call->timer.item) && call->timer.due_ms <= loop_ms(call->server->loop) + ms;
    if (!sooner)
        grpc_call_set_limit(call, ms);
}

/* Receiving ------------------------------------------------------------------------------------ */

struct grpc_call *grpc_call_new(struct grpc_connection *c, int32_t stream)
{
    struct grpc_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->server = c->server;
    call->connection = c;
    call->stream = stream;
    call->reader.max = c->server->options.max_message;
    http_timer_init(&call->timer, on_due);
    list_append(&c->calls, &call->item);
    c->call_count++;
    gauge_inc(&open_calls);
    return call;
}

static bool is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

/* "application/grpc", and what may follow it: "+proto", ";…". */
static bool is_grpc(const char *type, size_t len)
{
    size_t n = sizeof GRPC_CONTENT_TYPE - 1;
    return len >= n && memcmp(type, GRPC_CONTENT_TYPE, n) == 0 &&
           (len == n || type[n] == '+' || type[n] == ';');
}

static const struct grpc_method *find(const struct grpc_method *method, const char *path,
                                      size_t len)
{
    for (; method->path; method++)
        if (is(path, len, method->path))
            return method;
    return NULL;
}

void grpc_call_field(struct grpc_call *call, const char *name, size_t name_len, const char *value,
                     size_t value_len)
{
    call->field_bytes += name_len + value_len;
    if (call->state != CALL_FIELDS)
        return;
    if (is(name, name_len, ":path"))
        call->method = find(call->server->options.methods, value, value_len);
    else if (is(name, name_len, ":method"))
        call->post = is(value, value_len, "POST");
    else if (is(name, name_len, "content-type"))
        call->known_type = is_grpc(value, value_len);
    else if (is(name, name_len, "grpc-timeout")) {
        call->has_deadline = true;
        call->bad_timeout = grpc_timeout_parse(value, value_len, &call->timeout_ms) != OK;
    }
}

/* What is wrong with the fields, or NULL. */
static const char *fault_of(const struct grpc_call *call, enum grpc_status *status)
{
    if (call->field_bytes > GRPC_FIELDS_MAX)
        return *status = GRPC_RESOURCE_EXHAUSTED, "too many bytes of header fields";
    if (!call->method)
        return *status = GRPC_UNIMPLEMENTED, "unknown method";
    if (call->bad_timeout)
        return *status = GRPC_INTERNAL, "malformed grpc-timeout";
    return NULL;
}

void grpc_call_begin(struct grpc_call *call)
{
    uint64_t limit = GRPC_REQUEST_LIMIT_S * 1000;
    enum grpc_status status = GRPC_OK;
    const char *fault = fault_of(call, &status);
    call->began = clock_now();
    call->due_ms = loop_ms(call->server->loop) + call->timeout_ms;
    call->state = CALL_RECEIVING;
    if (!call->post || !call->known_type)
        call->http_status = call->post ? "415" : "405";
    if (call->http_status)
        grpc_call_set_limit(call, limit);
    else if (fault)
        grpc_call_end(call, status, fault);
    else
        grpc_call_set_limit(call, call->has_deadline && call->timeout_ms < limit ? call->timeout_ms
                                                                                 : limit);
}

static void refuse_too_large(struct grpc_call *call)
{
    char text[96];
    snprintf(text, sizeof text, "the message has %u bytes, and %u are the most",
             call->reader.length, call->reader.max);
    grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, text);
}

static void judge(struct grpc_call *call, enum grpc_read read)
{
    switch (read) {
    case GRPC_READ_MORE:
        break;
    case GRPC_READ_MESSAGE:
        call->has_message = true;
        break;
    case GRPC_READ_COMPRESSED:
        grpc_call_end(call, GRPC_UNIMPLEMENTED, "compressed messages are not understood");
        break;
    case GRPC_READ_TOO_LARGE:
        refuse_too_large(call);
        break;
    case GRPC_READ_BAD_FLAGS:
        grpc_call_end(call, GRPC_INTERNAL, "a message has unknown flags");
        break;
    case GRPC_READ_NO_MEMORY:
        grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        break;
    }
}

void grpc_call_data(struct grpc_call *call, const uint8_t *data, size_t len)
{
    while (len && call->state == CALL_RECEIVING && !call->http_status) {
        size_t used = 0;
        if (call->has_message) {
            grpc_call_end(call, GRPC_UNIMPLEMENTED, "more than one message in the request");
            return;
        }
        judge(call, grpc_reader_feed(&call->reader, data, len, &used));
        data += used;
        len -= used;
        if (!grpc_call_hold(call))
            grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "the server holds too many messages");
    }
}

static void set_deadline(struct grpc_call *call)
{
    uint64_t now = loop_ms(call->server->loop);
    if (call->has_deadline)
        grpc_call_set_limit(call, call->due_ms > now ? call->due_ms - now : 0);
    else
        http_wheel_clear(&call->server->hub.wheel, &call->timer);
}

static void hand_over(struct grpc_call *call)
{
    const struct grpc_method *method = call->method;
    call->state = CALL_HANDLING;
    call->owed = true;
    call->server->owed++;
    set_deadline(call);
    method->handler(call, buf_data(&call->reader.message), buf_len(&call->reader.message),
                    method->ctx);
    if (call->state == CALL_HANDLING) { /* it will end later, and has copied what it needs */
        grpc_reader_free(&call->reader);
        grpc_call_hold(call);
    }
}

void grpc_call_client_end(struct grpc_call *call)
{
    call->client_ended = true;
    if (call->state != CALL_RECEIVING)
        return;
    if (call->http_status)
        grpc_call_refuse_http(call);
    else if (call->has_message)
        hand_over(call);
    else if (grpc_reader_at_boundary(&call->reader))
        grpc_call_end(call, GRPC_UNIMPLEMENTED, "no message in the request");
    else
        grpc_call_end(call, GRPC_INTERNAL, "the request's message is cut short");
}

/* The stream's end ----------------------------------------------------------------------------- */

/* The client keeps the deadline, too, and as a rule resets the stream before we look. */
static enum grpc_status final_status(const struct grpc_call *call)
{
    if (call->said)
        return call->status;
    bool late =
        call->has_deadline && loop_ms(call->server->loop) + DEADLINE_SLACK_MS >= call->due_ms;
    return late ? GRPC_DEADLINE_EXCEEDED : GRPC_CANCELLED;
}

static void tell_end(const struct grpc_call *call)
{
    const struct grpc_server_options *o = &call->server->options;
    enum grpc_status status = final_status(call);
    if (o->ended && call->began)
        o->ended(call->method, status, clock_seconds(call->began, clock_now()), o->ctx);
}

void grpc_call_said(struct grpc_call *call)
{
    call->said = true;
    if (call->client_ended)
        return;
    /* The client may stop sending: nobody listens any more. */
    nghttp2_submit_rst_stream(call->connection->transport.session, NGHTTP2_FLAG_NONE, call->stream,
                              NGHTTP2_NO_ERROR);
}

void grpc_call_stream_end(struct grpc_call *call)
{
    struct grpc_connection *c = call->connection;
    list_remove(&call->item);
    c->call_count--;
    c->idle_since_ms = loop_ms(call->server->loop);
    call->connection = NULL;
    http_wheel_clear(&call->server->hub.wheel, &call->timer);
    buf_free(&call->out);
    grpc_call_hold(call);
    gauge_dec(&open_calls);
    tell_end(call);
    if (!call->owed)
        free_call(call);
    else if (call->gone)
        call->gone(call, call->gone_ctx); /* may end the call, and so free it */
}

/* For handlers --------------------------------------------------------------------------------- */

struct loop *grpc_call_loop(const struct grpc_call *call)
{
    return call->server->loop;
}

void grpc_send(struct grpc_call *call, const void *message, size_t len)
{
    assert(call->owed);
    if (call->state != CALL_HANDLING || !call->connection)
        return;
    if (len > UINT32_MAX || grpc_frame(&call->out, message, (uint32_t)len) != OK)
        grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    else if (!grpc_call_hold(call))
        grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "the server holds too many messages");
    else
        grpc_call_say_messages(call);
}

void grpc_finish(struct grpc_call *call, enum grpc_status status, const char *text)
{
    struct grpc_server *server = call->server;
    assert(call->owed);
    grpc_call_end(call, status, text);
    call->owed = false;
    server->owed--;
    if (!call->connection)
        free_call(call);
    grpc_server_check(server);
}

void grpc_reply(struct grpc_call *call, const void *message, size_t len)
{
    grpc_send(call, message, len);
    grpc_finish(call, GRPC_OK, NULL);
}

void grpc_call_on_gone(struct grpc_call *call, void (*gone)(struct grpc_call *call, void *ctx),
                       void *ctx)
{
    call->gone = gone;
    call->gone_ctx = ctx;
}
