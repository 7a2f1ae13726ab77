/* The person lab's JSON: what a body may say, and why it is refused. */
#include "failing_alloc.h"
#include "person/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *refusal(const char *body, bool all)
{
    static struct err err;
    struct person_input in;
    err = (struct err){0};
    int rc = person_read(body, strlen(body), all, &in, &err);
    if (rc == OK)
        person_input_free(&in);
    assert_int_equal(rc, err.code);
    return rc == OK ? NULL : err.text;
}

static void refuses_with_the_reason(void **state)
{
    (void)state;
    char wide[400];
    snprintf(wide, sizeof wide, "{\"first_name\":\"%0*d\",\"last_name\":\"B\"}", 101, 0);
    assert_string_equal(refusal("", true), "the body is empty: it must be a JSON object");
    assert_string_equal(refusal("[]", true), "the body must be a JSON object");
    assert_string_equal(refusal("7", true), "the body must be a JSON object");
    assert_string_equal(refusal("{}", true), "first_name is missing");
    assert_string_equal(refusal("{\"first_name\":\"A\"}", true), "last_name is missing");
    assert_string_equal(refusal("{\"first_name\":\"\"}", true), "first_name must not be empty");
    assert_string_equal(refusal("{\"first_name\":null}", false), "first_name must be a text");
    assert_string_equal(refusal("{\"email\":5}", false), "email must be a text");
    assert_string_equal(refusal(wide, true), "first_name is longer than 100 bytes");
    assert_non_null(strstr(refusal("{\"a\":1\n,}", true), "not valid JSON"));
    assert_non_null(strstr(refusal("{\"a\":1\n,}", true), "line 2"));
    assert_non_null(strstr(refusal("{\"email\":\"a\",\"email\":\"b\"}", false), "duplicate"));
    assert_non_null(refusal("{\"email\":\"\xff\"}", false));
    assert_non_null(refusal("{\"email\":\"\\u0000\"}", false));
}

static void takes_what_is_right(void **state)
{
    (void)state;
    assert_null(refusal("{\"first_name\":\"A\",\"last_name\":\"B\"}", true));
    assert_null(refusal("{\"first_name\":\"A\",\"last_name\":\"B\",\"id\":7,\"x\":{}}", true));
    assert_null(refusal("{}", false));
    assert_null(refusal("{\"email\":null,\"address\":\"\"}", false));
}

/* A client must not be blamed for our want of memory. */
static void says_when_memory_is_out(void **state)
{
    static const char body[] = "{\"first_name\":\"A\",\"last_name\":\"B\"}";
    struct person_input in;
    (void)state;
    for (long n = 0;; n++) {
        alloc_fail_at(n);
        int rc = person_read(body, sizeof body - 1, true, &in, NULL);
        if (rc == OK)
            person_input_free(&in);
        if (!alloc_fail_never())
            break;
        assert_int_equal(rc, ERR_NOMEM);
    }
}

static void writes_a_person(void **state)
{
    struct people people = {.max = 1};
    struct buf out = {0};
    struct person_value values[PERSON_FIELDS] = {
        {VALUE_TEXT, "A\"\n", 3}, {VALUE_TEXT, "\xc3\xa9", 2}, {VALUE_NONE}, {VALUE_TEXT, "", 0}};
    const struct person *person = NULL;
    (void)state;
    assert_int_equal(people_add(&people, values, 1795255200123, &person), OK);
    person_write(&out, person);
    assert_string_equal(buf_cstr(&out),
                        "{\"id\":1,\"first_name\":\"A\\\"\\n\",\"last_name\":\"\xc3\xa9\","
                        "\"email\":null,\"address\":\"\","
                        "\"created_at\":\"2026-11-21T10:00:00.123Z\","
                        "\"updated_at\":\"2026-11-21T10:00:00.123Z\"}");
    buf_free(&out);
    people_free(&people);
}

static void reads_ids(void **state)
{
    static const char *const none[] = {"",   "0",  "01", "-1",
                                       "1a", "+1", " 1", "18446744073709551616"};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(person_id_parse(none[i], strlen(none[i])), 0);
    assert_int_equal(person_id_parse("1", 1), 1);
    assert_true(person_id_parse("18446744073709551615", 20) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_the_reason),
        cmocka_unit_test(takes_what_is_right),
        cmocka_unit_test(says_when_memory_is_out),
        cmocka_unit_test(writes_a_person),
        cmocka_unit_test(reads_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
