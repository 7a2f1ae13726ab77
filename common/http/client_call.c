/* One request of the client, as bytes; see client_internal.h. */
#include "http/client_internal.h"

#include <ctype.h>
#include <stdlib.h>

/* What would end the line early, and so smuggle in another request. */
static bool is_valid(const struct http_client_request *r)
{
    if (!r->method[0] || r->target[0] != '/')
        return false;
    for (const char *c = r->method; *c; c++) {
        if (!isupper((unsigned char)*c) && *c != '-')
            return false;
    }
    for (const char *c = r->target; *c; c++) {
        if (*c <= ' ' || *c == 127)
            return false;
    }
    return true;
}

static void write_request(struct buf *out, const struct http_client *client,
                          const struct http_client_request *r)
{
    buf_text(out, r->method);
    buf_char(out, ' ');
    buf_text(out, client->prefix);
    buf_text(out, r->target);
    buf_text(out, client->common);
    if (r->headers)
        buf_text(out, r->headers);
    if (r->body || *r->method == 'P') { /* POST, PUT and PATCH say that they have none */
        buf_text(out, "Content-Length: ");
        buf_u64(out, r->len);
        buf_text(out, "\r\n");
    }
    buf_text(out, "\r\n");
    buf_append(out, r->body, r->len);
}

static void free_call(struct http_client_call *call)
{
    buf_free(&call->bytes);
    free(call);
}

static struct http_client_call *from_pool(struct http_client *client)
{
    struct http_client_call *call = LIST_ITEM(client->pool.prev, struct http_client_call, item);
    list_remove(&call->item);
    client->pooled--;
    return call;
}

static void give_back(struct http_client_call *call)
{
    struct http_client *client = call->client;
    if (client->closing || client->pooled == HTTP_CLIENT_CALL_POOL ||
        call->bytes.cap > HTTP_CLIENT_CALL_KEEP) {
        free_call(call);
        return;
    }
    buf_clear(&call->bytes);
    list_append(&client->pool, &call->item);
    client->pooled++;
}

void http_client_call_pool_free(struct http_client *client)
{
    while (client->pooled)
        free_call(from_pool(client));
}

static void on_due(struct http_timer *timer)
{
    struct http_client_call *call = LIST_ITEM(timer, struct http_client_call, timer);
    if (call->connection) {
        http_client_connection_close(call->connection, ERR_TIMEOUT);
        return;
    }
    list_remove(&call->item);
    call->client->queued--;
    http_client_call_end(call, ERR_TIMEOUT, NULL);
}

struct http_client_call *http_client_call_new(struct http_client *client,
                                              const struct http_client_request *r,
                                              http_client_cb cb, void *ctx, int *rc)
{
    *rc = is_valid(r) ? ERR_NOMEM : ERR_INVALID;
    if (*rc == ERR_INVALID)
        return NULL;
    struct http_client_call *call =
        client->pooled ? from_pool(client) : calloc(1, sizeof(struct http_client_call));
    if (!call)
        return NULL;
    call->client = client;
    call->connection = NULL;
    call->cb = cb;
    call->ctx = ctx;
    call->head = strcmp(r->method, "HEAD") == 0;
    call->repeatable = call->head || strcmp(r->method, "GET") == 0;
    list_init(&call->item);
    http_timer_init(&call->timer, on_due);
    write_request(&call->bytes, client, r);
    if (buf_ok(&call->bytes))
        return call;
    free_call(call);
    return NULL;
}

void http_client_call_end(struct http_client_call *call, int status,
                          const struct http_message *response)
{
    http_client_cb cb = call->cb;
    void *ctx = call->ctx;
    http_wheel_clear(&call->client->wheel, &call->timer);
    give_back(call);
    cb(status, response, ctx);
}
