/*
 * The server over loopback sockets: order, late answers, peers that go or stall, limits, shutdown.
 * The handler answers /now and /big at once, /echo with the body, and keeps /later for the test.
 */
#include "http/server.h"
#include "http_peer.h"

#include <sys/resource.h>
#include <time.h>

#define BIG (6 * 1024 * 1024)

static struct {
    struct loop loop;
    struct http_server *server;
    int port;
    int handled;  /* requests that reached the handler */
    int answered; /* calls of `answered` */
    int last_status;
    bool last_refused;
    double last_seconds;
    struct http_exchange *later[256];
    int later_count;
    char *big;
} t;

int __real_uv_try_write(uv_stream_t *stream, const uv_buf_t bufs[], unsigned n);
int __wrap_uv_try_write(uv_stream_t *stream, const uv_buf_t bufs[], unsigned n);

static int writes;

int __wrap_uv_try_write(uv_stream_t *stream, const uv_buf_t bufs[], unsigned n)
{
    writes++;
    return __real_uv_try_write(stream, bufs, n);
}

/* The program that is tested ------------------------------------------------------------------- */

static void handle(struct http_exchange *x, void *ctx)
{
    const struct http_message *m = http_request(x);
    assert_ptr_equal(ctx, &t);
    t.handled++;
    http_set_route(x, "/route");
    http_set_data(x, &t);
    if (m->path.len >= 4 && memcmp(m->path.data, "/big", 4) == 0)
        http_reply(x, &(struct http_response){.status = 200, .body = t.big, .len = BIG});
    else if (http_span_is(m->path, "/echo"))
        http_reply_json(x, 200, m->body.data, m->body.len);
    else if (http_span_is(m->path, "/now"))
        http_reply_text(x, 200, "now");
    else
        t.later[t.later_count++] = x;
}

static void answered(struct http_exchange *x, int status, double seconds, void *ctx)
{
    assert_ptr_equal(ctx, &t);
    t.answered++;
    t.last_status = status;
    t.last_seconds = seconds;
    t.last_refused = http_request(x) == NULL;
    assert_string_equal(http_route(x), t.last_refused ? "other" : "/route");
    assert_ptr_equal(http_data(x), t.last_refused ? NULL : &t);
}

static void start(struct http_server_options options)
{
    struct err err;
    t.big = malloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        t.big[i] = (char)('a' + i % 23);
    assert_int_equal(loop_init(&t.loop), 0);
    options.address = "127.0.0.1:0";
    options.handler = handle;
    options.answered = answered;
    options.ctx = &t;
    t.server = http_server_listen(&t.loop, &options, &err);
    assert_non_null(t.server);
    t.port = http_server_port(t.server);
}

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    writes = 0;
    return 0;
}

/* Ends like a program: the loop's assert finds open handles, the address sanitizer leaks. */
static void stop(void)
{
    loop_stop(&t.loop, 0);
    assert_int_equal(loop_run(&t.loop), 0);
    free(t.big);
}

static void reply_later(int i, const char *text)
{
    http_reply_text(t.later[i], 200, text);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

/* Sends, reads to the end, compares what begins and what ends the answer. */
static void expect_to_end(const char *request, const char *first, const char *last)
{
    struct buf got = {0};
    int fd = peer_connect(t.port);
    peer_send(fd, request);
    peer_read_to_end(&t.loop, fd, &got);
    const char *text = buf_cstr(&got);
    if (strncmp(text, first, strlen(first)) != 0 || strlen(text) < strlen(last) ||
        strcmp(text + strlen(text) - strlen(last), last) != 0)
        fail_msg("got \"%s\", expected \"%s … %s\"", text, first, last);
    buf_free(&got);
    close(fd);
}

/* Answers -------------------------------------------------------------------------------------- */

static void test_answer(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct buf got = {0};
    char date[64];
    int fd = peer_connect(t.port);
    time_t before = time(NULL);
    peer_send(fd, GET("/now"));
    peer_read_until(&t.loop, fd, &got, "\r\n\r\nnow");
    const char *text = buf_cstr(&got);
    strftime(date, sizeof date, "\r\nDate: %a, %d %b %Y %H:", gmtime(&before));
    assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_non_null(strstr(text, date));
    assert_non_null(strstr(text, " GMT\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Length: 3\r\n"));
    assert_null(strstr(text, "\r\nConnection:"));
    assert_int_equal(t.answered, 1);
    assert_true(t.last_seconds > 0 && t.last_seconds < 1);
    assert_true(peer_is_open(fd));
    buf_free(&got);
    close(fd);
    stop();
}

static void test_forms(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    expect_to_end("HEAD /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\nConnection: close\r\n\r\n");
    expect_to_end("GET /now HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
                  "Connection: close\r\n\r\nnow");
    expect_to_end("GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /now HTTP/1.0\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n", "Connection: close\r\n\r\nnow");
    expect_to_end("GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET("/now"),
                  "HTTP/1.1 200 OK\r\n", "Connection: close\r\n\r\nnow");
    assert_int_equal(t.handled, 5); /* nothing behind Connection: close */
    assert_int_equal(t.answered, 5);
    stop();
}

static void test_bodies(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    expect_to_end("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                  "Content-Length: 7\r\n\r\n{\"a\":1}",
                  "HTTP/1.1 200 OK\r\n", "\r\n\r\n{\"a\":1}");
    expect_to_end("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n", "\r\n\r\n{\"a\":1}");
    struct buf request = {0};
    char last[24];
    buf_printf(&request,
               "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
               "Content-Length: 65536\r\n\r\n%.*s",
               65536, t.big);
    snprintf(last, sizeof last, "%s", buf_cstr(&request) + buf_len(&request) - sizeof last + 1);
    expect_to_end(buf_cstr(&request), "HTTP/1.1 200 OK\r\n", last);
    buf_free(&request);
    stop();
}

static void test_big_answer(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct buf got = {0};
    int fd = peer_connect(t.port);
    peer_send(fd, GET("/big") GET("/now"));
    peer_read_until(&t.loop, fd, &got, "\r\n\r\nnow");
    const char *body = strstr(buf_cstr(&got), "\r\n\r\n") + 4;
    assert_memory_equal(body, t.big, BIG);
    assert_int_equal(strncmp(body + BIG, "HTTP/1.1 200 OK", 15), 0);
    assert_int_equal(t.answered, 2);
    buf_free(&got);
    close(fd);
    stop();
}

/* Order ---------------------------------------------------------------------------------------- */

static void test_order(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct buf got = {0};
    int fd = peer_connect(t.port);
    peer_send(fd, GET("/later") GET("/now") GET("/later"));
    WAIT_UNTIL(&t.loop, t.handled == 3);
    reply_later(1, "third");
    peer_run(&t.loop, 20);
    assert_true(peer_is_open(fd)); /* nothing may leave before the first */
    reply_later(0, "first");
    peer_read_until(&t.loop, fd, &got, "third");
    const char *text = buf_cstr(&got);
    assert_true(strstr(text, "first") < strstr(text, "now"));
    assert_true(strstr(text, "now") < strstr(text, "third"));
    assert_int_equal(count(text, "HTTP/1.1 200"), 3);
    assert_int_equal(t.answered, 3);
    buf_free(&got);
    close(fd);
    stop();
}

/* The answers of one read, and the late ones of one turn, leave in one write. */
static void test_one_write(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct buf got = {0};
    int fd = peer_connect(t.port);
    peer_send(fd, GET("/now") GET("/now") GET("/now") GET("/echo"));
    WAIT_UNTIL(&t.loop, t.answered == 4);
    assert_int_equal(writes, 1);
    peer_send(fd, GET("/later") GET("/later") GET("/later"));
    WAIT_UNTIL(&t.loop, t.handled == 7);
    for (int i = 0; i < 3; i++)
        reply_later(i, "late");
    WAIT_UNTIL(&t.loop, t.answered == 7);
    assert_int_equal(writes, 2);
    buf_free(&got);
    close(fd);
    stop();
}

/* No more than HTTP_PIPELINE_MAX at a time; the others wait, and none is lost. */
static void test_pipeline_bound(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct buf requests = {0}, got = {0};
    int fd = peer_connect(t.port);
    for (int i = 0; i < 200; i++)
        buf_text(&requests, GET("/later"));
    peer_send(fd, buf_cstr(&requests));
    peer_run(&t.loop, 50);
    assert_int_equal(t.handled, HTTP_PIPELINE_MAX);
    for (int i = 0; i < 200; i++) {
        WAIT_UNTIL(&t.loop, t.later_count > i);
        reply_later(i, "late");
    }
    WAIT_UNTIL(&t.loop, t.answered == 200);
    while (count(buf_cstr(&got), "late") < 200)
        assert_true(peer_take(fd, &got, NULL));
    buf_free(&requests);
    buf_free(&got);
    close(fd);
    stop();
}

/* Thousands of requests in one read are answered in rounds, not in a recursion. */
static void test_flood(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct buf requests = {0}, got = {0};
    int fd = peer_connect(t.port);
    for (int i = 0; i < 3000; i++)
        buf_text(&requests, "GET /now HTTP/1.1\r\nHost:\r\n\r\n");
    peer_send(fd, buf_cstr(&requests));
    WAIT_UNTIL(&t.loop, (peer_take(fd, &got, NULL), t.answered == 3000));
    assert_int_equal(t.handled, 3000);
    buf_free(&requests);
    buf_free(&got);
    close(fd);
    stop();
}

/* A peer that asks and does not read gets no more than the bound made for it. */
static void test_back_pressure(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    char some[65536];
    int fd = peer_try_connect(t.port, 65536);
    for (int i = 0; i < 4; i++)
        peer_send(fd, GET("/big"));
    peer_run(&t.loop, 100);
    assert_int_equal(t.handled, 1);
    while (t.answered < 4) {
        uv_run(&t.loop.uv, UV_RUN_NOWAIT);
        assert_true(recv(fd, some, sizeof some, MSG_DONTWAIT) != 0);
    }
    close(fd);
    stop();
}

/* Peers ---------------------------------------------------------------------------------------- */

static void test_peer_gone(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    int fd = peer_connect(t.port);
    peer_send(fd, GET("/later") GET("/now"));
    WAIT_UNTIL(&t.loop, t.handled == 2);
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd); /* with a reset */
    WAIT_UNTIL(&t.loop, t.answered == 1);
    assert_true(http_span_is(http_request(t.later[0])->path, "/later"));
    reply_later(0, "to nobody");
    assert_int_equal(t.answered, 2);
    stop();
}

static void test_half_close(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct buf got = {0};
    int fd = peer_connect(t.port);
    peer_send(fd, GET("/later"));
    shutdown(fd, SHUT_WR);
    WAIT_UNTIL(&t.loop, t.handled == 1);
    peer_run(&t.loop, 20);
    reply_later(0, "still");
    peer_read_to_end(&t.loop, fd, &got);
    assert_non_null(strstr(buf_cstr(&got), "\r\n\r\nstill"));
    buf_free(&got);
    close(fd);
    stop();
}

static void test_continue(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct buf got = {0};
    int fd = peer_connect(t.port);
    peer_send(fd, GET("/later") "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                                "Content-Length: 2\r\n\r\n");
    WAIT_UNTIL(&t.loop, t.handled == 1);
    peer_run(&t.loop, 20);
    assert_true(peer_is_open(fd)); /* in its turn, behind the answer */
    reply_later(0, "first");
    peer_read_until(&t.loop, fd, &got, "firstHTTP/1.1 100 Continue\r\n\r\n");
    peer_send(fd, "ab");
    peer_read_until(&t.loop, fd, &got, "\r\n\r\nab");
    assert_int_equal(t.answered, 2); /* 100 is no answer */
    buf_free(&got);
    close(fd);
    stop();
}

/* A refused request is answered after those before it; what follows is drained, so that the answer
 * is not lost to a reset. */
static void test_refusal(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct buf got = {0};
    int fd = peer_connect(t.port);
    peer_send(fd, GET("/now") "BREW / HTTP/1.1\r\n\r\n");
    peer_read_until(&t.loop, fd, &got, "Connection: close\r\n\r\n{\"error\":\"method\"}");
    for (int i = 0; i < 10; i++) {
        peer_send(fd, GET("/now"));
        peer_step(&t.loop);
    }
    const char *text = buf_cstr(&got);
    assert_true(strstr(text, "HTTP/1.1 200 OK") < strstr(text, "HTTP/1.1 501 Not Implemented"));
    assert_int_equal(t.handled, 1);
    assert_int_equal(t.answered, 2);
    assert_true(t.last_refused);
    assert_int_equal(t.last_status, 501);
    peer_read_to_end(&t.loop, fd, &got);
    buf_free(&got);
    close(fd);
    stop();
}

static void test_refused_body(void **state)
{
    (void)state;
    start((struct http_server_options){.limits = {.body = 1000}});
    expect_to_end("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n",
                  "HTTP/1.1 413 Content Too Large\r\n", "{\"error\":\"body_too_large\"}");
    stop();
}

/* Time ----------------------------------------------------------------------------------------- */

static void test_slow_head(void **state)
{
    (void)state;
    start((struct http_server_options){.times = {.header = 200}});
    uint64_t began = clock_now();
    struct buf got = {0};
    int fd = peer_connect(t.port);
    for (int i = 0; i < 5; i++) { /* a byte now and then does not help */
        peer_send(fd, "G\0E\0T\0 \0/" + 2 * i);
        peer_run(&t.loop, 30);
    }
    peer_read_to_end(&t.loop, fd, &got);
    assert_int_equal(strncmp(buf_cstr(&got), "HTTP/1.1 408 Request Timeout\r\n", 30), 0);
    assert_true(clock_seconds(began, clock_now()) < 1);
    assert_int_equal(t.answered, 1);
    buf_free(&got);
    close(fd);
    stop();
}

static void test_slow_body(void **state)
{
    (void)state;
    start((struct http_server_options){.times = {.body = 400}});
    struct buf got = {0};
    int fd = peer_connect(t.port);
    peer_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 20; i++) { /* 10 bytes in 10 ms are twice the rate */
        peer_send(fd, "0123456789");
        peer_run(&t.loop, 10);
    }
    assert_true(peer_is_open(fd));
    peer_read_to_end(&t.loop, fd, &got);
    assert_int_equal(strncmp(buf_cstr(&got), "HTTP/1.1 408 ", 13), 0);
    buf_free(&got);
    close(fd);
    stop();
}

static void test_idle(void **state)
{
    (void)state;
    start((struct http_server_options){.times = {.idle = 400}});
    struct buf got = {0};
    int fd = peer_connect(t.port), silent = peer_connect(t.port);
    for (int i = 0; i < 6; i++) { /* whoever asks stays */
        peer_send(fd, GET("/now"));
        peer_run(&t.loop, 120);
    }
    peer_send(fd, GET("/later"));
    peer_run(&t.loop, 600); /* and whoever waits for the handler too */
    reply_later(0, "late");
    peer_read_until(&t.loop, fd, &got, "late");
    assert_true(peer_is_open(fd));
    assert_false(peer_is_open(silent));
    peer_read_to_end(&t.loop, fd, &got);
    assert_int_equal(t.answered, 7);
    buf_free(&got);
    close(fd);
    close(silent);
    stop();
}

static void test_stalled_write(void **state)
{
    (void)state;
    start((struct http_server_options){.times = {.write = 200, .idle = 50}});
    int stalled = peer_try_connect(t.port, 65536), slow = peer_try_connect(t.port, 65536);
    char some[16384];
    peer_send(stalled, GET("/big"));
    peer_send(slow, GET("/big"));
    ssize_t total = 0;
    while (t.answered < 2) { /* the first is the stalled one's, which is dropped */
        ssize_t n = recv(slow, some, sizeof some, MSG_DONTWAIT);
        assert_true(n > 0 || (n < 0 && errno == EAGAIN));
        total += n > 0 ? n : 0;
        peer_run(&t.loop, t.answered ? 0 : 10); /* slow, but it moves */
        uv_run(&t.loop.uv, UV_RUN_NOWAIT);
        assert_true(t.answered == 0 || total > 100000);
    }
    close(stalled);
    close(slow);
    stop();
}

static void test_drain_limit(void **state)
{
    (void)state;
    start((struct http_server_options){.times = {.drain = 100}});
    struct buf got = {0};
    int fd = peer_connect(t.port);
    peer_send(fd, "BREW / HTTP/1.1\r\n\r\n");
    peer_read_to_end(&t.loop, fd, &got);
    assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
    WAIT_UNTIL(&t.loop, send(fd, "x", 1, MSG_NOSIGNAL) < 0); /* a reset: it is closed */
    buf_free(&got);
    close(fd);
    stop();
}

/* Too many ------------------------------------------------------------------------------------- */

static void test_too_many_connections(void **state)
{
    (void)state;
    start((struct http_server_options){.connections = 2});
    struct buf got = {0};
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = peer_connect(t.port);
    peer_read_to_end(&t.loop, fds[2], &got);
    assert_int_equal(buf_len(&got), 0);
    for (int i = 0; i < 2; i++) {
        peer_send(fds[i], GET("/now"));
        peer_read_until(&t.loop, fds[i], &got, "now");
        buf_clear(&got);
    }
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    peer_run(&t.loop, 20);
    fds[0] = peer_connect(t.port);
    peer_send(fds[0], GET("/now"));
    peer_read_until(&t.loop, fds[0], &got, "now");
    close(fds[0]);
    buf_free(&got);
    stop();
}

static void on_wake(uv_timer_t *timer)
{
    (void)timer;
}

/* Out of descriptors: peers are turned away, and the loop sleeps. */
static void test_no_descriptors(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct rlimit old, few;
    struct buf got = {0};
    int fds[4], lowest = dup(0);
    close(lowest);
    peer_run(&t.loop, 10);
    for (int i = 0; i < 4; i++)
        fds[i] = peer_connect(t.port);
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = (rlim_t)fds[3] + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    clock_t cpu = clock();
    for (int i = 0; i < 4; i++)
        peer_read_to_end(&t.loop, fds[i], &got);
    uint64_t end = clock_now() + 300 * NS_PER_MS;
    uv_timer_t wake;
    uv_timer_init(&t.loop.uv, &wake);
    uv_timer_start(&wake, on_wake, 50, 50);
    while (clock_now() < end)
        uv_run(&t.loop.uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&wake, NULL);
    assert_true(clock() - cpu < CLOCKS_PER_SEC / 5);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    fds[0] = peer_connect(t.port);
    peer_send(fds[0], GET("/now"));
    peer_read_until(&t.loop, fds[0], &got, "now");
    close(fds[0]);
    buf_free(&got);
    stop();
}

/* Shutdown ------------------------------------------------------------------------------------- */

static void on_answer_timer(uv_timer_t *timer)
{
    reply_later(0, "promised");
    uv_close((uv_handle_t *)timer, NULL);
}

/* The request in flight is answered, with Connection: close; idle connections are closed. */
static void test_shutdown(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct buf got = {0};
    uv_timer_t timer;
    int busy = peer_connect(t.port), idle = peer_connect(t.port);
    peer_send(busy, GET("/later"));
    WAIT_UNTIL(&t.loop, t.handled == 1);
    uv_timer_init(&t.loop.uv, &timer);
    uv_timer_start(&timer, on_answer_timer, 100, 0);
    loop_stop(&t.loop, 0);
    peer_run(&t.loop, 50);
    assert_int_equal(peer_try_connect(t.port, 0), -1);
    assert_int_equal(errno, ECONNREFUSED);
    assert_false(peer_is_open(idle));
    assert_true(peer_is_open(busy));
    assert_int_equal(loop_run(&t.loop), 0);
    assert_true(peer_take(busy, &got, NULL));
    assert_non_null(strstr(buf_cstr(&got), "\r\nConnection: close\r\n\r\npromised"));
    assert_int_equal(t.answered, 1);
    buf_free(&got);
    close(busy);
    close(idle);
    free(t.big);
}

static void reply_in_stage_close(struct loop_part *part)
{
    loop_part_done(part);
    reply_later(0, "too late");
    reply_later(1, "too late");
}

/* Handlers that answer only when their own clients are closed: the server is there until then. */
static void test_shutdown_overdue(void **state)
{
    (void)state;
    start((struct http_server_options){0});
    struct loop_part part;
    int gone = peer_connect(t.port), there = peer_connect(t.port);
    peer_send(gone, GET("/later"));
    peer_send(there, GET("/later"));
    WAIT_UNTIL(&t.loop, t.handled == 2);
    close(gone);
    loop_on_shutdown(&t.loop, STAGE_CLOSE, "a client", &part, reply_in_stage_close);
    loop_stop(&t.loop, 0);
    assert_int_equal(loop_run(&t.loop), 1); /* the stage before met its limit */
    assert_int_equal(t.answered, 2);
    close(there);
    free(t.big);
}

static void test_listen_errors(void **state)
{
    struct err err;
    char address[32], expected[64];
    (void)state;
    start((struct http_server_options){0});
    snprintf(address, sizeof address, "127.0.0.1:%d", t.port);
    struct http_server_options o = {.address = address, .handler = handle};
    assert_null(http_server_listen(&t.loop, &o, &err));
    assert_int_equal(err.code, -EADDRINUSE);
    snprintf(expected, sizeof expected, "port %d ", t.port);
    assert_non_null(strstr(err.text, expected));
    o.address = "127.0.0.1";
    assert_null(http_server_listen(&t.loop, &o, &err));
    assert_int_equal(err.code, ERR_INVALID);
    o.address = "203.0.113.1:0";
    assert_null(http_server_listen(&t.loop, &o, &err));
    assert_int_equal(err.code, -EADDRNOTAVAIL);
    stop();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_answer),
        TEST(test_forms),
        TEST(test_bodies),
        TEST(test_big_answer),
        TEST(test_order),
        TEST(test_one_write),
        TEST(test_pipeline_bound),
        TEST(test_flood),
        TEST(test_back_pressure),
        TEST(test_peer_gone),
        TEST(test_half_close),
        TEST(test_continue),
        TEST(test_refusal),
        TEST(test_refused_body),
        TEST(test_slow_head),
        TEST(test_slow_body),
        TEST(test_idle),
        TEST(test_stalled_write),
        TEST(test_drain_limit),
        TEST(test_too_many_connections),
        TEST(test_no_descriptors),
        TEST(test_shutdown),
        TEST(test_shutdown_overdue),
        TEST(test_listen_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
