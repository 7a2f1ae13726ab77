/* POST /fruit: checks an order, publishes it, and answers when the broker has confirmed it. */
#ifndef FRONTEND_FRUIT_POST_H
#define FRONTEND_FRUIT_POST_H

#include "metrics/metrics.h"

struct http_exchange;

/* A handler; `app` is the struct app. 200 with the message's id; 400 for a body or an
 * Idempotency-Key that is not valid, 415 for a body that is not JSON by its Content-Type, 503. What
 * is rejected is never published. */
void fruit_post(struct http_exchange *x, void *app);

/* fruit_requests_total: GET and POST /fruit that passed validation. [1 */
void fruit_request_count(void); /* 1] */

#endif
