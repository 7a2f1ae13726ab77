/*
 * Every allocation of parser, server and client fails once in turn: what could not be done is told,
 * nothing leaks (the address sanitizer looks), and afterwards all works again.
 */
#include "failing_alloc.h"
#include "http/client.h"
#include "http/server.h"
#include "http_peer.h"

#define REQUEST                                                                                    \
    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n"     \
    "A:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nH:\r\nI:\r\nJ:\r\nK:\r\nL:\r\nM:\r\nN:\r\n\r\n"     \
    "4\r\nbody\r\n0\r\n\r\n"

static void test_parser(void **state)
{
    (void)state;
    bool failed = true;
    long n = 0;
    for (; failed; n++) {
        struct http_parser p;
        struct http_message m = {0};
        size_t used, rest;
        http_parser_init(&p, HTTP_PARSE_REQUEST, &http_limits_default);
        http_parser_next(&p, &m);
        alloc_fail_at(n);
        enum http_event event = http_parser_feed(&p, REQUEST, strlen(REQUEST), &used);
        if (event == HTTP_HEADERS)
            event = http_parser_feed(&p, REQUEST + used, strlen(REQUEST) - used, &rest);
        failed = alloc_fail_never();
        assert_int_equal(event, failed ? HTTP_ERROR : HTTP_MESSAGE);
        if (failed)
            assert_int_equal(p.refusal, HTTP_REFUSE_MEMORY);
        http_message_free(&m);
    }
    assert_true(n > 3); /* or nothing was tried */
}

/* Server --------------------------------------------------------------------------------------- */

static struct {
    struct loop loop;
    int port;
    int handled, answered;
} t;

static void handle(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    t.handled++;
    http_reply_error(x, 200, "answer");
}

static void answered(struct http_exchange *x, int status, double seconds, void *ctx)
{
    (void)x, (void)status, (void)seconds, (void)ctx;
    t.answered++;
}

static void start(void)
{
    struct err err;
    struct http_server_options o = {
        .address = "127.0.0.1:0", .handler = handle, .answered = answered};
    memset(&t, 0, sizeof t);
    assert_int_equal(loop_init(&t.loop), 0);
    struct http_server *server = http_server_listen(&t.loop, &o, &err);
    assert_non_null(server);
    t.port = http_server_port(server);
}

static void stop(void)
{
    loop_stop(&t.loop, 0);
    assert_int_equal(loop_run(&t.loop), 0);
}

/* Whether the peer was answered; else it was told 503 or saw the connection end. */
static bool ask(void)
{
    struct buf got = {0};
    bool reset, ok;
    int fd = peer_connect(t.port);
    peer_send(fd, REQUEST);
    do {
        peer_step(&t.loop);
        ok = strstr(buf_cstr(&got), "{\"error\":\"answer\"}");
    } while (!ok && peer_take(fd, &got, &reset));
    buf_free(&got);
    close(fd);
    WAIT_UNTIL(&t.loop, t.answered >= t.handled);
    return ok;
}

static void test_server(void **state)
{
    (void)state;
    bool failed = true;
    long n = 0;
    for (; failed; n++) {
        start();
        alloc_fail_at(n);
        bool ok = ask();
        failed = alloc_fail_never();
        assert_true(ok || failed);
        assert_true(ask());
        stop();
    }
    assert_true(n > 5);
}

static void test_listen(void **state)
{
    struct err err;
    struct http_server_options o = {.address = "127.0.0.1:0", .handler = handle};
    (void)state;
    start();
    alloc_fail_at(0);
    assert_null(http_server_listen(&t.loop, &o, &err));
    assert_true(alloc_fail_never());
    assert_int_equal(err.code, ERR_NOMEM);
    stop();
}

/* Client --------------------------------------------------------------------------------------- */

static int ended, last_status;

static void on_end(int status, const struct http_message *response, void *ctx)
{
    (void)response, (void)ctx;
    ended++;
    last_status = status;
}

/* One request: 0, or the code that said why not. */
static int request(struct http_client *client)
{
    struct http_client_request r = {.method = "POST", .target = "/", .body = "x", .len = 1};
    ended = 0;
    int rc = http_client_send(client, &r, on_end, NULL);
    if (rc < 0)
        return rc;
    WAIT_UNTIL(&t.loop, ended);
    return last_status;
}

static void test_client(void **state)
{
    char url[64];
    struct err err;
    (void)state;
    bool failed = true;
    long n = 0;
    for (; failed; n++) {
        start();
        snprintf(url, sizeof url, "http://127.0.0.1:%d", t.port);
        struct http_client_options o = {.url = url, .timeout_ms = 300};
        alloc_fail_at(n);
        struct http_client *client = http_client_new(&t.loop, &o, &err);
        int rc = client ? request(client) : err.code;
        failed = alloc_fail_never();
        assert_true(rc == 0 || failed);
        if (client) {
            assert_int_equal(request(client), 0);
            http_client_close(client, NULL, NULL);
        } else {
            assert_int_equal(rc, ERR_NOMEM);
        }
        stop();
    }
    assert_true(n > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parser),
        cmocka_unit_test(test_server),
        cmocka_unit_test(test_listen),
        cmocka_unit_test(test_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
