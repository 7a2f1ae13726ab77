/* traceparent: what W3C Trace Context allows, and each way of not being that. */
#include "contract/traceparent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static int read_text(const char *text, struct trace *out)
{
    return traceparent_read(text, strlen(text), out);
}

static bool valid(const char *text)
{
    struct trace t;
    return read_text(text, &t) == OK;
}

static void its_parts_are_read(void **state)
{
    (void)state;
    struct trace t;
    assert_int_equal(read_text(GOOD, &t), OK);
    assert_true(t.id[0] == 0x4bf92f3577b34da6 && t.id[1] == 0xa3ce929d0e0e4736);
    assert_true(t.parent == 0x00f067aa0ba902b7 && t.span == 0);
    assert_true(t.sampled);
}

static void of_the_flags_one_counts(void **state)
{
    (void)state;
    char text[] = GOOD;
    for (int flags = 0; flags < 256; flags++) {
        struct trace t;
        snprintf(text + 53, 3, "%02x", flags);
        assert_int_equal(read_text(text, &t), OK);
        assert_int_equal(t.sampled, flags & 1);
    }
}

static void lengths_are_exact(void **state)
{
    (void)state;
    struct trace t;
    assert_false(valid(""));
    assert_false(valid(GOOD "0"));
    assert_false(valid(GOOD "-"));
    assert_false(valid(GOOD "-00"));
    for (size_t len = 0; len < TRACEPARENT_LEN; len++)
        assert_int_equal(traceparent_read(GOOD, len, &t), ERR_INVALID);
}

/* What a later version adds stands behind a dash; until then it is like this one. */
static void later_versions_are_read_as_far_as_known(void **state)
{
    (void)state;
    static const char parts[] = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    char text[128];
    for (int version = 1; version < 256; version++) {
        bool is_one = version != 255;
        snprintf(text, sizeof text, "%02x%s", version, parts);
        assert_int_equal(valid(text), is_one);
        snprintf(text, sizeof text, "%02x%s-what the future brings", version, parts);
        assert_int_equal(valid(text), is_one);
        snprintf(text, sizeof text, "%02x%s.what the future brings", version, parts);
        assert_false(valid(text));
    }
}

static void what_is_written_is_version_00(void **state)
{
    (void)state;
    struct trace t;
    char text[TRACEPARENT_SIZE], id[TRACE_ID_SIZE], span[SPAN_ID_SIZE];
    assert_int_equal(read_text("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-x", &t),
                     OK);
    t.span = 0xabcdef;
    traceparent_write(&t, text);
    assert_string_equal(text, "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000abcdef-01");
    t.sampled = false;
    traceparent_write(&t, text);
    assert_string_equal(text, "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000abcdef-00");
    trace_id_write(&t, id);
    span_id_write(t.span, span);
    assert_memory_equal(id, text + 3, 32);
    assert_memory_equal(span, text + 36, 16);
    assert_int_equal(strlen(id), 32);
    assert_int_equal(strlen(span), 16);
}

static void forbidden_values_are_refused(void **state)
{
    (void)state;
    assert_false(valid("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    assert_false(valid("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
    assert_false(valid("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
    assert_true(valid("00-00000000000000010000000000000000-0000000000000001-01"));
    assert_true(valid("00-00000000000000000000000000000001-1000000000000000-00"));
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
        cmocka_unit_test(its_parts_are_read),
        cmocka_unit_test(of_the_flags_one_counts),
        cmocka_unit_test(lengths_are_exact),
        cmocka_unit_test(later_versions_are_read_as_far_as_known),
        cmocka_unit_test(what_is_written_is_version_00),
        cmocka_unit_test(forbidden_values_are_refused),
        cmocka_unit_test(every_position_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
