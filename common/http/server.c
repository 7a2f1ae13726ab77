/* Listening and shutting down; see server.h and internal.h. */
#include "base/log.h"
#include "http/internal.h"
#include "http/listen.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

COUNTER(connections_total, "http_connections_total", "HTTP connections accepted.");
COUNTER_VEC(rejected_total, "http_rejected_total",
            "HTTP requests refused before a handler saw them, connections and scrapes refused.",
            reason);

static struct counter *rejected[HTTP_REJECT_COUNT];

static void bind_rejected(void)
{
    for (int i = 0; i < HTTP_REFUSAL_COUNT; i++)
        rejected[i] = with(rejected_total, .reason = http_refusal_label((enum http_refusal)i));
    rejected[HTTP_REJECT_TIMEOUT] = with(rejected_total, .reason = "timeout");
    rejected[HTTP_REJECT_CONNECTIONS] = with(rejected_total, .reason = "connections");
    rejected[HTTP_REJECT_SCRAPES] = with(rejected_total, .reason = "scrapes");
}

void http_server_count_reject(int reason)
{
    counter_inc(rejected[reason]);
}

/* Accepting ------------------------------------------------------------------------------------ */

static int start(struct http_server *server, struct http_connection *c)
{
    counter_inc(&connections_total);
    if (server->connection_count > server->options.connections) {
        http_server_count_reject(HTTP_REJECT_CONNECTIONS);
        return ERR_FULL;
    }
    return http_connection_start(c);
}

static int admit(struct http_server *server, struct http_connection *c)
{
    int rc = uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&c->tcp);
    if (rc < 0) {
        log_warn("cannot accept a connection", LOG_ERR(rc));
        return rc;
    }
    return start(server, c);
}

static void accept_one(struct http_server *server)
{
    struct http_connection *c = http_connection_new(server);
    server->unaccepted = !c; /* libuv announces no other one until this was accepted */
    if (c && admit(server, c) < 0)
        http_connection_close(c);
}

static void adopt(struct http_server *server, int fd)
{
    struct http_connection *c = http_connection_new(server);
    if (!c)
        close(fd);
    else if (uv_tcp_open(&c->tcp, fd) < 0 || start(server, c) < 0)
        http_connection_close(c);
}

/* Who has a connection as far as the kernel is concerned is served, too: with the listener it would
 * be reset. libuv itself accepts only when it polls. */
static void accept_rest(struct http_server *server)
{
    uv_os_fd_t listener;
    int fd;
    if (uv_fileno((uv_handle_t *)&server->listener, &listener) != 0)
        return;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        adopt(server, fd);
}

/* The end -------------------------------------------------------------------------------------- */

static void free_server(struct http_server *server)
{
    http_exchange_pool_free(server);
    loop_part_remove(&server->stop_accepting);
    loop_part_remove(&server->finish);
    loop_part_remove(&server->close);
    free(server);
}

/* Exchanges may be outstanding even when all is closed: their handlers still hold them. */
void http_server_check(struct http_server *server)
{
    if (server->finishing && server->outstanding == 0 && !server->finish.done)
        loop_part_done(&server->finish);
    if (!server->closing || server->open || server->connection_count)
        return;
    if (!server->close.done)
        loop_part_done(&server->close);
    if (server->outstanding == 0)
        free_server(server);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    server->open--;
    loop_part_done(&server->stop_accepting);
    http_server_check(server);
}

static void begin_stop_accepting(struct loop_part *part)
{
    struct http_server *server = LIST_ITEM(part, struct http_server, stop_accepting);
    server->stopping = true;
    accept_rest(server);
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}

static void begin_finish(struct loop_part *part)
{
    struct http_server *server = LIST_ITEM(part, struct http_server, finish);
    server->finishing = true;
    LIST_FOREACH_SAFE (item, &server->connections)
        http_connection_retire(LIST_ITEM(item, struct http_connection, item));
    http_server_check(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    server->open--;
    http_server_check(server);
}

static void on_wheel_closed(struct http_wheel *wheel)
{
    struct http_server *server = LIST_ITEM(wheel, struct http_server, wheel);
    server->open--;
    http_server_check(server);
}

static void begin_close(struct loop_part *part)
{
    struct http_server *server = LIST_ITEM(part, struct http_server, close);
    server->closing = true;
    LIST_FOREACH_SAFE (item, &server->connections)
        http_connection_close(LIST_ITEM(item, struct http_connection, item));
    uv_close((uv_handle_t *)&server->before_poll, on_handle_closed);
    http_wheel_close(&server->wheel, on_wheel_closed);
}

/* Running -------------------------------------------------------------------------------------- */

/* Out of descriptors, libuv accepts with a spare one and closes at once, so no loop spins. */
static void on_connection(uv_stream_t *listener, int status)
{
    if (status < 0)
        log_warn("cannot accept a connection", LOG_ERR(status));
    else
        accept_one(listener->data);
}

static void on_before_poll(uv_prepare_t *handle)
{
    struct http_server *server = handle->data;
    if (server->unaccepted && !server->stopping)
        accept_one(server);
    for (struct list *item; (item = list_first(&server->dirty));)
        http_connection_advance(LIST_ITEM(item, struct http_connection, dirty));
}

/* Listening ------------------------------------------------------------------------------------ */

static int start_handles(struct http_server *server, int fd)
{
    uv_loop_t *uv = &server->loop->uv;
    int rc = uv_tcp_init(uv, &server->listener);
    rc = rc ? rc : uv_prepare_init(uv, &server->before_poll);
    rc = rc ? rc : http_wheel_init(&server->wheel, server->loop);
    server->listener.data = server->before_poll.data = server;
    rc = rc ? rc : uv_prepare_start(&server->before_poll, on_before_poll);
    rc = rc ? rc : uv_tcp_open(&server->listener, fd);
    return rc ? rc : uv_listen((uv_stream_t *)&server->listener, HTTP_BACKLOG, on_connection);
}

static size_t connections_allowed(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 ||
        files.rlim_cur >= HTTP_CONNECTIONS_MAX + HTTP_FILES_FOR_OTHERS)
        return HTTP_CONNECTIONS_MAX;
    return files.rlim_cur > 2 * HTTP_FILES_FOR_OTHERS ? files.rlim_cur - HTTP_FILES_FOR_OTHERS
                                                      : HTTP_FILES_FOR_OTHERS;
}

static void set_default(int *ms, int seconds)
{
    *ms = *ms ? *ms : seconds * 1000;
}

static struct http_server_options with_defaults(struct http_server_options o)
{
    o.limits = http_limits_or_default(o.limits);
    o.connections = o.connections ? o.connections : connections_allowed();
    set_default(&o.times.header, HTTP_HEADER_LIMIT_S);
    set_default(&o.times.body, HTTP_BODY_GRACE_S);
    set_default(&o.times.idle, HTTP_IDLE_LIMIT_S);
    set_default(&o.times.write, HTTP_WRITE_LIMIT_S);
    set_default(&o.times.drain, HTTP_DRAIN_LIMIT_S);
    return o;
}

static struct http_server *new_server(struct loop *loop, const struct http_server_options *options)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->options = with_defaults(*options);
    server->loop = loop;
    server->open = 3;
    list_init(&server->connections);
    list_init(&server->dirty);
    list_init(&server->pool);
    return server;
}

struct http_server *http_server_listen(struct loop *loop, const struct http_server_options *options,
                                       struct err *err)
{
    int fd = http_listen_socket(options->address, err);
    if (fd < 0)
        return NULL;
    struct http_server *server = new_server(loop, options);
    if (!server) {
        close(fd);
        err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
        return NULL;
    }
    int rc = start_handles(server, fd);
    assert(rc == 0 && "a fresh, listening socket is refused by libuv");
    (void)rc;
    bind_rejected();
    loop_on_shutdown(loop, STAGE_STOP_ACCEPTING, "http server", &server->stop_accepting,
                     begin_stop_accepting);
    loop_on_shutdown(loop, STAGE_FINISH, "http server", &server->finish, begin_finish);
    loop_on_shutdown(loop, STAGE_CLOSE, "http server", &server->close, begin_close);
    return server;
}

int http_server_port(const struct http_server *server)
{
    return http_listener_port(&server->listener);
}
