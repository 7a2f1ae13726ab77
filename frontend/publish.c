/* Publishing for a request; see publish.h. */
#include "frontend/publish.h"

#include "base/clock.h"
#include "frontend/app.h"
#include "frontend/request.h"

enum { RETRY_AFTER_S = 1 };

int publish_message(struct app *app, struct http_exchange *x, const struct message *message,
                    const char *id, amqp_confirm_cb confirmed, void *ctx)
{
    char traceparent[TRACEPARENT_SIZE];
    struct buf body = {0};
    traceparent_write(request_trace(app, x), traceparent);
    request_published(x, id);
    int rc = message_encode(message, &body);
    if (rc == OK) {
        const struct amqp_message out = {
            .body = buf_data(&body),
            .len = buf_len(&body),
            .content_type = CONTRACT_CONTENT_TYPE,
            .message_id = id,
            .traceparent = traceparent,
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
