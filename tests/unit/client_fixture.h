/*
 * A client and a server made of plain sockets, which the test plays: so that it can be slow, close
 * at any byte, and lie.
 */
#ifndef CLIENT_FIXTURE_H
#define CLIENT_FIXTURE_H

#include "http/client.h"
#include "http_peer.h"

#define ANSWER(body) "HTTP/1.1 200 OK\r\nContent-Length: " body "\r\n\r\n"

static struct {
    struct loop loop;
    struct http_client *client;
    int listener, port;
    int ended; /* callbacks */
    int ok;
    int last_status;
    struct buf last; /* "200 body" */
    bool closing, closed;
    bool in_call;       /* of http_client_send or http_client_close: no callback may come */
    void (*also)(void); /* done in the callback */
} t;

static inline void on_end(int status, const struct http_message *response, void *ctx)
{
    assert_ptr_equal(ctx, &t);
    assert_false(t.in_call);
    assert_true((status == 0) == (response != NULL));
    t.ended++;
    t.last_status = status;
    if (t.also)
        t.also();
    buf_clear(&t.last);
    if (!response)
        return;
    t.ok++;
    buf_printf(&t.last, "%d %.*s", response->status, (int)response->body.len, response->body.data);
}

static inline int try_send(const struct http_client_request *request)
{
    t.in_call = true;
    int rc = http_client_send(t.client, request, on_end, &t);
    t.in_call = false;
    return rc;
}

static inline void get(const char *target)
{
    struct http_client_request r = {.method = "GET", .target = target};
    assert_int_equal(try_send(&r), 0);
}

static inline void listen_somewhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    t.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(t.listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(t.listener, 128), 0);
    getsockname(t.listener, (struct sockaddr *)&a, &len);
    t.port = ntohs(a.sin_port);
}

static inline void make_client(struct http_client_options options, const char *prefix)
{
    char url[64];
    struct err err;
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", t.port, prefix);
    options.url = url;
    t.client = http_client_new(&t.loop, &options, &err);
    assert_non_null(t.client);
}

static inline void start(struct http_client_options options)
{
    assert_int_equal(loop_init(&t.loop), 0);
    listen_somewhere();
    make_client(options, "");
}

static inline int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    return 0;
}

static inline void on_closed(void *ctx)
{
    assert_ptr_equal(ctx, &t);
    t.closed = true;
}

static inline void close_client(void)
{
    t.closing = true;
    t.in_call = true;
    http_client_close(t.client, on_closed, &t);
    t.in_call = false;
    assert_false(t.closed);
}

static inline void stop(void)
{
    if (!t.closing)
        close_client();
    WAIT_UNTIL(&t.loop, t.closed);
    loop_stop(&t.loop, 0);
    assert_int_equal(loop_run(&t.loop), 0);
    buf_free(&t.last);
    close(t.listener);
}

/* The server's side ---------------------------------------------------------------------------- */

static inline int accept_one(void)
{
    int fd = -1;
    WAIT_UNTIL(&t.loop, (fd = accept(t.listener, NULL, NULL)) >= 0);
    return fd;
}

static inline bool nobody_connects(void)
{
    peer_run(&t.loop, 30);
    int fd = accept(t.listener, NULL, NULL);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

/* Reads a whole request without a body. */
static inline void expect_request(int fd, const char *expected)
{
    struct buf got = {0};
    peer_read_until(&t.loop, fd, &got, "\r\n\r\n");
    if (strncmp(buf_cstr(&got), expected, strlen(expected)) != 0)
        fail_msg("got \"%s\", expected \"%s\"", buf_cstr(&got), expected);
    buf_free(&got);
}

static inline void reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

#endif
