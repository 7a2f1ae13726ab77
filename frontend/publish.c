/* Publishing for a request; see publish.h. */
#include "frontend/publish.h"

#include "base/clock.h"
#include "contract/traceparent.h"
#include "frontend/app.h"

#include <string.h>

enum { RETRY_AFTER_S = 1 };

/* The request's, or NULL where it has none that is valid. */
static const char *traceparent_of(const struct http_exchange *x, char out[TRACEPARENT_SIZE])
{
    const struct http_span *field = http_header(http_request(x), "traceparent");
    if (!field || !traceparent_valid(field->data, field->len))
        return NULL;
    memcpy(out, field->data, TRACEPARENT_LEN);
    out[TRACEPARENT_LEN] = '\0';
    return out;
}

int publish_message(struct app *app, const struct http_exchange *x, const struct message *message,
                    const char *id, amqp_confirm_cb confirmed, void *ctx)
{
    char traceparent[TRACEPARENT_SIZE];
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
