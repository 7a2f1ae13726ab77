/* The summary: what is counted, what is told, and that the JSON is JSON. */
#include "base/clock.h"
#include "traffic/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static struct mix mix;
static struct tally tally;
static struct buf out;
static struct scenario_options options;
static struct report_part part = {&options, &tally};
static struct report report = {&part, 1, 0.25};

static int setup(void **state)
{
    (void)state;
    struct err err;
    options = (struct scenario_options){
        .name = "default",
        .executor = &constant_arrival_rate,
        .target = "http://127.0.0.1:1/\"quoted\"",
        .mix = &mix,
        .rate = 100,
        .seed = 7,
    };
    report.cpu = 0.25;
    if (mix_init(&mix, "hello,fruit_post", &err) != OK || tally_init(&tally, &mix) != OK)
        return -1;
    tally.started = NS_PER_S;
    tally.stopped = 2 * NS_PER_S;
    tally.last_end = 3 * NS_PER_S;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tally_free(&tally);
    mix_free(&mix);
    buf_free(&out);
    return 0;
}

/* 90 quick answers, 5 slow 503, 3 time-outs, 2 refusals, and 20 that were dropped. */
static void add_a_bad_day(void)
{
    for (int i = 0; i < 90; i++)
        tally_add(&tally, 0, OK, 200, 2 * NS_PER_MS);
    for (int i = 0; i < 5; i++)
        tally_add(&tally, 1, OK, 503, 40 * NS_PER_MS);
    for (int i = 0; i < 3; i++)
        tally_add(&tally, 1, ERR_TIMEOUT, 0, 1000 * NS_PER_MS);
    for (int i = 0; i < 2; i++)
        tally_add(&tally, 0, UV_ECONNREFUSED, 0, 1);
    tally_drop(&tally, 20);
}

static const char *text(void)
{
    report_text(&out, &report);
    assert_true(buf_ok(&out));
    return buf_cstr(&out);
}

static void assert_told(const char *what)
{
    if (!strstr(buf_cstr(&out), what))
        fail_msg("\"%s\" is not in:\n%s", what, buf_cstr(&out));
}

static void test_text_tells_requests_errors_and_their_kinds(void **state)
{
    (void)state;
    add_a_bad_day();
    text();
    assert_told("scenario default: constant-arrival-rate, 100 requests/s");
    assert_told("requests   100, errors 10 (10.00 %), dropped 20");
    assert_told("rate       100.0 requests/s sent of 100, 47.5 requests/s answered\n");
    assert_told("no answer  timeout 3, connection refused 2");
    assert_told("traffic used 25.0 % of a core");
    assert_told("  200: 90  error: 2\n");
    assert_told("  503: 5  error: 3\n");
}

static void test_a_closed_loop_has_users_and_no_schedule(void **state)
{
    (void)state;
    options.executor = &constant_vus;
    options.users = 10;
    add_a_bad_day();
    assert_null(strstr(text(), "late by"));
    assert_null(strstr(buf_cstr(&out), "dropped"));
    assert_told("constant-vus, 10 users");
}

static void test_refusals_do_not_look_fast(void **state)
{
    (void)state;
    add_a_bad_day();
    assert_int_equal(tally.endpoints[0].latency.count, 90);
    assert_int_equal(tally.endpoints[1].latency.max, NS_PER_S);
    assert_true(latency_quantile(&tally.endpoints[0].latency, .001) >= 1980000);
}

static void test_the_error_ratio_counts_dropped_ones(void **state)
{
    (void)state;
    assert_true(tally_error_ratio(&tally) == 0);
    add_a_bad_day();
    assert_true(fabs(tally_error_ratio(&tally) - 30.0 / 120) < 1e-12);
}

static void test_kinds_past_the_last_are_other(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++)
        tally_add(&tally, 0, -1000 - i, 0, 1);
    text();
    assert_told("other 25\n");
}

static void test_text_says_when_traffic_was_the_limit(void **state)
{
    (void)state;
    assert_null(strstr(text(), "traffic itself"));
    report.cpu = 0.95;
    for (int i = 0; i < 100; i++)
        latency_record(&tally.schedule_error, i < 98 ? 1000 : 5 * NS_PER_MS);
    text();
    assert_told("traffic used 95.0 % of a core");
    assert_told("traffic itself was the limit");
    assert_told("scenario default began 1 % of its requests more than 1 ms after their time");
}

static double number(const json_t *object, const char *path)
{
    char name[64];
    for (;;) {
        size_t len = strcspn(path, "/");
        memcpy(name, path, len);
        name[len] = '\0';
        object = json_object_get(object, name);
        assert_non_null(object);
        if (!path[len])
            return json_number_value(object);
        path += len + 1;
    }
}

static json_t *json(void)
{
    json_error_t error;
    report_json(&out, &report);
    json_t *root = json_loads(buf_cstr(&out), JSON_REJECT_DUPLICATES, &error);
    if (!root)
        fail_msg("%s at %d: %s", error.text, error.position, buf_cstr(&out));
    return root;
}

static void test_json_holds_the_same(void **state)
{
    (void)state;
    add_a_bad_day();
    json_t *root = json();
    json_t *s = json_array_get(json_object_get(root, "scenarios"), 0);
    json_t *post = json_array_get(json_object_get(s, "endpoints"), 1);
    assert_string_equal(json_string_value(json_object_get(s, "target")), options.target);
    assert_true(number(root, "cpu") == 0.25);
    assert_true(number(s, "requests") == 100);
    assert_true(number(s, "dropped_iterations") == 20);
    assert_true(number(s, "error_ratio") == 0.25);
    assert_true(number(s, "rate") == 47.5);
    assert_true(number(s, "sent_rate") == 100);
    assert_true(number(s, "no_answer/timeout") == 3);
    assert_true(number(post, "codes/503") == 5);
    assert_true(number(post, "codes/error") == 3);
    assert_true(fabs(number(post, "latency_seconds/p50") - .04) < .0004);
    assert_true(number(post, "latency_seconds/max") == 1);
    assert_true(number(s, "latency_seconds/max") == 1); /* of all endpoints */
    json_decref(root);
}

static void test_json_of_an_empty_run_is_whole(void **state)
{
    (void)state;
    tally.last_end = tally.stopped = tally.started;
    json_t *root = json();
    json_t *s = json_array_get(json_object_get(root, "scenarios"), 0);
    assert_true(number(s, "rate") == 0);
    assert_true(number(s, "error_ratio") == 0);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text_tells_requests_errors_and_their_kinds, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_closed_loop_has_users_and_no_schedule, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_refusals_do_not_look_fast, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_error_ratio_counts_dropped_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kinds_past_the_last_are_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text_says_when_traffic_was_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_holds_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_of_an_empty_run_is_whole, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
