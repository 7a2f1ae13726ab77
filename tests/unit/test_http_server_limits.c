/* The server over loopback sockets: time-outs, too many of something, shutdown. */
#include "server_fixture.h"

#include <sys/resource.h>

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
        TEST(test_slow_head),      TEST(test_slow_body),   TEST(test_idle),
        TEST(test_stalled_write),  TEST(test_drain_limit), TEST(test_too_many_connections),
        TEST(test_no_descriptors), TEST(test_shutdown),    TEST(test_shutdown_overdue),
        TEST(test_listen_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
