/* One request and its answer; see server.h and internal.h. */
#include "base/clock.h"
#include "http/internal.h"
#include "http/response.h"

#include <assert.h>
#include <stdlib.h>

/* Pool ----------------------------------------------------------------------------------------- */

/* The one given back last: its memory is still in the processor's cache. */
static struct http_exchange *from_pool(struct http_server *server)
{
    struct http_exchange *x = LIST_ITEM(server->pool.prev, struct http_exchange, item);
    list_remove(&x->item);
    server->pooled--;
    return x;
}

struct http_exchange *http_exchange_take(struct http_server *server)
{
    struct http_exchange *x = server->pooled ? from_pool(server) : calloc(1, sizeof *x);
    if (!x)
        return NULL;
    list_init(&x->item);
    x->server = server;
    x->connection = NULL;
    x->state = EXCHANGE_RECEIVING;
    x->route = "other";
    x->data = NULL;
    x->ended = NULL;
    x->began = server->read_at;
    x->refused = x->interim = false;
    memset(x->notes, 0, sizeof x->notes);
    return x;
}

static void free_exchange(struct http_exchange *x)
{
    http_message_free(&x->message);
    buf_free(&x->head);
    buf_free(&x->body);
    free(x);
}

void http_exchange_give(struct http_exchange *x)
{
    struct http_server *server = x->server;
    list_remove(&x->item);
    if (server->closing || server->pooled == HTTP_EXCHANGE_POOL ||
        x->message.bytes.cap > HTTP_EXCHANGE_KEEP || x->head.cap > HTTP_EXCHANGE_KEEP) {
        free_exchange(x);
        return;
    }
    buf_clear(&x->head);
    buf_free(&x->body);
    list_append(&server->pool, &x->item);
    server->pooled++;
}

void http_exchange_pool_free(struct http_server *server)
{
    while (server->pooled)
        free_exchange(from_pool(server));
}

void http_exchange_end(struct http_exchange *x)
{
    struct http_server *server = x->server;
    const struct http_server_options *o = &server->options;
    if (o->answered && !x->interim)
        o->answered(x, x->status, clock_seconds(x->began, clock_now()), o->ctx);
    if (x->ended)
        x->ended(x);
    http_exchange_give(x);
    server->outstanding--;
    http_server_check(server);
}

/* What handlers ask ---------------------------------------------------------------------------- */

const struct http_message *http_request(const struct http_exchange *x)
{
    return x->refused ? NULL : &x->message;
}

const char *http_request_method(const struct http_exchange *x)
{
    return x->refused ? "other" : llhttp_method_name((llhttp_method_t)x->message.method);
}

const char *http_route(const struct http_exchange *x)
{
    return x->route;
}

void http_set_route(struct http_exchange *x, const char *pattern)
{
    x->route = pattern;
}

void http_set_data(struct http_exchange *x, void *data)
{
    x->data = data;
}

void *http_data(const struct http_exchange *x)
{
    return x->data;
}

void *http_notes(struct http_exchange *x)
{
    return x->notes;
}

/* Answers -------------------------------------------------------------------------------------- */

static void write_answer(struct http_exchange *x, const struct http_response *r)
{
    const struct http_message *m = &x->message;
    const struct http_server_options *o = &x->server->options;
    bool close = http_connection_ends_with(x->connection, x);
    struct http_response_form form = {.head = !x->refused && m->method == HTTP_HEAD,
                                      .close = close,
                                      .keep_alive = !x->refused && !m->minor_1 && !close,
                                      .headers = o->headers ? o->headers(x, o->ctx) : NULL};
    http_response_write(&x->head, r, form);
    if (r->take && !buf_ok(r->take))
        x->head.failed = true; /* half an answer is worse than none */
    if (r->take && !form.head) {
        x->body = *r->take;
        *r->take = (struct buf){0};
    }
    http_connection_answered(x->connection, x);
}

void http_reply(struct http_exchange *x, const struct http_response *r)
{
    assert(x->state == EXCHANGE_HANDLING && "answered twice");
    x->state = EXCHANGE_ANSWERED;
    x->status = r->status;
    if (x->connection)
        write_answer(x, r);
    else
        http_exchange_end(x);
    if (r->take)
        buf_free(r->take);
}

void http_reply_text(struct http_exchange *x, int status, const char *text)
{
    http_reply(x, &(struct http_response){.status = status, .body = text, .len = strlen(text)});
}

void http_reply_json(struct http_exchange *x, int status, const char *json, size_t len)
{
    http_reply(x,
               &(struct http_response){
                   .status = status, .content_type = "application/json", .body = json, .len = len});
}

void http_reply_error(struct http_exchange *x, int status, const char *text)
{
    struct buf json = {0};
    buf_text(&json, "{\"error\":\"");
    buf_json_escaped(&json, text, strlen(text));
    buf_text(&json, "\"}");
    http_reply(x, &(struct http_response){
                      .status = status, .content_type = "application/json", .take = &json});
}
