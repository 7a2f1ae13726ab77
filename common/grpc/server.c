/* The gRPC server listens, counts, and shuts down; see server.h. */
#include "base/log.h"
#include "grpc/server_internal.h"
#include "http/listen.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

GAUGE(open_connections, "grpc_open_connections", "Open gRPC connections.");
COUNTER(connections_total, "grpc_connections_total", "gRPC connections accepted.");
COUNTER_VEC(errors, "grpc_connection_errors_total",
            "gRPC connections closed for a fault, by reason.", reason);

static const char *const trouble_names[GRPC_TROUBLE_COUNT] = {"protocol", "timeout", "connections",
                                                              "memory"};
static counter *troubles[GRPC_TROUBLE_COUNT];

void grpc_server_trouble(enum grpc_trouble trouble)
{
    counter_inc(troubles[trouble]);
}

void grpc_server_connections(struct grpc_server *server, int change)
{
    server->connection_count += (size_t)change;
    gauge_add(&open_connections, change);
}

/* Accepting ------------------------------------------------------------------------------------ */

static void accept_one(struct grpc_server *server)
{
    struct grpc_connection *c = grpc_connection_new(server);
    server->unaccepted = !c; /* libuv announces no other one until this was accepted */
    if (!c)
        return;
    counter_inc(&connections_total);
    int rc = uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&c->transport.tcp);
    if (rc == OK && server->connection_count > GRPC_CONNECTIONS_MAX) {
        grpc_server_trouble(GRPC_TROUBLE_CONNECTIONS);
        rc = ERR_FULL;
    }
    if (rc == OK)
        grpc_connection_start(c);
    else
        grpc_transport_close(&c->transport, rc);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status < 0)
        log_warn("cannot accept a connection", LOG_ERR(status));
    else
        accept_one(listener->data);
}

static void on_before_poll(uv_prepare_t *handle)
{
    struct grpc_server *server = handle->data;
    if (server->unaccepted && !server->stopping)
        accept_one(server);
}

/* The end -------------------------------------------------------------------------------------- */

static void free_server(struct grpc_server *server)
{
    loop_part_remove(&server->stop_accepting);
    loop_part_remove(&server->finish);
    loop_part_remove(&server->close);
    nghttp2_session_callbacks_del(server->callbacks);
    free(server);
}

static void on_hub_closed(struct grpc_hub *hub)
{
    struct grpc_server *server = LIST_ITEM(hub, struct grpc_server, hub);
    server->hub_closed = true;
    if (!server->close.done)
        loop_part_done(&server->close);
    grpc_server_check(server);
}

static bool all_told(const struct grpc_server *server)
{
    LIST_FOREACH (item, &server->connections) {
        const struct grpc_connection *c = LIST_ITEM(item, struct grpc_connection, item);
        if (!c->last_said && c->transport.state == TRANSPORT_OPEN)
            return false;
    }
    return true;
}

/* Calls may be owed even when all is closed: their handlers still hold them. */
void grpc_server_check(struct grpc_server *server)
{
    if (server->stopping && !server->open && !server->stop_accepting.done && all_told(server))
        loop_part_done(&server->stop_accepting);
    if (server->finishing && !server->finish.done && !server->connection_count && !server->owed)
        loop_part_done(&server->finish);
    if (server->closing && !server->connection_count && !server->hub_closing) {
        server->hub_closing = true;
        grpc_hub_close(&server->hub, on_hub_closed);
    }
    if (server->hub_closed && !server->owed)
        free_server(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct grpc_server *server = handle->data;
    server->open--;
    grpc_server_check(server);
}

static void begin_stop_accepting(struct loop_part *part)
{
    struct grpc_server *server = LIST_ITEM(part, struct grpc_server, stop_accepting);
    server->stopping = true;
    uv_close((uv_handle_t *)&server->listener, on_handle_closed);
    uv_close((uv_handle_t *)&server->before_poll, on_handle_closed);
    LIST_FOREACH_SAFE (item, &server->connections)
        grpc_connection_say_notice(LIST_ITEM(item, struct grpc_connection, item));
}

static void begin_finish(struct loop_part *part)
{
    struct grpc_server *server = LIST_ITEM(part, struct grpc_server, finish);
    server->finishing = true;
    LIST_FOREACH_SAFE (item, &server->connections) {
        struct grpc_connection *c = LIST_ITEM(item, struct grpc_connection, item);
        grpc_connection_say_last(c);
        LIST_FOREACH_SAFE (call, &c->calls)
            grpc_call_hurry(LIST_ITEM(call, struct grpc_call, item), GRPC_FINISH_LIMIT_MS);
    }
    grpc_server_check(server);
}

static void begin_close(struct loop_part *part)
{
    struct grpc_server *server = LIST_ITEM(part, struct grpc_server, close);
    server->closing = true;
    LIST_FOREACH_SAFE (item, &server->connections)
        grpc_transport_close(&LIST_ITEM(item, struct grpc_connection, item)->transport, ERR_CLOSED);
    grpc_server_check(server);
}

/* Listening ------------------------------------------------------------------------------------ */

static int start_handles(struct grpc_server *server, int fd)
{
    uv_loop_t *uv = &server->loop->uv;
    int rc = uv_tcp_init(uv, &server->listener);
    rc = rc ? rc : uv_prepare_init(uv, &server->before_poll);
    rc = rc ? rc : grpc_hub_init(&server->hub, server->loop);
    server->listener.data = server->before_poll.data = server;
    rc = rc ? rc : uv_prepare_start(&server->before_poll, on_before_poll);
    rc = rc ? rc : uv_tcp_open(&server->listener, fd);
    return rc ? rc : uv_listen((uv_stream_t *)&server->listener, HTTP_BACKLOG, on_connection);
}

static struct grpc_server *new_server(struct loop *loop, const struct grpc_server_options *options)
{
    struct grpc_server *server = calloc(1, sizeof *server);
    if (!server || grpc_session_callbacks(&server->callbacks) != OK) {
        free(server);
        return NULL;
    }
    server->options = *options;
    if (!server->options.max_message)
        server->options.max_message = GRPC_MESSAGE_MAX;
    server->loop = loop;
    server->open = 2;
    list_init(&server->connections);
    return server;
}

static void bind_metrics(void)
{
    for (int i = 0; i < GRPC_TROUBLE_COUNT; i++)
        troubles[i] = with(errors, .reason = trouble_names[i]);
}

struct grpc_server *grpc_server_listen(struct loop *loop, const struct grpc_server_options *options,
                                       struct err *err)
{
    int fd = http_listen_socket(options->address, err);
    if (fd < 0)
        return NULL;
    struct grpc_server *server = new_server(loop, options);
    if (!server) {
        close(fd);
        err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
        return NULL;
    }
    int rc = start_handles(server, fd);
    assert(rc == 0 && "a fresh, listening socket is refused by libuv");
    (void)rc;
    bind_metrics();
    loop_on_shutdown(loop, STAGE_STOP_ACCEPTING, "grpc server", &server->stop_accepting,
                     begin_stop_accepting);
    loop_on_shutdown(loop, STAGE_FINISH, "grpc server", &server->finish, begin_finish);
    loop_on_shutdown(loop, STAGE_CLOSE, "grpc server", &server->close, begin_close);
    return server;
}

int grpc_server_port(const struct grpc_server *server)
{
    return http_listener_port(&server->listener);
}
