/* Headers and query parameters of a message. */
#include "http/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static int query(const char *text, const char *name, char *out, size_t size)
{
    struct http_message m = {.query = {text, strlen(text)}};
    return http_query(&m, name, out, size);
}

static void expect_found(const char *text, const char *name, const char *expected)
{
    char out[16];
    assert_int_equal(query(text, name, out, sizeof out), 1);
    assert_string_equal(out, expected);
}

static void test_found(void **state)
{
    (void)state;
    expect_found("name=pears", "name", "pears");
    expect_found("a=1&name=pears&b", "name", "pears");
    expect_found("name=a%20b+c%2Bd", "name", "a b c+d");
    expect_found("name=%c3%BC", "name", "\xc3\xbc");
    expect_found("name=", "name", "");
    expect_found("name", "name", "");
    expect_found("name=1&name=2", "name", "1");
    expect_found("name=a=b", "name", "a=b");
    expect_found("n%61me=x", "name", "x");
    expect_found("a+b=x", "a b", "x");
    expect_found("&&name=x&&", "name", "x");
    expect_found("name=123456789012345", "name", "123456789012345");
}

static void test_absent(void **state)
{
    char out[16];
    (void)state;
    assert_int_equal(query("", "name", out, sizeof out), 0);
    assert_int_equal(query("names=x", "name", out, sizeof out), 0);
    assert_int_equal(query("nam=x", "name", out, sizeof out), 0);
    assert_int_equal(query("x=name", "name", out, sizeof out), 0);
    assert_int_equal(query("%zz=x", "name", out, sizeof out), 0);
}

static void test_invalid(void **state)
{
    char out[16];
    (void)state;
    assert_int_equal(query("name=%", "name", out, sizeof out), ERR_INVALID);
    assert_int_equal(query("name=%2", "name", out, sizeof out), ERR_INVALID);
    assert_int_equal(query("name=%2&a=b", "name", out, sizeof out), ERR_INVALID);
    assert_int_equal(query("name=%zz", "name", out, sizeof out), ERR_INVALID);
    assert_int_equal(query("name=a%00b", "name", out, sizeof out), ERR_INVALID);
    assert_int_equal(query("name=1234567890123456", "name", out, sizeof out), ERR_INVALID);
}

static void test_header(void **state)
{
    struct http_field fields[] = {{{"a", 1}, {"1", 1}}, {{"b", 1}, {"2", 1}}, {{"b", 1}, {"3", 1}}};
    struct http_message m = {.fields = fields, .field_count = 3};
    (void)state;
    assert_true(http_span_is(*http_header(&m, "b"), "2"));
    assert_null(http_header(&m, "c"));
    assert_null(http_header(&m, "bb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
