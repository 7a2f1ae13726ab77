/*
 * The least HTTP server: libuv and llhttp. It reads every request to its end, as it must to know
 * where the next one begins, and looks at nothing in it.
 */
#ifndef FLOORS_SERVER_H
#define FLOORS_SERVER_H

#include "floor.h"

#include <string.h>

#include <llhttp.h>
#include <uv.h>

enum { READ_SIZE = 64 * 1024, BACKLOG = 1024 };

struct connection {
    uv_tcp_t tcp;
    llhttp_t parser;
    unsigned complete; /* requests that were read and have no answer yet */
    int closed;
};

/* A read brought the end of `n` requests; each is owed an answer. */
typedef void (*serve_cb)(struct connection *c, unsigned n);

static serve_cb on_requests;
static llhttp_settings_t settings;

static inline int on_complete(llhttp_t *parser)
{
    ((struct connection *)parser->data)->complete++;
    return 0;
}

/* A connection outlives its socket for as long as it is owed an answer. */
static inline void on_closed(uv_handle_t *tcp)
{
    struct connection *c = tcp->data;
    c->closed = 1;
    if (c->complete == 0)
        free(c);
}

static inline void end(struct connection *c)
{
    if (!c->closed && !uv_is_closing((uv_handle_t *)&c->tcp))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

/* `n` of the answers that are owed; a peer that does not take them is closed: a floor keeps no
 * queue. */
static inline void answer(struct connection *c, const char *bytes, size_t size, unsigned n)
{
    uv_buf_t out = uv_buf_init((char *)bytes, (unsigned)size);
    c->complete -= n;
    if (c->closed && c->complete == 0)
        free(c);
    else if (!c->closed && !uv_is_closing((uv_handle_t *)&c->tcp) &&
             uv_try_write((uv_stream_t *)&c->tcp, &out, 1) != (int)size)
        end(c);
}

static inline void on_alloc(uv_handle_t *tcp, size_t size, uv_buf_t *buf)
{
    static char bytes[READ_SIZE];
    (void)tcp, (void)size;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

static inline void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = tcp->data;
    unsigned before = c->complete;
    if (n < 0 || (n > 0 && llhttp_execute(&c->parser, buf->base, (size_t)n) != HPE_OK))
        end(c);
    else
        on_requests(c, c->complete - before);
}

static inline void on_connection(uv_stream_t *server, int status)
{
    struct connection *c = calloc(1, sizeof *c);
    floor_must(status == 0 && c, "accepting");
    uv_tcp_init(server->loop, &c->tcp);
    c->tcp.data = c;
    floor_must(uv_accept(server, (uv_stream_t *)&c->tcp) == 0, "accepting");
    uv_tcp_nodelay(&c->tcp, 1);
    llhttp_init(&c->parser, HTTP_REQUEST, &settings);
    c->parser.data = c;
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

/* Listens on 127.0.0.1 and runs the loop, which does not end. */
static inline int serve(uv_loop_t *loop, int port, serve_cb requests)
{
    static uv_tcp_t server;
    struct sockaddr_in address;
    on_requests = requests;
    llhttp_settings_init(&settings);
    settings.on_message_complete = on_complete;
    uv_tcp_init(loop, &server);
    uv_ip4_addr("127.0.0.1", port, &address);
    floor_must(uv_tcp_bind(&server, (const struct sockaddr *)&address, 0) == 0, "binding");
    floor_must(uv_listen((uv_stream_t *)&server, BACKLOG, on_connection) == 0, "listening");
    return uv_run(loop, UV_RUN_DEFAULT);
}

#endif
