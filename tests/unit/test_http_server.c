/* The server over loopback sockets: what is answered, in which order, to peers that go or stall. */
#include "server_fixture.h"

int __real_uv_try_write(uv_stream_t *stream, const uv_buf_t bufs[], unsigned n);
int __wrap_uv_try_write(uv_stream_t *stream, const uv_buf_t bufs[], unsigned n);

static int writes;

int __wrap_uv_try_write(uv_stream_t *stream, const uv_buf_t bufs[], unsigned n)
{
    writes++;
    return __real_uv_try_write(stream, bufs, n);
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
    writes = 0;
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

/* The program's own lines stand in each answer, and its notes begin empty for each request. */
static void test_headers_and_notes(void **state)
{
    (void)state;
    start((struct http_server_options){.headers = headers});
    for (int i = 0; i < 3; i++)
        expect_to_end("GET /now HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
                      "notes: 1\r\nConnection: close\r\n\r\nnow");
    expect_to_end("BREW / HTTP/1.1\r\n\r\n", "HTTP/1.1 501 Not Implemented\r\n",
                  "notes: 0\r\nConnection: close\r\n\r\n{\"error\":\"method\"}");
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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_answer),         TEST(test_forms),
        TEST(test_bodies),         TEST(test_big_answer),
        TEST(test_order),          TEST(test_one_write),
        TEST(test_pipeline_bound), TEST(test_flood),
        TEST(test_back_pressure),  TEST(test_peer_gone),
        TEST(test_half_close),     TEST(test_continue),
        TEST(test_refusal),        TEST(test_headers_and_notes),
        TEST(test_refused_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
