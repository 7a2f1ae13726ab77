/* UUIDs: their form, their order, and that a clock set back does not break it. */
#include "base/clock.h"
#include "contract/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t clock_shift_ms;

uint64_t __real_clock_wall_ms(void);
uint64_t __wrap_clock_wall_ms(void);
uint64_t __wrap_clock_wall_ms(void)
{
    return __real_clock_wall_ms() + (uint64_t)clock_shift_ms;
}

static uint64_t ms_of(const char *uuid)
{
    char hex[13];
    memcpy(hex, uuid, 8);
    memcpy(hex + 8, uuid + 9, 4);
    hex[12] = '\0';
    return strtoull(hex, NULL, 16);
}

static void is_version_7(void **state)
{
    (void)state;
    char id[UUID_SIZE];
    uint64_t before = __real_clock_wall_ms();
    uuid_v7(id);
    assert_true(uuid_valid(id, strlen(id)));
    assert_int_equal(id[14], '7');
    assert_non_null(strchr("89ab", id[19]));
    assert_in_range(ms_of(id), before, __real_clock_wall_ms());
    for (const char *p = id; *p; p++)
        assert_non_null(strchr("0123456789abcdef-", *p));
}

/* Far more in a millisecond than the counter has room for. */
static void ascend_without_a_gap_in_order(void **state)
{
    (void)state;
    char last[UUID_SIZE] = "", id[UUID_SIZE];
    for (int i = 0; i < 200000; i++) {
        uuid_v7(id);
        assert_true(strcmp(last, id) < 0);
        memcpy(last, id, sizeof last);
    }
    assert_true(ms_of(last) < __real_clock_wall_ms() + 200);
}

static void ascend_when_the_clock_is_set_back(void **state)
{
    (void)state;
    char before[UUID_SIZE], after[UUID_SIZE];
    uuid_v7(before);
    clock_shift_ms = -3600 * 1000;
    for (int i = 0; i < 10000; i++) {
        uuid_v7(after);
        assert_true(strcmp(before, after) < 0);
        memcpy(before, after, sizeof before);
    }
    clock_shift_ms = 0;
}

/* Two processes share a millisecond: what differs then is random. */
static void tails_are_random(void **state)
{
    (void)state;
    int ones[16] = {0};
    for (int i = 0; i < 1600; i++) {
        char id[UUID_SIZE];
        uuid_v7(id);
        ones[strtol((char[]){id[35], 0}, NULL, 16)]++;
    }
    for (int i = 0; i < 16; i++)
        assert_in_range(ones[i], 40, 200); /* 100 on average, 9.7 the deviation */
}

static void validates(void **state)
{
    (void)state;
    static const char *const good[] = {
        "00000000-0000-0000-0000-000000000000",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "F47AC10B-58CC-4372-A567-0E02B2C3D479",
    };
    static const char *const bad[] = {
        "",
        "f47ac10b58cc4372a5670e02b2c3d479",
        "f47ac10b-58cc-4372-a567-0e02b2c3d47",
        "f47ac10b-58cc-4372-a567-0e02b2c3d4790",
        "{f47ac10b-58cc-4372-a567-0e02b2c3d47",
        "f47ac10b-58cc-4372-a567-0e02b2c3d47g",
        "f47ac10b-58cc-4372-a567_0e02b2c3d479",
        "f47ac10b-58cc-4372a-567-0e02b2c3d479",
        "f47ac10b-58cc-4372-a567-0e02b2c3d47 ",
        "f47ac10b-58cc-4372-a567-0e02b2c3d4\xc3\xa9",
        "------------------------------------",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(uuid_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(uuid_valid(bad[i], strlen(bad[i])));
    assert_false(uuid_valid("f47ac10b-58cc-4372-a567-0e02b2c3d4\0a", 36));
}

static void normalises(void **state)
{
    (void)state;
    char out[UUID_SIZE] = "unchanged";
    assert_int_equal(uuid_normalise("nonsense", 8, out), ERR_INVALID);
    assert_string_equal(out, "unchanged");
    assert_int_equal(uuid_normalise("F47AC10B-58CC-4372-A567-0E02B2C3D479 more", 36, out), OK);
    assert_string_equal(out, "f47ac10b-58cc-4372-a567-0e02b2c3d479");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_version_7),
        cmocka_unit_test(ascend_without_a_gap_in_order),
        cmocka_unit_test(ascend_when_the_clock_is_set_back),
        cmocka_unit_test(tails_are_random),
        cmocka_unit_test(validates),
        cmocka_unit_test(normalises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
