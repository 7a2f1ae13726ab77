/* Back-off: bounds, growth, reset. */
#include "loop/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void first_delay_is_within_half_and_whole(void **state)
{
    (void)state;
    for (uint32_t random = 0; random < 1000; random++) {
        struct backoff b = {.first_ms = 50, .cap_ms = 500};
        uint32_t delay = backoff_next(&b, random);
        assert_in_range(delay, 25, 50);
    }
}

static void ceiling_doubles_up_to_the_cap(void **state)
{
    (void)state;
    const uint32_t ceilings[] = {50, 100, 200, 400, 500, 500, 500};
    struct backoff most = {.first_ms = 50, .cap_ms = 500};
    for (size_t i = 0; i < sizeof ceilings / sizeof *ceilings; i++)
        /* random % (most - least + 1) is the whole span for this number */
        assert_int_equal(backoff_next(&most, ceilings[i] - 25), ceilings[i]);
}

static void many_attempts_do_not_overflow(void **state)
{
    (void)state;
    struct backoff b = {.first_ms = 50, .cap_ms = 500, .attempt = UINT32_MAX - 1};
    for (int i = 0; i < 10; i++)
        assert_in_range(backoff_next(&b, (uint32_t)random()), 25, 500);
}

static void reset_begins_again(void **state)
{
    (void)state;
    struct backoff b = {.first_ms = 50, .cap_ms = 500};
    for (int i = 0; i < 5; i++)
        (void)backoff_next(&b, 7);
    backoff_reset(&b);
    assert_int_equal(backoff_next(&b, 25), 50);
}

static void delay_is_never_nothing(void **state)
{
    (void)state;
    struct backoff b = {.first_ms = 1, .cap_ms = 1};
    for (uint32_t random = 0; random < 10; random++)
        assert_int_equal(backoff_next(&b, random), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_delay_is_within_half_and_whole),
        cmocka_unit_test(ceiling_doubles_up_to_the_cap),
        cmocka_unit_test(many_attempts_do_not_overflow),
        cmocka_unit_test(reset_begins_again),
        cmocka_unit_test(delay_is_never_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
