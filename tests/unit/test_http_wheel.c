/*
 * The wheel on a real loop: nothing early, nothing late (by more than a machine under load may add
 * to the wheel's tick), thousands at once.
 */
#include "http/wheel.h"
#include "http_peer.h"

#define LOAD_MS 500

static struct {
    struct loop loop;
    struct http_wheel wheel;
    bool closed;
    int expired;
    uint64_t last_ms; /* when */
} t;

static void on_expired(struct http_timer *timer)
{
    t.expired++;
    t.last_ms = loop_ms(&t.loop);
    assert_true(timer->due_ms <= t.last_ms);
}

static void set_in(struct http_timer *timer, int ms)
{
    http_wheel_set(&t.wheel, timer, loop_ms(&t.loop) + (uint64_t)ms);
}

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    assert_int_equal(loop_init(&t.loop), 0);
    return http_wheel_init(&t.wheel, &t.loop);
}

static void on_closed(struct http_wheel *wheel)
{
    assert_ptr_equal(wheel, &t.wheel);
    t.closed = true;
}

static int teardown(void **state)
{
    (void)state;
    http_wheel_close(&t.wheel, on_closed);
    loop_stop(&t.loop, 0);
    assert_int_equal(loop_run(&t.loop), 0);
    return !t.closed;
}

static void test_in_time(void **state)
{
    static const int delays[] = {0, 1, 49, 50, 51, 120, 300};
    struct http_timer timer;
    (void)state;
    http_timer_init(&timer, on_expired);
    for (int i = 0; i < 7; i++) {
        uv_update_time(&t.loop.uv);
        uint64_t began = loop_ms(&t.loop);
        set_in(&timer, delays[i]);
        WAIT_UNTIL(&t.loop, t.expired == i + 1);
        uint64_t took = t.last_ms - began;
        assert_true(took >= (uint64_t)delays[i]);
        assert_true(took <= (uint64_t)delays[i] + HTTP_WHEEL_TICK_MS + LOAD_MS);
    }
}

static void test_moved(void **state)
{
    struct http_timer later, sooner;
    (void)state;
    http_timer_init(&later, on_expired);
    http_timer_init(&sooner, on_expired);
    uint64_t began = loop_ms(&t.loop);
    set_in(&later, 50);
    set_in(&later, 1000);
    set_in(&sooner, 100 * 1000);
    set_in(&sooner, 150);
    WAIT_UNTIL(&t.loop, t.expired == 1);
    assert_true(t.last_ms - began >= 150 && t.last_ms - began < 200 + LOAD_MS);
    WAIT_UNTIL(&t.loop, t.expired == 2);
    assert_true(t.last_ms - began >= 1000 && t.last_ms - began < 1050 + LOAD_MS);
}

static void test_cleared(void **state)
{
    struct http_timer timer;
    (void)state;
    http_timer_init(&timer, on_expired);
    set_in(&timer, 50);
    http_wheel_clear(&t.wheel, &timer);
    http_wheel_clear(&t.wheel, &timer);
    peer_run(&t.loop, 200);
    assert_int_equal(t.expired, 0);
    assert_false(uv_is_active((uv_handle_t *)&t.wheel.tick)); /* nothing set: nothing ticks */
}

static struct http_timer *other;

static void clear_other(struct http_timer *timer)
{
    (void)timer;
    t.expired++;
    http_wheel_clear(&t.wheel, other);
}

static void set_again(struct http_timer *timer)
{
    if (++t.expired < 5)
        set_in(timer, 0);
}

/* What expires may clear one of the same slot, and set itself again. */
static void test_within_expired(void **state)
{
    struct http_timer first, second, again;
    (void)state;
    http_timer_init(&first, clear_other);
    http_timer_init(&second, on_expired);
    http_timer_init(&again, set_again);
    other = &second;
    set_in(&first, 70);
    set_in(&second, 70);
    WAIT_UNTIL(&t.loop, t.expired == 1);
    peer_run(&t.loop, 150);
    assert_int_equal(t.expired, 1);
    t.expired = 0;
    set_in(&again, 0);
    WAIT_UNTIL(&t.loop, t.expired == 5);
    peer_run(&t.loop, 150);
    assert_int_equal(t.expired, 5);
}

static void test_many(void **state)
{
    enum { MANY = 20000 };
    struct http_timer *timers = calloc(MANY, sizeof *timers);
    (void)state;
    for (int i = 0; i < MANY; i++) {
        http_timer_init(&timers[i], on_expired);
        set_in(&timers[i], i % 500);
    }
    WAIT_UNTIL(&t.loop, t.expired == MANY);
    free(timers);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_in_time),        TEST(test_moved), TEST(test_cleared),
        TEST(test_within_expired), TEST(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
