/* The client's pool, queue and end; see client.h and client_internal.h. */
#include "base/settings.h"
#include "http/client_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* Queue and pool ------------------------------------------------------------------------------- */

struct http_client_call *http_client_next(struct http_client *client)
{
    struct list *first = list_first(&client->queue);
    if (!first)
        return NULL;
    list_remove(first);
    client->queued--;
    return LIST_ITEM(first, struct http_client_call, item);
}

void http_client_requeue(struct http_client_call *call)
{
    struct http_client *client = call->client;
    if (client->closing) {
        http_client_call_end(call, ERR_CLOSED, NULL);
        return;
    }
    call->repeatable = false;
    call->connection = NULL;
    list_append(client->queue.next, &call->item); /* in front of the first: its turn had come */
    client->queued++;
}

static void on_resolved(struct resolver *resolver, int status)
{
    struct http_client *client = resolver->ctx;
    client->resolved = status == 0;
    client->address = 0;
    struct http_client_call *call;
    size_t failed = status < 0 && !client->closing ? client->queued : 0;
    for (; failed && (call = http_client_next(client)); failed--) /* others may be sent meanwhile */
        http_client_call_end(call, status, NULL);
    http_client_check(client);
}

/* An idle connection that was used last is taken first: its peer is least likely to close it. */
void http_client_dispatch(struct http_client *client)
{
    if (client->closing)
        return;
    while (client->queued && !list_empty(&client->idle))
        http_client_connection_start(
            LIST_ITEM(client->idle.prev, struct http_client_connection, idle),
            http_client_next(client));
    if (client->queued && !client->resolved) {
        if (resolver_start(&client->resolver, &client->loop->uv, client->host) < 0)
            return; /* no memory: the calls meet their time-out, or the next dispatch does better */
    }
    while (client->resolved && client->connecting < client->queued &&
           client->open < (size_t)client->options.connections) {
        if (!http_client_connection_open(client, client->address, 0))
            return;
    }
}

void http_client_unreachable(struct http_client *client, int why, int address, int tried)
{
    if (client->closing)
        return;
    int count = client->resolver.count;
    if (client->resolved && tried + 1 < count &&
        http_client_connection_open(client, (address + 1) % count, tried + 1))
        return;
    client->resolved = false;
    struct http_client_call *call = http_client_next(client);
    if (call)
        http_client_call_end(call, why, NULL);
}

int http_client_send(struct http_client *client, const struct http_client_request *request,
                     http_client_cb cb, void *ctx)
{
    int rc;
    if (client->closing)
        return ERR_CLOSED;
    if (client->queued >= HTTP_CLIENT_QUEUE_MAX)
        return ERR_FULL;
    struct http_client_call *call = http_client_call_new(client, request, cb, ctx, &rc);
    if (!call)
        return rc;
    http_wheel_set(&client->wheel, &call->timer,
                   loop_ms(client->loop) + (uint64_t)client->options.timeout_ms);
    list_append(&client->queue, &call->item);
    client->queued++;
    http_client_dispatch(client);
    return OK;
}

size_t http_client_queued(const struct http_client *client)
{
    return client->queued;
}

size_t http_client_open(const struct http_client *client)
{
    return client->open;
}

/* The end -------------------------------------------------------------------------------------- */

static void free_client(struct http_client *client)
{
    http_client_call_pool_free(client);
    free(client->prefix);
    free(client->common);
    free(client);
}

void http_client_check(struct http_client *client)
{
    if (!client->closing) {
        http_client_dispatch(client);
        return;
    }
    if (!client->wheel_closed || client->open || client->resolver.busy)
        return;
    void (*closed)(void *ctx) = client->closed;
    void *ctx = client->closed_ctx;
    free_client(client);
    if (closed)
        closed(ctx);
}

static void on_wheel_closed(struct http_wheel *wheel)
{
    struct http_client *client = LIST_ITEM(wheel, struct http_client, wheel);
    for (struct http_client_call *call; (call = http_client_next(client));)
        http_client_call_end(call, ERR_CLOSED, NULL);
    client->wheel_closed = true;
    http_client_check(client);
}

void http_client_close(struct http_client *client, void (*cb)(void *ctx), void *ctx)
{
    assert(!client->closing && "closed twice");
    client->closing = true;
    client->closed = cb;
    client->closed_ctx = ctx;
    resolver_cancel(&client->resolver);
    LIST_FOREACH_SAFE (item, &client->connections)
        http_client_connection_close(LIST_ITEM(item, struct http_client_connection, item),
                                     ERR_CLOSED);
    http_wheel_close(&client->wheel, on_wheel_closed);
}

/* Making --------------------------------------------------------------------------------------- */

/* Splits http://HOST[:PORT][/prefix]; texts are the client's. */
static int take_url(struct http_client *client, const char *url, struct err *err)
{
    char authority[300], address[310];
    size_t scheme = strlen("http://");
    if (strncmp(url, "http://", scheme) != 0 || strpbrk(url, "@?# \r\n"))
        return err_set(err, ERR_INVALID, "%s is not http://HOST[:PORT][/prefix]", url);
    size_t len = strcspn(url + scheme, "/");
    snprintf(authority, sizeof authority, "%.*s", (int)len, url + scheme);
    const char *colon = strrchr(authority, ':');
    bool has_port = colon && !strchr(colon, ']');
    snprintf(address, sizeof address, "%s%s", authority, has_port ? "" : ":80");
    if (len >= sizeof authority ||
        settings_split_address(address, client->host, &client->port) != OK || !client->host[0])
        return err_set(err, ERR_INVALID, "%s has no valid HOST[:PORT]", url);
    size_t prefix = strlen(url + scheme + len);
    prefix -= prefix && url[scheme + len + prefix - 1] == '/';
    client->prefix = strndup(url + scheme + len, prefix);
    if (!client->prefix || asprintf(&client->common, " HTTP/1.1\r\nHost: %s\r\n", authority) < 0) {
        client->common = NULL;
        return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    }
    return OK;
}

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options,
                                    struct err *err)
{
    struct http_client *client = calloc(1, sizeof *client);
    if (!client) {
        err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
        return NULL;
    }
    client->options = *options;
    struct http_client_options *o = &client->options;
    o->limits = http_limits_or_default(o->limits);
    o->connections = o->connections ? o->connections : HTTP_CLIENT_CONNECTIONS;
    o->timeout_ms = o->timeout_ms ? o->timeout_ms : HTTP_CLIENT_TIMEOUT_MS;
    client->loop = loop;
    client->resolver.on_end = on_resolved;
    client->resolver.ctx = client;
    list_init(&client->queue);
    list_init(&client->connections);
    list_init(&client->idle);
    list_init(&client->pool);
    int rc = take_url(client, options->url, err);
    if (rc == OK && (rc = http_wheel_init(&client->wheel, loop)) < 0)
        err_set(err, rc, "%s", err_text(rc));
    if (rc == OK)
        return client;
    free_client(client);
    return NULL;
}
