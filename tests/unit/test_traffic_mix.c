/* Which requests are made, and how often. */
#include "traffic/mix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PICKS = 100000 };

static struct mix mix;
static struct err err;

static int free_mix(void **state)
{
    (void)state;
    mix_free(&mix);
    return 0;
}

/* How many of many picks satisfy a text in the target and one in the body (NULL: have none). */
static int count(const char *method, const char *target, const char *body)
{
    struct random random = {1};
    int n = 0;
    for (int i = 0; i < PICKS; i++) {
        const struct http_client_request *r = &mix_pick(&mix, &random)->request;
        n += strcmp(r->method, method) == 0 && strcmp(r->target, target) == 0 &&
             (body ? r->body && strcmp(r->body, body) == 0 : !r->body);
    }
    return n;
}

static void assert_near(int n, double share)
{
    double expected = PICKS * share;
    if (n < expected * 0.9 || n > expected * 1.1)
        fail_msg("%d picks, expected about %.0f", n, expected);
}

static void test_the_default_chooses_uniformly(void **state)
{
    (void)state;
    assert_int_equal(mix_init(&mix, MIX_DEFAULT, &err), OK);
    assert_int_equal(mix.endpoint_count, 3);
    assert_near(count("GET", "/hello", NULL), 1.0 / 3);
    assert_near(count("GET", "/fruit?name=all", NULL), 1.0 / 18);
    assert_near(count("GET", "/fruit?name=pears", NULL), 1.0 / 18);
    assert_near(count("POST", "/fruit", "{\"fruit\":\"grapes\",\"quantity\":1}"), 1.0 / 150);
    assert_near(count("POST", "/fruit", "{\"fruit\":\"apples\",\"quantity\":10}"), 1.0 / 150);
}

static void test_a_post_says_what_it_is(void **state)
{
    (void)state;
    assert_int_equal(mix_init(&mix, "fruit_post", &err), OK);
    struct random random = {3};
    for (int i = 0; i < 1000; i++) {
        const struct call *call = mix_pick(&mix, &random);
        char body[64];
        int len = snprintf(body, sizeof body, "{\"fruit\":\"%s\",\"quantity\":%d}", call->fruit,
                           call->quantity);
        assert_string_equal(call->request.body, body);
        assert_int_equal(call->request.len, len);
        assert_non_null(strstr(call->request.headers, "application/json"));
    }
}

static void test_paths_are_counted_without_their_query(void **state)
{
    (void)state;
    assert_int_equal(mix_init(&mix, "/a?x=1,/a?x=2,/b", &err), OK);
    assert_int_equal(mix.endpoint_count, 2);
    assert_string_equal(mix.endpoints[0].path, "/a");
    assert_string_equal(mix.endpoints[1].path, "/b");
    assert_near(count("GET", "/a?x=2", NULL), 1.0 / 3);
    assert_near(count("GET", "/b", NULL), 1.0 / 3);
}

static void test_a_name_given_twice_has_twice_the_weight(void **state)
{
    (void)state;
    assert_int_equal(mix_init(&mix, "hello,/health,hello", &err), OK);
    assert_int_equal(mix.endpoint_count, 2);
    assert_near(count("GET", "/hello", NULL), 2.0 / 3);
}

static void test_wrong_names_are_named(void **state)
{
    (void)state;
    const char *const wrong[] = {"",
                                 "helo",
                                 "hello,",
                                 ",hello",
                                 "hello,,fruit_get",
                                 "/a b",
                                 "/a\r\nX: 1",
                                 "/a#b",
                                 "GET /",
                                 " hello",
                                 "/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,/16,/17"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(mix_init(&mix, wrong[i], &err), ERR_INVALID);
        assert_non_null(strstr(err.text, "--only"));
        mix_free(&mix);
    }
}

static void test_the_same_seed_gives_the_same_requests(void **state)
{
    (void)state;
    assert_int_equal(mix_init(&mix, MIX_DEFAULT, &err), OK);
    struct random a = {9}, b = {9};
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(mix_pick(&mix, &a), mix_pick(&mix, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_the_default_chooses_uniformly, free_mix),
        cmocka_unit_test_teardown(test_a_post_says_what_it_is, free_mix),
        cmocka_unit_test_teardown(test_paths_are_counted_without_their_query, free_mix),
        cmocka_unit_test_teardown(test_a_name_given_twice_has_twice_the_weight, free_mix),
        cmocka_unit_test_teardown(test_wrong_names_are_named, free_mix),
        cmocka_unit_test_teardown(test_the_same_seed_gives_the_same_requests, free_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
