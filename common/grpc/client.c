/* The client's connection: made when a call wants it, made again when it is lost; see client.h. */
#include "base/random.h"
#include "grpc/client_internal.h"
#include "grpc/server.h"

#include <stdio.h>
#include <stdlib.h>

static void connect_to(struct grpc_client *client, const char *address);

/* Calls that wait ------------------------------------------------------------------------------ */

static bool is_ready(const struct grpc_client *client)
{
    return client->current && client->current->connected &&
           client->current->transport.state == TRANSPORT_OPEN;
}

static void send_waiting(struct grpc_client *client)
{
    struct grpc_client_connection *c = client->current;
    LIST_FOREACH_SAFE (item, &client->waiting) {
        if (grpc_client_call_submit(LIST_ITEM(item, struct grpc_client_call, item), c) != OK) {
            grpc_transport_close(&c->transport,
                                 ERR_LOST); /* it takes no more; there will be another */
            return;
        }
    }
    grpc_transport_touch(&c->transport);
}

static void begin_attempt(struct grpc_client *client)
{
    if (client->resolver.busy || client->current || !list_empty(&client->again.item))
        return;
    if (!client->lost_ms)
        client->lost_ms = loop_ms(client->loop);
    if (resolver_start(&client->resolver, &client->loop->uv, client->host) != OK)
        http_wheel_set(&client->hub.wheel, &client->again,
                       loop_ms(client->loop) + GRPC_BACKOFF_CAP_MS);
}

void grpc_client_wake(struct grpc_client *client)
{
    if (list_empty(&client->waiting) || client->closing)
        return;
    if (is_ready(client))
        send_waiting(client);
    else
        begin_attempt(client);
}

/* The next attempt is due, or the present one takes too long. */
static void on_again(struct http_timer *timer)
{
    struct grpc_client *client = LIST_ITEM(timer, struct grpc_client, again);
    if (client->current && !client->current->connected)
        grpc_transport_close(&client->current->transport, ERR_TIMEOUT);
    else
        grpc_client_wake(client);
}

/* Those that were waiting when it began: `done` may ask for more, which wait for themselves. */
static void end_waiting(struct grpc_client *client, bool all, enum grpc_status status,
                        const char *text)
{
    struct list *last = client->waiting.prev, *item = client->waiting.next, *next;
    for (bool more = !list_empty(&client->waiting); more; item = next) {
        struct grpc_client_call *call = LIST_ITEM(item, struct grpc_client_call, item);
        next = item->next;
        more = item != last;
        if (all || !call->due_ms)
            grpc_client_call_end(call, status, text);
    }
}

/* Attempts ------------------------------------------------------------------------------------- */

static void failed(struct grpc_client *client, const char *reason)
{
    uint64_t now = loop_ms(client->loop);
    snprintf(client->why, sizeof client->why, "cannot reach %.100s: %s", client->options.target,
             reason);
    if (client->closing)
        return;
    if (client->lost_ms && now - client->lost_ms >= GRPC_CONNECT_LIMIT_MS) {
        client->lost_ms = 0;
        end_waiting(client, false, GRPC_UNAVAILABLE, client->why);
    }
    http_wheel_set(&client->hub.wheel, &client->again,
                   now + backoff_next(&client->backoff, (uint32_t)random_u64()));
}

static void on_resolved(struct resolver *resolver, int status)
{
    struct grpc_client *client = resolver->ctx;
    if (client->closing)
        grpc_client_check(client);
    else if (status < 0 || !resolver->count)
        failed(client, status < 0 ? uv_strerror(status) : "no address"); /* a code of resolving */
    else
        connect_to(client, resolver->addresses[0]);
}

static void on_closed(struct grpc_transport *t, int why)
{
    struct grpc_client_connection *c = (struct grpc_client_connection *)t;
    struct grpc_client *client = c->client;
    bool connected = c->connected;
    if (client->current == c)
        client->current = NULL;
    LIST_FOREACH_SAFE (item, &c->calls)
        grpc_client_call_lost(LIST_ITEM(item, struct grpc_client_call, item), false,
                              "the connection was lost");
    list_remove(&c->item);
    free(c);
    if (!connected)
        failed(client, err_text(why));
    grpc_client_wake(client);
    grpc_client_check(client);
}

static int make_session(struct grpc_client_connection *c)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, GRPC_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_FIELDS_MAX},
    };
    nghttp2_session *session;
    if (nghttp2_session_client_new(&session, c->client->callbacks, c) != 0)
        return ERR_NOMEM;
    c->transport.session = session;
    int rc = nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
                                     sizeof settings / sizeof *settings);
    rc = rc ? rc
            : nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                                    GRPC_CONNECTION_WINDOW);
    return rc ? ERR_NOMEM : OK;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct grpc_client_connection *c = request->data;
    struct grpc_client *client = c->client;
    int rc = status ? status : make_session(c);
    rc = rc ? rc : grpc_transport_start(&c->transport);
    if (rc != OK) {
        grpc_transport_close(&c->transport, rc);
        return;
    }
    c->connected = true;
    client->lost_ms = 0;
    *client->why = 0;
    http_wheel_clear(&client->hub.wheel, &client->again);
    backoff_reset(&client->backoff);
    grpc_client_wake(client);
}

static int begin_connect(struct grpc_client_connection *c, const char *address)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } to;
    int rc = strchr(address, ':') ? uv_ip6_addr(address, c->client->port, &to.v6)
                                  : uv_ip4_addr(address, c->client->port, &to.v4);
    c->connect.data = c;
    return rc ? rc : uv_tcp_connect(&c->connect, &c->transport.tcp, &to.any, on_connected);
}

static void connect_to(struct grpc_client *client, const char *address)
{
    static const struct grpc_transport_owner owner = {NULL, on_closed};
    struct grpc_client_connection *c = calloc(1, sizeof *c);
    if (!c || grpc_transport_init(&c->transport, &client->hub, &owner) < 0) {
        free(c);
        failed(client, err_text(ERR_NOMEM));
        return;
    }
    c->client = client;
    list_init(&c->calls);
    list_append(&client->connections, &c->item);
    client->current = c;
    http_wheel_set(&client->hub.wheel, &client->again,
                   loop_ms(client->loop) + GRPC_CONNECT_LIMIT_MS);
    int rc = begin_connect(c, address);
    if (rc < 0)
        grpc_transport_close(&c->transport, rc);
}

/* For whoever calls ---------------------------------------------------------------------------- */

int grpc_client_call(struct grpc_client *client, const struct grpc_request *request)
{
    if (client->closing)
        return ERR_CLOSED;
    if (client->calls >= GRPC_CLIENT_CALLS_MAX)
        return ERR_FULL;
    if (!grpc_client_call_new(client, request))
        return ERR_NOMEM;
    grpc_client_wake(client);
    return OK;
}

static struct grpc_client *new_client(struct loop *loop, const struct grpc_client_options *options)
{
    struct grpc_client *client = calloc(1, sizeof *client);
    if (!client || grpc_client_callbacks(&client->callbacks) != OK) {
        free(client);
        return NULL;
    }
    client->loop = loop;
    client->options = *options;
    if (!client->options.max_message)
        client->options.max_message = GRPC_MESSAGE_MAX;
    client->resolver = (struct resolver){.on_end = on_resolved, .ctx = client};
    client->backoff = (struct backoff){GRPC_BACKOFF_FIRST_MS, GRPC_BACKOFF_CAP_MS, 0};
    list_init(&client->waiting);
    list_init(&client->connections);
    http_timer_init(&client->again, on_again);
    return client;
}

struct grpc_client *grpc_client_new(struct loop *loop, const struct grpc_client_options *options,
                                    struct err *err)
{
    struct grpc_client *client = new_client(loop, options);
    if (!client) {
        err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
        return NULL;
    }
    int rc = settings_split_address(options->target, client->host, &client->port);
    rc = rc ? rc : grpc_hub_init(&client->hub, loop);
    if (rc != OK) {
        err_set(err, ERR_INVALID, "%s is not HOST:PORT", options->target);
        nghttp2_session_callbacks_del(client->callbacks);
        free(client);
        return NULL;
    }
    return client;
}

/* The end -------------------------------------------------------------------------------------- */

static void on_hub_closed(struct grpc_hub *hub)
{
    struct grpc_client *client = LIST_ITEM(hub, struct grpc_client, hub);
    void (*closed)(void *ctx) = client->closed;
    void *ctx = client->closed_ctx;
    nghttp2_session_callbacks_del(client->callbacks);
    free(client);
    closed(ctx);
}

void grpc_client_check(struct grpc_client *client)
{
    if (!client->closing || client->hub_closing || client->resolver.busy || client->calls ||
        !list_empty(&client->connections))
        return;
    client->hub_closing = true;
    grpc_hub_close(&client->hub, on_hub_closed);
}

static void on_close_due(struct http_timer *timer)
{
    struct grpc_client *client = LIST_ITEM(timer, struct grpc_client, again);
    end_waiting(client, true, GRPC_CANCELLED, "the client was closed");
    grpc_client_check(client);
}

void grpc_client_close(struct grpc_client *client, void (*closed)(void *ctx), void *ctx)
{
    client->closing = true;
    client->closed = closed;
    client->closed_ctx = ctx;
    resolver_cancel(&client->resolver);
    client->again.expired = on_close_due; /* from a later turn, as all that ends calls */
    http_wheel_set(&client->hub.wheel, &client->again, loop_ms(client->loop));
    LIST_FOREACH_SAFE (item, &client->connections)
        grpc_transport_close(&LIST_ITEM(item, struct grpc_client_connection, item)->transport,
                             ERR_CLOSED);
}
