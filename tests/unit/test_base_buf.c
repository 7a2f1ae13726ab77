/* The growing buffer: order kept through consuming and growing, JSON escapes, want of memory. */
#include "base/buf.h"
#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void is(struct buf *b, const char *text)
{
    assert_int_equal(buf_len(b), strlen(text));
    assert_string_equal(buf_cstr(b), text);
}

static void appends_in_order(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_int_equal(buf_len(&b), 0);
    assert_int_equal(buf_append(&b, NULL, 0), OK);
    is(&b, "");
    buf_text(&b, "one ");
    buf_char(&b, '2');
    buf_printf(&b, " %s-%03d", "three", 4);
    is(&b, "one 2 three-004");
    buf_clear(&b);
    is(&b, "");
    buf_free(&b);
    assert_null(b.data);
}

static void writes_numbers(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_u64(&b, 0);
    buf_char(&b, ' ');
    buf_u64(&b, UINT64_MAX);
    buf_char(&b, ' ');
    buf_u64(&b, 1000);
    is(&b, "0 18446744073709551615 1000");
    buf_free(&b);
}

/* A queue of bytes: what comes out is what went in, however appends and consumes alternate, and the
 * allocation stays as small as what waits. */
static void keeps_order_as_a_queue(void **state)
{
    (void)state;
    struct buf b = {0};
    unsigned char in = 0, out = 0;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        for (int n = rand() % 50; n; n--)
            assert_int_equal(buf_char(&b, (char)in++), OK);
        size_t take = (size_t)rand() % (buf_len(&b) + 1);
        for (size_t i = 0; i < take; i++)
            assert_int_equal((unsigned char)buf_data(&b)[i], out++);
        buf_consume(&b, take);
    }
    assert_true(b.cap <= 4096);
    buf_free(&b);
}

static void reserves_and_adds(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_int_equal(buf_reserve(&b, 1000), OK);
    assert_true(buf_room(&b) >= 1000);
    memset(buf_tail(&b), 'x', 1000);
    buf_added(&b, 1000);
    assert_int_equal(buf_len(&b), 1000);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_NOMEM);
    assert_int_equal(buf_reserve(&b, SIZE_MAX / 2), ERR_NOMEM);
    assert_false(buf_ok(&b));
    assert_int_equal(buf_len(&b), 1000);
    buf_free(&b);
}

static void escapes_json(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"plain text/", "plain text/"},
        {"a\"b\\c", "a\\\"b\\\\c"},
        {"\b\f\n\r\t", "\\b\\f\\n\\r\\t"},
        {"\x01\x1b[31m\x7f", "\\u0001\\u001b[31m\\u007f"},
        {"äpfel €  \U0001F350", "äpfel €  \U0001F350"},
        {"\xff", "\uFFFD"},
        {"a\x80z", "a\uFFFDz"},
        {"\xc3", "\uFFFD"},                               /* ends too early */
        {"\xc3(", "\uFFFD("},                             /* no continuation */
        {"\xc0\xaf", "\uFFFD\uFFFD"},                     /* overlong / */
        {"\xe0\x80\xaf", "\uFFFD\uFFFD\uFFFD"},           /* overlong / */
        {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},           /* a surrogate */
        {"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"}, /* past U+10FFFF */
        {"\xf0\x9f\x8d", "\uFFFD\uFFFD\uFFFD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        assert_int_equal(buf_json_escaped(&b, cases[i].in, strlen(cases[i].in)), OK);
        is(&b, cases[i].out);
        buf_free(&b);
    }
}

static void escapes_a_nul(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_int_equal(buf_json_escaped(&b, "a\0b", 3), OK);
    is(&b, "a\\u0000b");
    buf_free(&b);
}

static void reports_want_of_memory(void **state)
{
    (void)state;
    struct buf b = {0};
    alloc_fail_at(0);
    assert_int_equal(buf_text(&b, "lost"), ERR_NOMEM);
    assert_int_equal(buf_text(&b, "kept"), OK);
    assert_true(alloc_fail_never());
    assert_false(buf_ok(&b)); /* remembered, though a later append was well */
    is(&b, "kept");
    buf_clear(&b);
    assert_true(buf_ok(&b));
    alloc_fail_at(0);
    assert_int_equal(buf_printf(&b, "%1000d", 1), ERR_NOMEM);
    assert_int_equal(buf_len(&b), 0);
    alloc_fail_never();
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_in_order),       cmocka_unit_test(writes_numbers),
        cmocka_unit_test(reserves_and_adds),      cmocka_unit_test(keeps_order_as_a_queue),
        cmocka_unit_test(escapes_json),           cmocka_unit_test(escapes_a_nul),
        cmocka_unit_test(reports_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
