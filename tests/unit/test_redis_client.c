/* The Redis client without a server, and without memory. The rest is in tests/integration. */
#include "failing_alloc.h"
#include "redis/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Nothing listens on port 1, so each attempt is refused at once. */
static const struct redis_client_options nobody = {.url = "redis://127.0.0.1:1"};

static struct loop loop;
static struct loop_part part;
static int closed;

static int set_up(void **state)
{
    (void)state;
    closed = 0;
    return loop_init(&loop);
}

static void on_closed(void *ctx)
{
    closed++;
    *(bool *)ctx = true;
    loop_part_done(&part);
}

static void nothing_to_do(struct loop_part *p)
{
    (void)p;
}

/* Runs the loop until on_closed; loop_run asserts that no handle is left. */
static void run_to_the_end(void)
{
    loop_on_shutdown(&loop, STAGE_CLOSE, "client", &part, nothing_to_do);
    loop_stop(&loop, 0);
    assert_int_equal(loop_run(&loop), 0);
}

static void never(int status, const redisReply *reply, void *ctx)
{
    (void)status;
    (void)reply;
    (void)ctx;
    fail();
}

static void refuses_while_it_is_not_connected(void **state)
{
    (void)state;
    bool done = false;
    struct redis_client *client = redis_client_new(&loop, &nobody, NULL);
    assert_non_null(client);
    assert_false(redis_up(client));
    assert_int_equal(redis_command(client, 1, (const char *[]){"PING"}, NULL, never, NULL),
                     ERR_UNAVAILABLE);
    redis_client_close(client, on_closed, &done);
    assert_false(done); /* never inside the call */
    assert_int_equal(redis_command(client, 1, (const char *[]){"PING"}, NULL, never, NULL),
                     ERR_CLOSED);
    run_to_the_end();
    assert_int_equal(closed, 1);
}

struct later {
    uv_timer_t timer;
    struct redis_client *client;
    bool done;
};

static void on_later(uv_timer_t *timer)
{
    struct later *later = timer->data;
    assert_false(redis_up(later->client));
    redis_client_close(later->client, on_closed, &later->done);
    uv_close((uv_handle_t *)timer, NULL);
    loop_on_shutdown(&loop, STAGE_CLOSE, "client", &part, nothing_to_do);
    loop_stop(&loop, 0);
}

static void closes_in_every_moment_of_trying(void **state)
{
    (void)state;
    for (unsigned ms = 0; ms < 120; ms += 7) {
        struct later later = {.client = redis_client_new(&loop, &nobody, NULL)};
        uv_timer_init(&loop.uv, &later.timer);
        later.timer.data = &later;
        uv_timer_start(&later.timer, on_later, ms, 0);
        assert_int_equal(loop_run(&loop), 0);
        assert_true(later.done);
        assert_int_equal(loop_init(&loop), OK);
    }
    loop_stop(&loop, 0);
    assert_int_equal(loop_run(&loop), 0);
}

static void says_what_is_wrong_with_a_url(void **state)
{
    (void)state;
    struct err err;
    const struct redis_client_options wrong = {.url = "redis://"};
    assert_null(redis_client_new(&loop, &wrong, &err));
    assert_int_equal(err.code, ERR_INVALID);
    loop_stop(&loop, 0);
    assert_int_equal(loop_run(&loop), 0);
}

static void survives_want_of_memory(void **state)
{
    (void)state;
    struct redis_client *client = NULL;
    long failures = 0;
    bool done = false;
    for (; !client; failures++) {
        struct err err = {0};
        alloc_fail_at(failures);
        client = redis_client_new(&loop, &nobody, &err);
        alloc_fail_never();
        assert_true(client || err.code == ERR_NOMEM);
    }
    assert_true(failures > 2); /* the client and its ring */
    redis_client_close(client, on_closed, &done);
    run_to_the_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(refuses_while_it_is_not_connected, set_up),
        cmocka_unit_test_setup(closes_in_every_moment_of_trying, set_up),
        cmocka_unit_test_setup(says_what_is_wrong_with_a_url, set_up),
        cmocka_unit_test_setup(survives_want_of_memory, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
