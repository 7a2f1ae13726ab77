/* PostgreSQL URLs: what libpq is told, and what is refused. */
#include "postgres/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *url, const char *host, const char *port, const char *database,
                  bool local)
{
    struct postgres_target target;
    struct err err = {0};
    assert_int_equal(postgres_target_parse(&target, url, &err), OK);
    assert_string_equal(target.host, host);
    assert_string_equal(target.port, port);
    assert_string_equal(target.database, database);
    assert_int_equal(target.local, local);
    postgres_target_free(&target);
}

static void finds_where_to_connect(void **state)
{
    (void)state;
    check("postgres://demo:demo@db:5433/demo", "db", "5433", "demo", false);
    check("postgresql://db", "db", "5432", "", false);
    check("postgres:///demo", "localhost", "5432", "demo", false);
    check("postgres://demo@[::1]:6000/demo", "::1", "6000", "demo", false);
    check("postgres://%2Ftmp%2Fpg/demo", "/tmp/pg", "5432", "demo", true);
    check("postgres:///demo?host=/tmp/pg&port=77", "/tmp/pg", "77", "demo", true);
    check("postgres://db/demo?hostaddr=10.0.0.1", "10.0.0.1", "5432", "demo", false);
    check("host=db dbname=demo", "db", "5432", "demo", false);
}

static void refuses_what_it_cannot_mean(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "localhost:5432/demo",
        "http://localhost/demo",
        "postgres://u:sesame@a,b/demo",
        "postgres://u:sesame@a:1,b:2/demo",
        "postgres://u:sesame@a:0/demo",
        "postgres://u:sesame@a:65536/demo",
        "postgres://u:sesame@a:port/demo",
        "postgres://u:sesame@a:5432x/demo",
        "postgres://u:sesame@[::1/demo",
        "postgres://u:sesame%@a/demo",
        "postgres://u:sesame@a/demo?colour=sesame",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct postgres_target target;
        struct err err = {0};
        if (postgres_target_parse(&target, wrong[i], &err) != ERR_INVALID)
            fail_msg("took %s", wrong[i]);
        assert_true(strlen(err.text) > 10);
        assert_null(strstr(err.text, "sesame"));
    }
}

/* What a connection that was begun says of itself. */
static const char *option(PGconn *conn, PQconninfoOption **all, const char *keyword)
{
    *all = PQconninfo(conn);
    for (PQconninfoOption *o = *all; o->keyword; o++) {
        if (strcmp(o->keyword, keyword) == 0)
            return o->val ? o->val : "";
    }
    return NULL;
}

static void check_option(PGconn *conn, const char *keyword, const char *value)
{
    PQconninfoOption *all;
    assert_string_equal(option(conn, &all, keyword), value);
    PQconninfoFree(all);
}

static void tells_libpq_numeric_addresses(void **state)
{
    (void)state;
    struct postgres_target target;
    struct resolver resolver = {.count = 2, .addresses = {"::1", "127.0.0.1"}};
    assert_int_equal(
        postgres_target_parse(&target, "postgres://me:pw@some.host:1/d?sslmode=disable", NULL), OK);
    PGconn *conn = postgres_target_connect(&target, &resolver, "tester");
    assert_non_null(conn);
    check_option(conn, "host", "some.host,some.host");
    check_option(conn, "hostaddr", "::1,127.0.0.1");
    check_option(conn, "gssencmode", "disable");
    check_option(conn, "sslmode", "disable");
    check_option(conn, "fallback_application_name", "tester");
    check_option(conn, "user", "me");
    PQfinish(conn);
    postgres_target_free(&target);
}

static void a_url_may_not_bring_back_what_blocks(void **state)
{
    (void)state;
    struct postgres_target target;
    struct resolver resolver = {.count = 1, .addresses = {"127.0.0.1"}};
    const char *url = "postgres://me@some.host:1/d?gssencmode=prefer&tcp_user_timeout=77";
    assert_int_equal(postgres_target_parse(&target, url, NULL), OK);
    PGconn *conn = postgres_target_connect(&target, &resolver, "tester");
    check_option(conn, "gssencmode", "disable");
    check_option(conn, "tcp_user_timeout", "77"); /* but what is a matter of taste is kept */
    PQfinish(conn);
    postgres_target_free(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_where_to_connect),
        cmocka_unit_test(refuses_what_it_cannot_mean),
        cmocka_unit_test(tells_libpq_numeric_addresses),
        cmocka_unit_test(a_url_may_not_bring_back_what_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
