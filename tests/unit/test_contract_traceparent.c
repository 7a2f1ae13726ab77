/* traceparent: what W3C Trace Context allows, and each way of not being that. */
#include "contract/traceparent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static bool valid(const char *text)
{
    return traceparent_valid(text, strlen(text));
}

static void good_ones_are_valid(void **state)
{
    (void)state;
    assert_true(valid(GOOD));
    assert_true(valid("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
}

static void lengths_are_exact(void **state)
{
    (void)state;
    assert_false(valid(""));
    assert_false(valid(GOOD "0"));
    assert_false(traceparent_valid(GOOD, TRACEPARENT_LEN - 1));
}

static void forbidden_values_are_refused(void **state)
{
    (void)state;
    assert_false(valid("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    assert_false(valid("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
    assert_false(valid("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
}

static void every_position_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRACEPARENT_LEN; i++) {
        for (const char *wrong = "gG- \n\x80"; *wrong; wrong++) {
            char text[] = GOOD;
            if (text[i] == *wrong)
                continue;
            text[i] = *wrong;
            assert_false(valid(text));
        }
        char upper[] = GOOD;
        if (upper[i] >= 'a') {
            upper[i] = (char)(upper[i] - 'a' + 'A');
            assert_false(valid(upper));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_valid),
        cmocka_unit_test(lengths_are_exact),
        cmocka_unit_test(forbidden_values_are_refused),
        cmocka_unit_test(every_position_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
