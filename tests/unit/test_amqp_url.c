/* AMQP URLs: what they say, and what is wrong with them. */
#include "amqp/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text, *user, *password, *host;
    int port;
    const char *vhost;
} good[] = {
    {"amqp://", "guest", "guest", "localhost", 5672, "/"},
    {"amqp://rabbit", "guest", "guest", "rabbit", 5672, "/"},
    {"amqp://rabbit/", "guest", "guest", "rabbit", 5672, "/"},
    {"amqp://rabbit/%2f", "guest", "guest", "rabbit", 5672, "/"},
    {"amqp://rabbit/%2F", "guest", "guest", "rabbit", 5672, "/"},
    {"amqp://rabbit/test", "guest", "guest", "rabbit", 5672, "test"},
    {"amqp://rabbit//", "guest", "guest", "rabbit", 5672, "/"},
    {"amqp://demo@rabbit:1/v", "demo", "guest", "rabbit", 1, "v"},
    {"amqp://demo:@rabbit:65535", "demo", "", "rabbit", 65535, "/"},
    {"amqp://demo:p%40s%2fs%3aw@10.0.0.1:5673/a%20b", "demo", "p@s/s:w", "10.0.0.1", 5673, "a b"},
    {"amqp://demo:p@ss@rabbit", "demo", "p@ss", "rabbit", 5672, "/"},
    {"amqp://d:p@[::1]:5673/v", "d", "p", "::1", 5673, "v"},
    {"amqp://[fe80::1]", "guest", "guest", "fe80::1", 5672, "/"},
    {"amqp://:5673", "guest", "guest", "localhost", 5673, "/"},
};

static const char *const bad[] = {
    "",
    "rabbit",
    "http://rabbit",
    "amqps://rabbit",
    "amqp://rabbit:0",
    "amqp://rabbit:65536",
    "amqp://rabbit:567x",
    "amqp://rabbit:",
    "amqp://[::1",
    "amqp://[::1]5672",
    "amqp://[]",
    "amqp://[]:5672",
    "amqp://secret:secret%zz@rabbit",
    "amqp://secret:secret%4@rabbit",
    "amqp://secret:secret%00@rabbit",
    "amqp://rabbit/%2",
    "amqp://rabbit/?heartbeat=5",
    "amqp://secret:secret@rabbit:port",
    "amqp://secret:secret/secret@rabbit", /* a slash that should have been %2f */
};

static void good_urls_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct amqp_url u;
        struct err err;
        assert_int_equal(amqp_url_parse(&u, good[i].text, &err), OK);
        assert_string_equal(u.user, good[i].user);
        assert_string_equal(u.password, good[i].password);
        assert_string_equal(u.host, good[i].host);
        assert_string_equal(u.vhost, good[i].vhost);
        assert_int_equal(u.port, good[i].port);
    }
}

static void bad_urls_are_refused_without_their_secrets(void **state)
{
    struct amqp_url u;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err.text[0] = 0;
        assert_int_equal(amqp_url_parse(&u, bad[i], &err), ERR_INVALID);
        assert_true(strlen(err.text) > 10);
        assert_null(strstr(err.text, "secret"));
    }
    assert_int_equal(amqp_url_parse(&u, NULL, &err), ERR_INVALID);
}

static void long_parts_are_refused(void **state)
{
    char text[700] = "amqp://";
    struct amqp_url u;
    struct err err;

    (void)state;
    memset(text + 7, 'h', AMQP_URL_PART_MAX);
    assert_int_equal(amqp_url_parse(&u, text, &err), OK);
    memset(text + 7, 'h', AMQP_URL_PART_MAX + 1);
    assert_int_equal(amqp_url_parse(&u, text, &err), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_urls_are_taken_apart),
        cmocka_unit_test(bad_urls_are_refused_without_their_secrets),
        cmocka_unit_test(long_parts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
