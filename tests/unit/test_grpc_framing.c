/* gRPC's framing, however the bytes are cut; its status texts and time-outs. */
#include "failing_alloc.h"
#include "grpc/framing.h"
#include "grpc/status.h"
#include "grpc/timeout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static enum grpc_read feed(struct grpc_reader *r, const char *bytes, size_t len)
{
    size_t used;
    return grpc_reader_feed(r, bytes, len, &used);
}

/* Framing -------------------------------------------------------------------------------------- */

static void a_message_is_read_whatever_its_pieces(void **state)
{
    static const char bytes[] = "\0\0\0\0\5hello\0\0\0\0\0\0\0\0\0\1x";
    static const char *const wanted[] = {"hello", "", "x"};
    (void)state;
    for (size_t piece = 1; piece < sizeof bytes; piece++) {
        struct grpc_reader r = {.max = 5};
        size_t used, seen = 0;
        for (size_t at = 0; at < sizeof bytes - 1; at += used) {
            size_t left = sizeof bytes - 1 - at;
            if (grpc_reader_feed(&r, bytes + at, piece < left ? piece : left, &used) !=
                GRPC_READ_MESSAGE)
                continue;
            assert_int_equal(buf_len(&r.message), strlen(wanted[seen]));
            assert_string_equal(buf_cstr(&r.message), wanted[seen++]);
        }
        assert_int_equal(seen, 3);
        assert_true(grpc_reader_at_boundary(&r));
        grpc_reader_free(&r);
    }
}

static void half_a_prefix_is_no_boundary(void **state)
{
    (void)state;
    struct grpc_reader r = {.max = 5};
    assert_true(grpc_reader_at_boundary(&r));
    assert_int_equal(feed(&r, "\0\0", 2), GRPC_READ_MORE);
    assert_false(grpc_reader_at_boundary(&r));
    assert_int_equal(feed(&r, "\0\0\2a", 4), GRPC_READ_MORE);
    assert_false(grpc_reader_at_boundary(&r));
    assert_int_equal(feed(&r, "b", 1), GRPC_READ_MESSAGE);
    assert_true(grpc_reader_at_boundary(&r));
    grpc_reader_free(&r);
}

static void a_prefix_is_judged_before_its_message(void **state)
{
    (void)state;
    struct grpc_reader compressed = {.max = 5}, odd = {.max = 5}, large = {.max = 5};
    assert_int_equal(feed(&compressed, "\1\0\0\0\1", 5), GRPC_READ_COMPRESSED);
    assert_int_equal(feed(&odd, "\2\0\0\0\1", 5), GRPC_READ_BAD_FLAGS);
    assert_int_equal(feed(&large, "\0\0\0\0\6", 5), GRPC_READ_TOO_LARGE);
    assert_int_equal(large.length, 6);
}

static void a_promise_takes_no_memory(void **state)
{
    (void)state;
    struct grpc_reader r = {.max = UINT32_MAX};
    assert_int_equal(feed(&r, "\0\377\377\377\377abc", 8), GRPC_READ_MORE);
    assert_true(r.message.cap <= 4096);
    grpc_reader_free(&r);
}

static void want_of_memory_is_told(void **state)
{
    (void)state;
    struct grpc_reader r = {.max = 5};
    struct buf out = {0};
    alloc_fail_at(0);
    assert_int_equal(feed(&r, "\0\0\0\0\1x", 6), GRPC_READ_NO_MEMORY);
    assert_true(alloc_fail_never());
    alloc_fail_at(0);
    assert_int_equal(grpc_frame(&out, "x", 1), ERR_NOMEM);
    assert_true(alloc_fail_never());
    assert_int_equal(buf_len(&out), 0);
    grpc_reader_free(&r);
    buf_free(&out);
}

static void what_is_framed_can_be_read(void **state)
{
    (void)state;
    struct grpc_reader r = {.max = 70000};
    struct buf out = {0};
    char message[70000];
    memset(message, 'm', sizeof message);
    assert_int_equal(grpc_frame(&out, message, sizeof message), OK);
    assert_int_equal(feed(&r, buf_data(&out), buf_len(&out)), GRPC_READ_MESSAGE);
    assert_memory_equal(buf_data(&r.message), message, sizeof message);
    grpc_reader_free(&r);
    buf_free(&out);
}

/* Status --------------------------------------------------------------------------------------- */

static void codes_have_names_and_numbers(void **state)
{
    (void)state;
    assert_int_equal(GRPC_STATUS_COUNT, 17);
    assert_string_equal(grpc_status_name(4), "DEADLINE_EXCEEDED");
    assert_string_equal(grpc_status_name(99), "UNKNOWN");
    assert_int_equal(grpc_status_parse("16", 2), GRPC_UNAUTHENTICATED);
    assert_int_equal(grpc_status_parse("0", 1), GRPC_OK);
    static const char *const wrong[] = {"", "17", "-1", "1x", "100", " 1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(grpc_status_parse(wrong[i], strlen(wrong[i])), GRPC_UNKNOWN);
}

static void a_text_survives_its_field(void **state)
{
    static const char text[] = "100 % of \xc3\xa4\n\"x\"";
    (void)state;
    struct buf field = {0}, back = {0};
    assert_int_equal(grpc_message_encode(&field, text, strlen(text)), OK);
    assert_string_equal(buf_cstr(&field), "100 %25 of %C3%A4%0A\"x\"");
    assert_int_equal(grpc_message_decode(&back, buf_data(&field), buf_len(&field)), OK);
    assert_string_equal(buf_cstr(&back), text);
    buf_free(&field);
    buf_free(&back);
}

static void a_broken_field_is_taken_as_it_is(void **state)
{
    (void)state;
    static const char *const fields[] = {"%", "%4", "%zz", "50%"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct buf back = {0};
        assert_int_equal(grpc_message_decode(&back, fields[i], strlen(fields[i])), OK);
        assert_string_equal(buf_cstr(&back), fields[i]);
        buf_free(&back);
    }
}

/* Time-outs ------------------------------------------------------------------------------------ */

static void timeouts_are_read_in_every_unit(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {{"250m", 250}, {"2S", 2000}, {"3M", 180000},  {"1H", 3600000},
                 {"1u", 1},     {"1n", 1},    {"1000001n", 2}, {"99999999H", 359999996400000},
                 {"0m", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t ms = 0;
        assert_int_equal(grpc_timeout_parse(cases[i].text, strlen(cases[i].text), &ms), OK);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void what_is_no_timeout_is_refused(void **state)
{
    static const char *const wrong[] = {"",     "m",          "1",   "1s", "-1m",
                                        "1.5S", "123456789m", " 1m", "1m "};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint64_t ms;
        assert_int_equal(grpc_timeout_parse(wrong[i], strlen(wrong[i]), &ms), ERR_INVALID);
    }
}

static void timeouts_are_written_so_that_they_fit(void **state)
{
    static const struct {
        uint64_t ms;
        const char *field;
    } cases[] = {{1, "1m"},
                 {99999999, "99999999m"},
                 {100000000, "100000S"},
                 {100000001, "100001S"},
                 {UINT64_MAX, "99999999H"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char field[GRPC_TIMEOUT_FIELD];
        grpc_timeout_write(field, cases[i].ms);
        assert_string_equal(field, cases[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_read_whatever_its_pieces),
        cmocka_unit_test(half_a_prefix_is_no_boundary),
        cmocka_unit_test(a_prefix_is_judged_before_its_message),
        cmocka_unit_test(a_promise_takes_no_memory),
        cmocka_unit_test(want_of_memory_is_told),
        cmocka_unit_test(what_is_framed_can_be_read),
        cmocka_unit_test(codes_have_names_and_numbers),
        cmocka_unit_test(a_text_survives_its_field),
        cmocka_unit_test(a_broken_field_is_taken_as_it_is),
        cmocka_unit_test(timeouts_are_read_in_every_unit),
        cmocka_unit_test(what_is_no_timeout_is_refused),
        cmocka_unit_test(timeouts_are_written_so_that_they_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
