/* The client when things fail or end; one test runs it against the real server. */
#include "client_fixture.h"
#include "http/server.h"

/* Failures ------------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    (void)state;
    start((struct http_client_options){.connections = 2});
    close(t.listener);
    for (int i = 0; i < 5; i++)
        get("/");
    WAIT_UNTIL(&t.loop, t.ended == 5);
    assert_int_equal(t.ok, 0);
    assert_int_equal(t.last_status, UV_ECONNREFUSED);
    t.listener = dup(0);
    stop();
}

static void test_unknown_name(void **state)
{
    struct err err;
    struct http_client_options o = {.url = "http://no.such.name.invalid"};
    (void)state;
    assert_int_equal(loop_init(&t.loop), 0);
    t.listener = dup(0);
    t.client = http_client_new(&t.loop, &o, &err);
    assert_non_null(t.client);
    get("/");
    get("/");
    WAIT_UNTIL(&t.loop, t.ended == 2);
    assert_true(t.last_status < 0);
    stop();
}

static void test_timeout(void **state)
{
    (void)state;
    start((struct http_client_options){.connections = 1, .timeout_ms = 200});
    uv_update_time(&t.loop.uv); /* timers count from the turn's time, and no turn has begun yet */
    uint64_t began = clock_now();
    get("/never");
    get("/waits"); /* for the connection */
    int fd = accept_one();
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    WAIT_UNTIL(&t.loop, t.ended == 2);
    double seconds = clock_seconds(began, clock_now());
    assert_true(seconds >= .2 && seconds < 2);
    assert_int_equal(t.last_status, ERR_TIMEOUT);
    close(fd);
    get("/again");
    fd = accept_one();
    expect_request(fd, "GET /again HTTP/1.1\r\n");
    peer_send(fd, ANSWER("0"));
    WAIT_UNTIL(&t.loop, t.ended == 3);
    assert_int_equal(t.last_status, 0);
    close(fd);
    stop();
}

static void test_broken_answers(void **state)
{
    static const struct {
        const char *answer;
        int status;
    } cases[] = {
        {"", ERR_LOST},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", ERR_LOST},
        {"HTTP/1.1 20", ERR_LOST},
        {"hello\r\n", ERR_PROTOCOL},
        {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
         ERR_PROTOCOL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", ERR_TOO_LARGE},
    };
    (void)state;
    start((struct http_client_options){0});
    for (int i = 0; i < 6; i++) {
        get("/");
        int fd = accept_one();
        expect_request(fd, "GET / HTTP/1.1\r\n");
        peer_send(fd, cases[i].answer);
        if (cases[i].status == ERR_LOST)
            shutdown(fd, SHUT_WR);
        WAIT_UNTIL(&t.loop, t.ended == i + 1);
        assert_int_equal(t.last_status, cases[i].status);
        close(fd);
    }
    assert_true(nobody_connects()); /* a new connection's request is not sent twice */
    stop();
}

/* A connection that answered once, and is idle. */
static int kept_connection(void)
{
    get("/");
    int fd = accept_one();
    expect_request(fd, "GET / HTTP/1.1\r\n");
    peer_send(fd, ANSWER("0"));
    WAIT_UNTIL(&t.loop, t.ended == 1);
    return fd;
}

/* Closed by the server while the request is on its way: once more, elsewhere. */
static void test_sent_again(void **state)
{
    (void)state;
    start((struct http_client_options){0});
    int fd = kept_connection();
    reset(fd);
    get("/second"); /* before the loop could see it */
    fd = accept_one();
    expect_request(fd, "GET /second HTTP/1.1\r\n");
    peer_send(fd, ANSWER("2") "ok");
    WAIT_UNTIL(&t.loop, t.ended == 2);
    assert_string_equal(buf_cstr(&t.last), "200 ok");
    get("/third");
    expect_request(fd, "GET /third HTTP/1.1\r\n");
    peer_send(fd, "H"); /* a byte of an answer: no more repeating */
    peer_run(&t.loop, 20);
    reset(fd);
    WAIT_UNTIL(&t.loop, t.ended == 3);
    assert_int_equal(t.last_status, ERR_LOST);
    assert_true(nobody_connects());
    stop();
}

static void test_post_not_sent_again(void **state)
{
    struct http_client_request r = {.method = "POST", .target = "/", .body = "x", .len = 1};
    (void)state;
    start((struct http_client_options){0});
    int fd = kept_connection();
    close(fd);
    assert_int_equal(try_send(&r), 0);
    WAIT_UNTIL(&t.loop, t.ended == 2);
    assert_int_equal(t.last_status, ERR_LOST);
    assert_true(nobody_connects());
    stop();
}

static void test_idle_closed_by_server(void **state)
{
    (void)state;
    start((struct http_client_options){0});
    close(kept_connection());
    WAIT_UNTIL(&t.loop, http_client_open(t.client) == 0);
    get("/");
    int fd = accept_one();
    expect_request(fd, "GET / HTTP/1.1\r\n");
    close(fd);
    stop();
}

/* The end -------------------------------------------------------------------------------------- */

/* One in flight, one connecting, two waiting: each is told once, from a later turn. */
static void test_close_with_pending(void **state)
{
    (void)state;
    start((struct http_client_options){.connections = 2});
    get("/");
    int fd = accept_one();
    expect_request(fd, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 3; i++)
        get("/");
    close_client();
    assert_int_equal(t.ended, 0);
    WAIT_UNTIL(&t.loop, t.closed);
    assert_int_equal(t.ended, 4);
    assert_int_equal(t.last_status, ERR_CLOSED);
    close(fd);
    stop();
}

static void test_close_at_once(void **state)
{
    (void)state;
    start((struct http_client_options){0});
    get("/"); /* the name is being resolved */
    close_client();
    WAIT_UNTIL(&t.loop, t.closed);
    assert_int_equal(t.ended, 1);
    assert_int_equal(t.last_status, ERR_CLOSED);
    stop();
}

static void close_in_callback(void)
{
    t.also = NULL;
    t.closing = true;
    http_client_close(t.client, on_closed, &t);
}

static void test_close_in_callback(void **state)
{
    (void)state;
    start((struct http_client_options){.connections = 1});
    t.also = close_in_callback;
    get("/");
    get("/waits");
    int fd = accept_one();
    peer_send(fd, ANSWER("2") "ok");
    WAIT_UNTIL(&t.loop, t.closed);
    assert_int_equal(t.ended, 2);
    assert_int_equal(t.ok, 1);
    assert_int_equal(t.last_status, ERR_CLOSED);
    close(fd);
    stop();
}

static void test_arguments(void **state)
{
    static const char *const urls[] = {"https://a",     "a:80",       "http://",
                                       "http://a:port", "http://a?b", "http://u@a"};
    static const struct http_client_request requests[] = {
        {.method = "GET", .target = ""},     {.method = "GET", .target = "a"},
        {.method = "GET", .target = "/a b"}, {.method = "GET", .target = "/a\r\nX: y"},
        {.method = "G T", .target = "/"},    {.method = "", .target = "/"},
    };
    (void)state;
    start((struct http_client_options){0});
    for (int i = 0; i < 6; i++) {
        struct err err = {0};
        struct http_client_options o = {.url = urls[i]};
        assert_null(http_client_new(&t.loop, &o, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_non_null(strstr(err.text, urls[i]));
        assert_int_equal(try_send(&requests[i]), ERR_INVALID);
    }
    stop();
    assert_int_equal(t.ended, 0);
}

/* Client and server together: thousands of requests, side by side. */
static void serve(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    http_reply_text(x, 200, "served");
}

static void test_with_server(void **state)
{
    struct err err;
    struct http_server_options o = {.address = "127.0.0.1:0", .handler = serve};
    (void)state;
    assert_int_equal(loop_init(&t.loop), 0);
    struct http_server *server = http_server_listen(&t.loop, &o, &err);
    assert_non_null(server);
    t.port = http_server_port(server);
    t.listener = dup(0);
    make_client((struct http_client_options){.connections = 50}, "");
    for (int i = 0; i < 5000; i++)
        get("/");
    WAIT_UNTIL(&t.loop, t.ended == 5000);
    assert_int_equal(t.ok, 5000);
    assert_string_equal(buf_cstr(&t.last), "200 served");
    assert_int_equal(http_client_open(t.client), 50);
    stop();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_refused),
        TEST(test_unknown_name),
        TEST(test_timeout),
        TEST(test_broken_answers),
        TEST(test_sent_again),
        TEST(test_post_not_sent_again),
        TEST(test_idle_closed_by_server),
        TEST(test_close_with_pending),
        TEST(test_close_at_once),
        TEST(test_close_in_callback),
        TEST(test_arguments),
        TEST(test_with_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
