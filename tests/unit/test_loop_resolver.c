/* Look-ups: addresses of both families, failures, and being given up. */
#include "loop/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int ends, last_status;

static void on_end(struct resolver *resolver, int status)
{
    assert_false(resolver->busy);
    ends++;
    last_status = status;
}

static struct resolver look_up(const char *host, int times, bool cancel)
{
    static struct resolver resolver;
    uv_loop_t loop;
    resolver = (struct resolver){.on_end = on_end};
    ends = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    for (int i = 0; i < times; i++)
        assert_int_equal(resolver_start(&resolver, &loop, host), OK);
    assert_true(resolver.busy);
    assert_int_equal(ends, 0); /* never inside the call */
    if (cancel)
        resolver_cancel(&resolver);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(ends, 1);
    return resolver;
}

static bool has(const struct resolver *resolver, const char *address)
{
    for (int i = 0; i < resolver->count; i++) {
        if (strcmp(resolver->addresses[i], address) == 0)
            return true;
    }
    return false;
}

static void takes_addresses_as_they_are(void **state)
{
    (void)state;
    struct resolver r = look_up("127.0.0.1", 1, false);
    assert_int_equal(last_status, 0);
    assert_int_equal(r.count, 1);
    assert_string_equal(r.addresses[0], "127.0.0.1");
    r = look_up("2001:db8::1", 1, false);
    assert_int_equal(r.count, 1);
    assert_string_equal(r.addresses[0], "2001:db8::1");
}

static void finds_a_name(void **state)
{
    (void)state;
    struct resolver r = look_up("localhost", 1, false);
    assert_int_equal(last_status, 0);
    assert_true(has(&r, "127.0.0.1") || has(&r, "::1"));
}

static void says_that_there_is_none(void **state)
{
    (void)state;
    struct resolver r = look_up("name with spaces.invalid", 1, false);
    assert_true(last_status < 0);
    assert_int_equal(r.count, 0);
}

static void one_look_up_serves_who_asks_twice(void **state)
{
    (void)state;
    (void)look_up("127.0.0.1", 3, false);
    assert_int_equal(last_status, 0);
}

/* Whether a thread had it already is chance; that it ends once is not. */
static void a_cancelled_look_up_ends_too(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)look_up("127.0.0.1", 1, true);
        assert_true(last_status == 0 || last_status == UV_EAI_CANCELED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_addresses_as_they_are),
        cmocka_unit_test(finds_a_name),
        cmocka_unit_test(says_that_there_is_none),
        cmocka_unit_test(one_look_up_serves_who_asks_twice),
        cmocka_unit_test(a_cancelled_look_up_ends_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
