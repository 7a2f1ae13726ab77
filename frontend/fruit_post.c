/* POST /fruit; see fruit_post.h. The file reads in the order of time: checks, publish, answer. */
#include "frontend/fruit_post.h"

#include "frontend/app.h"
#include "frontend/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

COUNTER(fruit_requests, "fruit_requests_total", /* [1 */
        "Requests for fruit, GET and POST, that passed validation.");

void fruit_request_count(void)
{
    counter_inc(&fruit_requests);
} /* 1] */

/* What is kept of an order until the broker has confirmed it. */
struct order {
    struct http_exchange *x;
    struct message message;
    char id[UUID_SIZE];
};

/* application/json, with or without parameters such as charset. */
static bool is_json(const struct http_message *request)
{
    static const char json[] = "application/json";
    const size_t len = sizeof json - 1;
    const struct http_span *type = http_header(request, "content-type");
    if (!type || type->len < len || strncasecmp(type->data, json, len) != 0)
        return false;
    return type->len == len || strchr("; \t", type->data[len]) != NULL;
}

static int decode(const struct http_message *request, struct message *out)
{
    return message_decode_fruit(request->body.data, request->body.len, out, NULL);
}

/* The client's key, else a new id. */
static int choose_id(const struct http_message *request, char id[UUID_SIZE])
{
    const struct http_span *key = http_header(request, "idempotency-key");
    if (!key) {
        uuid_v7(id);
        return OK;
    }
    return uuid_normalise(key->data, key->len, id);
}

static void on_confirm(int status, void *context)
{
    struct order *order = context;
    char body[160];
    if (status == OK) {
        int len =
            snprintf(body, sizeof body, "{\"message\":\"You sent %d %s!\",\"id\":\"%s\"}",
                     (int)order->message.quantity, fruit_name(order->message.fruit), order->id);
        http_reply_json(order->x, 200, body, (size_t)len);
    } else {
        publish_reply_unavailable(order->x);
    }
    free(order);
}

static void publish_order(struct app *app, const struct order *checked)
{
    struct order *order = malloc(sizeof *order);
    if (order)
        *order = *checked;
    if (!order ||
        publish_message(app, order->x, &order->message, order->id, on_confirm, order) != OK) {
        free(order);
        publish_reply_unavailable(checked->x);
    }
}

void fruit_post(struct http_exchange *x, void *context)
{
    const struct http_message *request = http_request(x);
    struct order order = {.x = x};
    int rc;
    if (!is_json(request)) {
        http_reply_error(x, 415, "Content-Type must be application/json");
    } else if ((rc = decode(request, &order.message)) == ERR_NOMEM) {
        publish_reply_unavailable(x);
    } else if (rc != OK) {
        http_reply_error(x, 400, message_refusal(rc));
    } else if (choose_id(request, order.id) != OK) {
        http_reply_error(x, 400, "Invalid Idempotency-Key");
    } else {
        fruit_request_count(); /* [1] */
        publish_order(context, &order);
    }
}
