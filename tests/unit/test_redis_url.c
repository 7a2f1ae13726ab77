/* Redis URLs: what they say, and what is refused. */
#include "redis/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct redis_url parsed(const char *text)
{
    struct redis_url url;
    struct err err = {0};
    assert_int_equal(redis_url_parse(&url, text, &err), OK);
    assert_string_equal(err.text, "");
    return url;
}

static void check(const char *text, const char *host, int port, int db)
{
    struct redis_url url = parsed(text);
    assert_string_equal(url.host, host);
    assert_int_equal(url.port, port);
    assert_int_equal(url.db, db);
}

static void finds_host_port_and_database(void **state)
{
    (void)state;
    check("redis://localhost", "localhost", 6379, 0);
    check("redis://localhost/", "localhost", 6379, 0);
    check("redis://localhost:1/15", "localhost", 1, 15);
    check("redis://10.0.0.1:65535", "10.0.0.1", 65535, 0);
    check("redis://[::1]", "::1", 6379, 0);
    check("redis://[fe80::1]:7000/3", "fe80::1", 7000, 3);
    check("redis://user:p%40ss@cache:6380/2", "cache", 6380, 2);
}

static void check_login(const char *text, const char *user, const char *password)
{
    struct redis_url url = parsed(text);
    assert_string_equal(url.user, user);
    assert_string_equal(url.password, password);
    assert_string_equal(url.host, "h");
}

static void finds_user_and_password(void **state)
{
    (void)state;
    check_login("redis://h", "", "");
    check_login("redis://:secret@h", "", "secret");
    check_login("redis://me:secret@h/1", "me", "secret");
    check_login("redis://me:a%3Ab%2f%40%25@h", "me", "a:b/@%");
    check_login("redis://me:a:b/c@d@h/1", "me", "a:b/c@d"); /* unescaped, and still unambiguous */
}

static void refuses_what_it_cannot_mean(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",
        "localhost:6379",
        "rediss://localhost",
        "redis://",
        "redis://:6379",
        "redis://h:",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:6379x",
        "redis://h:-1",
        "redis://h:999999999999999999",
        "redis://h/one",
        "redis://h/-1",
        "redis://h/1/2",
        "redis://h/65536",
        "redis://[::1",
        "redis://[::1]:",
        "redis://[::1]6379",
        "redis://[]",
        "redis://me@h",
        "redis://me:@h",
        "redis://:%zz@h",
        "redis://:%4@h",
        "redis://:a%00b@h",
        "redis://h%00",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct redis_url url;
        struct err err = {0};
        if (redis_url_parse(&url, wrong[i], &err) != ERR_INVALID)
            fail_msg("took %s", wrong[i]);
        assert_true(strlen(err.text) > 10);
    }
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    char text[1000] = "redis://:";
    memset(text + 9, 'x', 400);
    strcpy(text + 409, "@h");
    assert_int_equal(redis_url_parse(&(struct redis_url){0}, text, NULL), ERR_INVALID);
    memset(text + 8, 'x', 400);
    assert_int_equal(redis_url_parse(&(struct redis_url){0}, text, NULL), ERR_INVALID);
}

static void never_shows_the_password(void **state)
{
    (void)state;
    const char *const wrong[] = {"redis://:sesame@", "redis://:sesame%@h", "redis://u:sesame@h:x",
                                 "redis://u:sesame@h/x", "redus://u:sesame@h"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err;
        assert_int_equal(redis_url_parse(&(struct redis_url){0}, wrong[i], &err), ERR_INVALID);
        assert_null(strstr(err.text, "sesame"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_host_port_and_database), cmocka_unit_test(finds_user_and_password),
        cmocka_unit_test(refuses_what_it_cannot_mean),  cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(never_shows_the_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
