/* The pool without a server, and without memory. The rest is in tests/integration. */
#include "failing_alloc.h"
#include "postgres/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct postgres_prepared statements[] = {{"one", "select 1"}, {NULL, NULL}};

/* Nothing listens on port 1, so each attempt is refused at once. */
static const struct postgres_pool_options nobody = {
    .url = "postgres://me:pw@127.0.0.1:1/db",
    .connections = 3,
    .statements = statements,
};

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
    (void)ctx;
    closed++;
    loop_part_done(&part);
}

static void nothing_to_do(struct loop_part *p)
{
    (void)p;
}

static void close_and_run(struct postgres_pool *pool)
{
    postgres_pool_close(pool, on_closed, NULL);
    assert_int_equal(closed, 0); /* never inside the call */
    loop_on_shutdown(&loop, STAGE_CLOSE, "pool", &part, nothing_to_do);
    loop_stop(&loop, 0);
    assert_int_equal(loop_run(&loop), 0); /* which asserts that no handle is left */
    assert_int_equal(closed, 1);
}

static void never(const struct postgres_outcome *outcome, void *ctx)
{
    (void)outcome;
    (void)ctx;
    fail();
}

static void refuses_while_nothing_is_connected(void **state)
{
    (void)state;
    const struct postgres_step step = {.statement = 0};
    struct postgres_pool *pool = postgres_pool_new(&loop, &nobody, NULL);
    assert_non_null(pool);
    assert_false(postgres_up(pool));
    assert_int_equal(postgres_submit(pool, &step, 1, never, NULL), ERR_UNAVAILABLE);
    close_and_run(pool);
}

struct later {
    uv_timer_t timer;
    struct postgres_pool *pool;
};

static void on_later(uv_timer_t *timer)
{
    struct later *later = timer->data;
    postgres_pool_close(later->pool, on_closed, NULL);
    uv_close((uv_handle_t *)timer, NULL);
    loop_on_shutdown(&loop, STAGE_CLOSE, "pool", &part, nothing_to_do);
    loop_stop(&loop, 0);
}

static void closes_in_every_moment_of_trying(void **state)
{
    (void)state;
    for (unsigned ms = 0; ms < 120; ms += 7) {
        struct later later = {.pool = postgres_pool_new(&loop, &nobody, NULL)};
        uv_timer_init(&loop.uv, &later.timer);
        later.timer.data = &later;
        uv_timer_start(&later.timer, on_later, ms, 0);
        closed = 0;
        assert_int_equal(loop_run(&loop), 0);
        assert_int_equal(closed, 1);
        assert_int_equal(loop_init(&loop), OK);
    }
    loop_stop(&loop, 0);
    assert_int_equal(loop_run(&loop), 0);
}

static void says_what_is_wrong_with_its_options(void **state)
{
    (void)state;
    struct postgres_pool_options wrong = nobody;
    struct err err = {0};
    wrong.connections = 0;
    assert_null(postgres_pool_new(&loop, &wrong, &err));
    assert_int_equal(err.code, ERR_INVALID);
    wrong.connections = POSTGRES_CONNECTIONS_MAX + 1;
    assert_null(postgres_pool_new(&loop, &wrong, &err));
    wrong = nobody;
    wrong.url = "postgres://a,b/c";
    assert_null(postgres_pool_new(&loop, &wrong, &err));
    assert_int_equal(err.code, ERR_INVALID);
    loop_stop(&loop, 0);
    assert_int_equal(loop_run(&loop), 0);
}

static void survives_want_of_memory(void **state)
{
    (void)state;
    struct postgres_pool *pool = NULL;
    long failures = 0;
    for (; !pool; failures++) {
        struct err err = {0};
        alloc_fail_at(failures);
        pool = postgres_pool_new(&loop, &nobody, &err);
        alloc_fail_never();
        assert_true(pool || err.code == ERR_NOMEM);
    }
    assert_true(failures > 3); /* the pool, its setup's text, its table of histograms */
    close_and_run(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(refuses_while_nothing_is_connected, set_up),
        cmocka_unit_test_setup(closes_in_every_moment_of_trying, set_up),
        cmocka_unit_test_setup(says_what_is_wrong_with_its_options, set_up),
        cmocka_unit_test_setup(survives_want_of_memory, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
