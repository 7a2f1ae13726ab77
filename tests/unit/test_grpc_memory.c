/* Client and server on one loop, while each allocation of theirs fails in turn: a call ends,
 * whatever happens, exactly once; and all is closed. What nghttp2 allocates is not affected. */
#include "failing_alloc.h"
#include "grpc/client.h"
#include "grpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CALLS = 3, DEADLINE_MS = 300 };

static struct {
    struct loop loop;
    struct grpc_client *client;
    struct loop_part close;
    int ended, ok;
    bool failed_one; /* an allocation */
} t;

static void echo(struct grpc_call *call, const void *message, size_t len, void *ctx)
{
    (void)ctx;
    grpc_reply(call, message, len);
}

static void on_client_closed(void *ctx)
{
    (void)ctx;
    loop_part_done(&t.close);
}

static void begin_close(struct loop_part *part)
{
    (void)part;
    grpc_client_close(t.client, on_client_closed, NULL);
}

static void one_ended(void)
{
    if (++t.ended < CALLS)
        return;
    t.failed_one = alloc_fail_never();
    loop_stop(&t.loop, 0);
}

static void on_done(const struct grpc_result *result, void *ctx)
{
    (void)ctx;
    if (result->status == GRPC_OK) {
        assert_int_equal(result->len, 5);
        assert_memory_equal(result->message, "hello", 5);
        t.ok++;
    }
    one_ended();
}

static void start(char target[32])
{
    static const struct grpc_method methods[] = {{"/a.B/C", echo, NULL}, {NULL}};
    struct err err = {0};
    struct grpc_server_options serve = {.address = "127.0.0.1:0", .methods = methods};
    assert_int_equal(loop_init(&t.loop), OK);
    struct grpc_server *server = grpc_server_listen(&t.loop, &serve, &err);
    assert_non_null(server);
    snprintf(target, 32, "127.0.0.1:%d", grpc_server_port(server));
    t.client = grpc_client_new(&t.loop, &(struct grpc_client_options){.target = target}, &err);
    assert_non_null(t.client);
    loop_on_shutdown(&t.loop, STAGE_CLOSE, "client", &t.close, begin_close);
}

/* Calls while the n-th allocation fails; whether one did. */
static bool run(long n)
{
    char target[32];
    struct grpc_request request = {
        .path = "/a.B/C", .message = "hello", .len = 5, .timeout_ms = DEADLINE_MS, .done = on_done};
    memset(&t, 0, sizeof t);
    start(target);
    alloc_fail_at(n);
    for (int i = 0; i < CALLS; i++)
        if (grpc_client_call(t.client, &request) != OK)
            one_ended();
    assert_int_equal(loop_run(&t.loop), 0);
    assert_int_equal(t.ended, CALLS);
    return t.failed_one;
}

static void every_allocation_may_fail(void **state)
{
    long n = 0;
    (void)state;
    while (run(n))
        n++;
    assert_int_equal(t.ok, CALLS);
    assert_true(n > 10); /* else the test sees none of them */
}

static void without_memory_nothing_is_made(void **state)
{
    static const struct grpc_method methods[] = {{NULL}};
    struct grpc_server_options serve = {.address = "127.0.0.1:0", .methods = methods};
    struct err err = {0};
    struct loop loop;
    (void)state;
    assert_int_equal(loop_init(&loop), OK);
    alloc_fail_at(0);
    assert_null(grpc_server_listen(&loop, &serve, &err));
    assert_true(alloc_fail_never());
    assert_int_equal(err.code, ERR_NOMEM);
    alloc_fail_at(0);
    assert_null(grpc_client_new(&loop, &(struct grpc_client_options){.target = "a:1"}, &err));
    assert_true(alloc_fail_never());
    loop_stop(&loop, 0);
    assert_int_equal(loop_run(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(without_memory_nothing_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
