/*
 * The client against a server made of plain sockets, which the test plays: so that it can be slow,
 * close at any byte, and lie. One test runs it against the real server.
 */
#include "http/client.h"
#include "http/server.h"
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

static void on_end(int status, const struct http_message *response, void *ctx)
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

static int try_send(const struct http_client_request *request)
{
    t.in_call = true;
    int rc = http_client_send(t.client, request, on_end, &t);
    t.in_call = false;
    return rc;
}

static void get(const char *target)
{
    struct http_client_request r = {.method = "GET", .target = target};
    assert_int_equal(try_send(&r), 0);
}

static void listen_somewhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    t.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(t.listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(t.listener, 128), 0);
    getsockname(t.listener, (struct sockaddr *)&a, &len);
    t.port = ntohs(a.sin_port);
}

static void make_client(struct http_client_options options, const char *prefix)
{
    char url[64];
    struct err err;
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", t.port, prefix);
    options.url = url;
    t.client = http_client_new(&t.loop, &options, &err);
    assert_non_null(t.client);
}

static void start(struct http_client_options options)
{
    assert_int_equal(loop_init(&t.loop), 0);
    listen_somewhere();
    make_client(options, "");
}

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    return 0;
}

static void on_closed(void *ctx)
{
    assert_ptr_equal(ctx, &t);
    t.closed = true;
}

static void close_client(void)
{
    t.closing = true;
    t.in_call = true;
    http_client_close(t.client, on_closed, &t);
    t.in_call = false;
    assert_false(t.closed);
}

static void stop(void)
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

static int accept_one(void)
{
    int fd = -1;
    WAIT_UNTIL(&t.loop, (fd = accept(t.listener, NULL, NULL)) >= 0);
    return fd;
}

static bool nobody_connects(void)
{
    peer_run(&t.loop, 30);
    int fd = accept(t.listener, NULL, NULL);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

/* Reads a whole request without a body. */
static void expect_request(int fd, const char *expected)
{
    struct buf got = {0};
    peer_read_until(&t.loop, fd, &got, "\r\n\r\n");
    if (strncmp(buf_cstr(&got), expected, strlen(expected)) != 0)
        fail_msg("got \"%s\", expected \"%s\"", buf_cstr(&got), expected);
    buf_free(&got);
}

static void reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

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
        TEST(test_request),
        TEST(test_keep_alive),
        TEST(test_connection_close),
        TEST(test_head),
        TEST(test_big_request),
        TEST(test_early_answer),
        TEST(test_pool),
        TEST(test_full),
        TEST(test_send_in_callback),
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
