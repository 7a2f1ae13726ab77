/* Publishing for a request; see publish.h. */
#include "frontend/publish.h"

#include "base/clock.h"
#include "frontend/app.h"

enum { TRACEPARENT_LEN = 55, RETRY_AFTER_S = 1 };

static bool all(struct http_span t, size_t from, size_t to, char c)
{
    for (size_t i = from; i < to; i++)
        if (t.data[i] != c)
            return false;
    return true;
}

/* version-trace_id-parent_id-flags, as W3C Trace Context section 3.2 has them; version ff and ids
 * of zeroes alone are invalid there. What is not of that form is not passed on: it would end up in
 * other people's logs. */
static bool traceparent_valid(struct http_span t)
{
    if (t.len != TRACEPARENT_LEN)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        bool dash = i == 2 || i == 35 || i == 52;
        bool hex = (t.data[i] >= '0' && t.data[i] <= '9') || (t.data[i] >= 'a' && t.data[i] <= 'f');
        if (dash ? t.data[i] != '-' : !hex)
            return false;
    }
    return !all(t, 0, 2, 'f') && !all(t, 3, 35, '0') && !all(t, 36, 52, '0');
}

static const char *traceparent_of(const struct http_exchange *x, char out[TRACEPARENT_LEN + 1])
{
    const struct http_span *field = http_header(http_request(x), "traceparent");
    if (!field || !traceparent_valid(*field))
        return NULL;
    memcpy(out, field->data, TRACEPARENT_LEN);
    out[TRACEPARENT_LEN] = '\0';
    return out;
}

int publish_message(struct app *app, const struct http_exchange *x, const struct message *message,
                    const char *id, amqp_confirm_cb confirmed, void *ctx)
{
    char traceparent[TRACEPARENT_LEN + 1];
    struct buf body = {0};
    int rc = message_encode(message, &body);
    if (rc == OK) {
        const struct amqp_message out = {
            .body = buf_data(&body),
            .len = buf_len(&body),
            .content_type = CONTRACT_CONTENT_TYPE,
            .message_id = id,
            .traceparent = traceparent_of(x, traceparent),
            .timestamp = clock_wall_ms() / 1000,
        };
        rc = amqp_publish(app->publisher, &out, confirmed, ctx);
    }
    buf_free(&body);
    return rc;
}

void publish_reply_unavailable(struct http_exchange *x)
{
    static const char body[] = "{\"error\":\"The message broker cannot take it now\"}";
    http_reply(x, &(struct http_response){.status = 503,
                                          .content_type = "application/json",
                                          .body = body,
                                          .len = sizeof body - 1,
                                          .retry_after = RETRY_AFTER_S});
}
