/* How a request becomes a message: what GET /hello and POST /fruit share. */
#ifndef FRONTEND_PUBLISH_H
#define FRONTEND_PUBLISH_H

#include "amqp/publisher.h"
#include "contract/message.h"
#include "contract/uuid.h"

struct app;
struct http_exchange;

/* Publishes `message` under `id` (terminated), with the traceparent of the request's span.
 * `confirmed` is called as amqp_publish says. 0, or a negative code: then it is never called.
 */
int publish_message(struct app *app, struct http_exchange *x, const struct message *message,
                    const char *id, amqp_confirm_cb confirmed, void *ctx) MUST_CHECK;

/* Answers 503 with Retry-After: the broker cannot take it now. */
void publish_reply_unavailable(struct http_exchange *x);

#endif
