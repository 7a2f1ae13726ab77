/* The client, its answers and its pool of connections. */
#include "client_fixture.h"

/* Answers -------------------------------------------------------------------------------------- */

static void test_request(void **state)
{
    (void)state;
    assert_int_equal(loop_init(&t.loop), 0);
    listen_somewhere();
    make_client((struct http_client_options){0}, "/prefix/");
    char expected[256];
    struct buf got = {0};
    struct http_client_request r = {.method = "POST",
                                    .target = "/a?b",
                                    .headers = "X-A: 1\r\nX-B: 2\r\n",
                                    .body = "body",
                                    .len = 4};
    assert_int_equal(try_send(&r), 0);
    int fd = accept_one();
    peer_read_until(&t.loop, fd, &got, "body");
    snprintf(expected, sizeof expected,
             "POST /prefix/a?b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-A: 1\r\nX-B: 2\r\n"
             "Content-Length: 4\r\n\r\nbody",
             t.port);
    assert_string_equal(buf_cstr(&got), expected);
    peer_send(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n");
    peer_send(fd, "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    WAIT_UNTIL(&t.loop, t.ended == 1);
    assert_string_equal(buf_cstr(&t.last), "201 ok");
    buf_free(&got);
    close(fd);
    stop();
}

static void test_keep_alive(void **state)
{
    (void)state;
    start((struct http_client_options){0});
    int fd = -1;
    for (int i = 1; i <= 3; i++) {
        get("/");
        fd = fd < 0 ? accept_one() : fd;
        expect_request(fd, "GET / HTTP/1.1\r\n");
        peer_send(fd, ANSWER("2") "ok");
        WAIT_UNTIL(&t.loop, t.ended == i);
        assert_string_equal(buf_cstr(&t.last), "200 ok");
    }
    assert_true(nobody_connects());
    assert_int_equal(http_client_open(t.client), 1);
    close(fd);
    stop();
}

static void test_connection_close(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\n\r\nok" /* until the end */,
        ANSWER("2") "ok and more than that",
    };
    (void)state;
    start((struct http_client_options){0});
    for (int i = 0; i < 4; i++) {
        get("/");
        int fd = accept_one();
        expect_request(fd, "GET / HTTP/1.1\r\n");
        peer_send(fd, answers[i]);
        if (i == 2)
            shutdown(fd, SHUT_WR);
        WAIT_UNTIL(&t.loop, t.ended == i + 1);
        assert_string_equal(buf_cstr(&t.last), "200 ok");
        WAIT_UNTIL(&t.loop, http_client_open(t.client) == 0);
        close(fd);
    }
    stop();
}

static void test_head(void **state)
{
    (void)state;
    start((struct http_client_options){0});
    struct http_client_request r = {.method = "HEAD", .target = "/"};
    assert_int_equal(try_send(&r), 0);
    int fd = accept_one();
    expect_request(fd, "HEAD / HTTP/1.1\r\n");
    peer_send(fd, ANSWER("2"));
    WAIT_UNTIL(&t.loop, t.ended == 1);
    assert_string_equal(buf_cstr(&t.last), "200 ");
    get("/next");
    expect_request(fd, "GET /next HTTP/1.1\r\n"); /* on the same connection */
    close(fd);
    stop();
}

/* A request that does not fit the kernel's buffers at once. */
static void test_big_request(void **state)
{
    (void)state;
    start((struct http_client_options){0});
    size_t len = 20 * 1024 * 1024;
    char *body = malloc(len);
    struct buf got = {0};
    memset(body, 'x', len);
    struct http_client_request r = {.method = "POST", .target = "/", .body = body, .len = len};
    assert_int_equal(try_send(&r), 0);
    free(body);
    int fd = accept_one();
    while (buf_len(&got) < len) {
        uv_run(&t.loop.uv, UV_RUN_NOWAIT);
        assert_true(peer_take(fd, &got, NULL));
    }
    peer_run(&t.loop, 5);
    assert_true(peer_take(fd, &got, NULL));
    peer_send(fd, ANSWER("0"));
    WAIT_UNTIL(&t.loop, t.ended == 1);
    assert_int_equal(t.last_status, 0);
    assert_int_equal(buf_data(&got)[buf_len(&got) - 1], 'x');
    buf_free(&got);
    close(fd);
    stop();
}

/* Answered before the request was written: libuv still holds its bytes. */
static void test_early_answer(void **state)
{
    (void)state;
    start((struct http_client_options){0});
    size_t len = 20 * 1024 * 1024;
    char *body = calloc(1, len);
    struct http_client_request r = {.method = "POST", .target = "/", .body = body, .len = len};
    assert_int_equal(try_send(&r), 0);
    free(body);
    int fd = accept_one();
    peer_send(fd, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    WAIT_UNTIL(&t.loop, t.ended == 1);
    assert_string_equal(buf_cstr(&t.last), "413 ");
    WAIT_UNTIL(&t.loop, http_client_open(t.client) == 0);
    close(fd);
    stop();
}

/* The pool ------------------------------------------------------------------------------------- */

static void test_pool(void **state)
{
    (void)state;
    start((struct http_client_options){.connections = 2});
    for (int i = 0; i < 5; i++)
        get("/");
    int fds[2] = {accept_one(), accept_one()};
    assert_true(nobody_connects());
    assert_int_equal(http_client_queued(t.client), 3);
    for (int i = 1; i <= 5; i++) {
        expect_request(fds[i % 2], "GET / HTTP/1.1\r\n");
        peer_send(fds[i % 2], ANSWER("2") "ok");
        WAIT_UNTIL(&t.loop, t.ended == i);
    }
    assert_int_equal(t.ok, 5);
    assert_int_equal(http_client_queued(t.client), 0);
    close(fds[0]);
    close(fds[1]);
    stop();
}

static void test_full(void **state)
{
    struct http_client_request r = {.method = "GET", .target = "/"};
    (void)state;
    start((struct http_client_options){.connections = 1});
    for (int i = 0; i < HTTP_CLIENT_QUEUE_MAX; i++)
        assert_int_equal(try_send(&r), 0);
    assert_int_equal(try_send(&r), ERR_FULL);
    close_client();
    assert_int_equal(try_send(&r), ERR_CLOSED);
    stop();
    assert_int_equal(t.ended, HTTP_CLIENT_QUEUE_MAX);
}

static void get_again(void)
{
    t.also = NULL;
    assert_int_equal(http_client_queued(t.client), 0);
    struct http_client_request r = {.method = "GET", .target = "/again"};
    assert_int_equal(http_client_send(t.client, &r, on_end, &t), 0);
}

/* The callback's own request finds the connection idle, and its response unharmed. */
static void test_send_in_callback(void **state)
{
    (void)state;
    start((struct http_client_options){.connections = 1});
    t.also = get_again;
    get("/");
    int fd = accept_one();
    expect_request(fd, "GET / HTTP/1.1\r\n");
    peer_send(fd, ANSWER("5") "first");
    WAIT_UNTIL(&t.loop, t.ended == 1);
    assert_string_equal(buf_cstr(&t.last), "200 first");
    expect_request(fd, "GET /again HTTP/1.1\r\n");
    peer_send(fd, ANSWER("6") "second");
    WAIT_UNTIL(&t.loop, t.ended == 2);
    assert_string_equal(buf_cstr(&t.last), "200 second");
    close(fd);
    stop();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_request), TEST(test_keep_alive),  TEST(test_connection_close),
        TEST(test_head),    TEST(test_big_request), TEST(test_early_answer),
        TEST(test_pool),    TEST(test_full),        TEST(test_send_in_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
