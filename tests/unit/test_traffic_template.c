/* Texts that vary: what they become, and what is refused. */
#include "traffic/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct template t;
static struct buf out;
static struct err err;

static int parse(const char *text)
{
    template_free(&t);
    return template_parse(&t, text, strlen(text), &err);
}

static const char *render(uint64_t iteration, struct random *random)
{
    buf_clear(&out);
    template_render(&t, iteration, random, &out);
    return buf_cstr(&out);
}

static int end(void **state)
{
    (void)state;
    template_free(&t);
    buf_free(&out);
    return 0;
}

static void text_stays_as_it_is(void **state)
{
    struct random random = {1};
    (void)state;
    static const char *const texts[] = {"", "/person", "a$b{c}", "$", "{\"a\":{\"b\":\"$\"}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(parse(texts[i]), OK);
        assert_string_equal(render(1, &random), texts[i]);
    }
}

static void iterations_are_numbers(void **state)
{
    struct random random = {1};
    (void)state;
    assert_int_equal(parse("/p/${iteration}/${iteration}x"), OK);
    assert_string_equal(render(17, &random), "/p/17/17x");
}

static void random_numbers_are_all_of_the_range(void **state)
{
    struct random random = {1};
    int seen[4] = {0};
    (void)state;
    assert_int_equal(parse("${random 7-10}"), OK);
    for (int i = 0; i < 4000; i++) {
        int n = atoi(render(1, &random));
        assert_in_range(n, 7, 10);
        seen[n - 7]++;
    }
    for (int i = 0; i < 4; i++)
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(parse("${random 5-5}"), OK);
    assert_string_equal(render(1, &random), "5");
}

static void picks_are_all_of_the_texts(void **state)
{
    struct random random = {1};
    int ada = 0, empty = 0, grace = 0;
    (void)state;
    assert_int_equal(parse("<${pick Ada||Grace}>"), OK);
    for (int i = 0; i < 3000; i++) {
        const char *text = render(1, &random);
        ada += strcmp(text, "<Ada>") == 0;
        empty += strcmp(text, "<>") == 0;
        grace += strcmp(text, "<Grace>") == 0;
    }
    assert_int_equal(ada + empty + grace, 3000);
    assert_true(ada > 850 && empty > 850 && grace > 850);
}

static void what_is_no_placeholder_is_named(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "${}",           "${id}",       "${iteration }", "${random}",
        "${random 9-3}", "${random 3}", "${random -3}",  "${random 1-1000000001}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(parse(wrong[i]), ERR_INVALID);
        assert_non_null(strstr(err.text, wrong[i]));
    }
    assert_int_equal(parse("/a/${iteration"), ERR_INVALID);
    assert_non_null(strstr(err.text, "no \"}\""));
}

static void a_target_has_no_blanks(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
    } cases[] = {{"/a/${random 1-2}?b=${pick x|y}", true},
                 {"/a b", false},
                 {"/${pick a b|c}", false},
                 {"${iteration}", false},
                 {"", false},
                 {"/a#b", false},
                 {"a/b", false},
                 {"/\xc3\xa9", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(cases[i].text), OK);
        assert_int_equal(template_is_target(&t), cases[i].is);
    }
}

static void a_label_has_neither_values_nor_query(void **state)
{
    (void)state;
    assert_int_equal(parse("/a/${random 1-2}/${iteration}?b=${pick x|y}"), OK);
    buf_clear(&out);
    template_label(&t, &out);
    assert_string_equal(buf_cstr(&out), "/a/:random/:iteration");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_as_it_is),
        cmocka_unit_test(iterations_are_numbers),
        cmocka_unit_test(random_numbers_are_all_of_the_range),
        cmocka_unit_test(picks_are_all_of_the_texts),
        cmocka_unit_test(what_is_no_placeholder_is_named),
        cmocka_unit_test(a_target_has_no_blanks),
        cmocka_unit_test(a_label_has_neither_values_nor_query),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
