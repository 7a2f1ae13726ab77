/* Scenario files: what they say, and that each mistake is told with its line and key. */
#include "failing_alloc.h"
#include "traffic/lines.h"
#include "traffic/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct plan plan;
static struct err err;

static const struct scenario_options defaults = {
    .target = "http://127.0.0.1:1", .timeout = 10, .seed = 5, .pause = {100, 500}};

static int read_at(const char *text, double speed)
{
    plan_free(&plan);
    err = (struct err){0};
    return plan_read(&plan, "f.json", text, strlen(text), &defaults, speed, &err);
}

static int end(void **state)
{
    (void)state;
    plan_free(&plan);
    return 0;
}

static const char four[] =
    "{\"target\":\"http://h\",\"scenarios\":{"
    "\"a\":{\"executor\":\"constant-vus\",\"vus\":3,\"duration\":\"1m30s\",\"pause\":\"20-40\","
    "\"only\":\"hello\"},"
    "\"b\":{\"executor\":\"shared-iterations\",\"vus\":2,\"iterations\":500,\"startTime\":\"30s\","
    "\"request\":{\"method\":\"POST\",\"path\":\"/p\",\"body\":{\"n\":1},\"expect\":[201,404]}},"
    "\"c\":{\"executor\":\"constant-arrival-rate\",\"rate\":30,\"timeUnit\":\"1m\","
    "\"duration\":\"500ms\",\"maxVUs\":7,\"arrivals\":\"poisson\",\"request\":{\"path\":\"/x\"}},"
    "\"d\":{\"executor\":\"ramping-arrival-rate\",\"startRate\":2,\"preAllocatedVUs\":4,"
    "\"stages\":[{\"target\":10,\"duration\":\"2s\"},{\"target\":0,\"duration\":\"4s\"}],"
    "\"request\":{\"path\":\"/x\"}}}}";

static void the_four_executors_are_read(void **state)
{
    (void)state;
    assert_int_equal(read_at(four, 1), OK);
    assert_int_equal(plan.count, 4);
    assert_string_equal(plan.target, "http://h");
    const struct scenario_options *a = &plan.parts[0].options, *b = &plan.parts[1].options,
                                  *c = &plan.parts[2].options, *d = &plan.parts[3].options;
    assert_ptr_equal(a->executor, &constant_vus);
    assert_true(a->users == 3 && a->duration == 90 && a->pause.low == 20 && a->pause.high == 40);
    assert_ptr_equal(b->executor, &shared_iterations);
    assert_true(b->users == 2 && b->requests == 500 && b->start_after == 30 && b->duration == 600);
    assert_true(b->pause.high == 0 && b->seed == 6 && a->seed == 5);
    assert_ptr_equal(c->executor, &constant_arrival_rate);
    assert_true(c->rate == 0.5 && c->duration == 0.5 && c->max_in_flight == 7);
    assert_true(c->connections == 7 && c->arrivals == ARRIVALS_POISSON);
    assert_ptr_equal(d->executor, &ramping_arrival_rate);
    assert_true(d->start_rate == 2 && d->rate == 10 && d->duration == 6 && d->stage_count == 2);
    assert_true(d->stages[1].target == 0 && d->stages[0].seconds == 2 && d->max_in_flight == 4);
}

static void speed_makes_as_many_requests_in_less_time(void **state)
{
    (void)state;
    assert_int_equal(read_at(four, 10), OK);
    const struct scenario_options *a = &plan.parts[0].options, *b = &plan.parts[1].options,
                                  *c = &plan.parts[2].options, *d = &plan.parts[3].options;
    assert_true(a->duration == 9 && a->pause.low == 2 && a->pause.high == 4 && a->users == 3);
    assert_true(b->requests == 500 && b->start_after == 3 && b->duration == 60);
    assert_true(c->rate == 5 && c->duration == 0.05);
    assert_true(d->rate == 100 && d->start_rate == 20 && d->stages[0].target == 100);
    assert_true(d->stages[0].seconds == 0.2 && d->duration == 0.6);
}

static void a_request_is_made_and_judged_as_told(void **state)
{
    (void)state;
    assert_int_equal(read_at(four, 1), OK);
    const struct mix *b = &plan.parts[1].mix, *c = &plan.parts[2].mix;
    assert_string_equal(b->endpoints[0].method, "POST");
    assert_string_equal(b->endpoints[0].path, "/p");
    assert_false(mix_is_error(b->endpoints, 201) || mix_is_error(b->endpoints, 404));
    assert_true(mix_is_error(b->endpoints, 200) && mix_is_error(b->endpoints, 500));
    assert_false(mix_is_error(c->endpoints, 302));
    assert_true(mix_is_error(c->endpoints, 404));
}

/* Where the mistake is, with what stands before and behind it. */
#define PART(keys) "{\n\"scenarios\": {\n\"one\": {\n" keys "}}}"
#define REQUEST(keys)                                                                              \
    PART("\"executor\": \"constant-vus\", \"duration\": \"1s\",\n\"request\": {\n" keys "}")
#define RATE(keys) PART("\"executor\": \"constant-arrival-rate\",\n" keys ", \"only\": \"hello\"")
#define STAGES(keys)                                                                               \
    PART("\"executor\": \"ramping-arrival-rate\", \"maxVUs\": 1, \"only\": \"hello\",\n"           \
         "\"stages\": [{\"target\": 1, \"duration\": \"1s\"},\n" keys "]")

static void each_mistake_has_its_line_and_key(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "f.json:1: not valid JSON"},
        {"{\n\"scenarios\": {,\n}}", "f.json:2: not valid JSON"},
        {"{\n\"scenarios\": {\"a\": 1,\n\"a\": 2}}", "f.json:3: not valid JSON: duplicate"},
        {"[1]", "f.json:1: must be a JSON object"},
        {"{}", "f.json:1: \"scenarios\" is missing"},
        {"{\n\n\"scenario\": {}}",
         "f.json:3: scenario: is not known here; known: target, scenarios"},
        {"{\n\"scenarios\": {}}", "f.json:2: scenarios: must be an object with 1 to 64"},
        {"{\n\"scenarios\": []}", "f.json:2: scenarios: must be an object with 1 to 64"},
        {"{\"target\":\n1, \"scenarios\": {}}", "f.json:1: target: must be a text"},
        {"{\"scenarios\":\n{\"a b\": {}}}", "f.json:2: scenarios.a b: a name has"},
        {"{\"scenarios\":\n{\"a\": 7}}", "f.json:2: scenarios.a: must be an object"},
        {PART(""), "f.json:3: scenarios.one: \"executor\" is missing"},
        {PART("\n\"executor\": \"per-vu-iterations\""),
         "f.json:5: scenarios.one.executor: must be"},
        {RATE("\"vus\": 3"), "f.json:5: scenarios.one.vus: is not known here"},
        {RATE("\"maxVUs\": 5"), "f.json:3: scenarios.one: \"rate\" is missing"},
        {RATE("\"maxVUs\": 5,\n\"rate\": 0"),
         "f.json:6: scenarios.one.rate: must be a number above 0"},
        {RATE("\"maxVUs\": 5, \"rate\": \"5\""), "f.json:5: scenarios.one.rate: must be a number"},
        {RATE("\"maxVUs\": 0"), "f.json:5: scenarios.one.maxVUs: must be a whole number from 1"},
        {RATE("\"preAllocatedVUs\": 5, \"maxVUs\": 4"), "one.maxVUs: must not be below"},
        {RATE("\"rate\": 1"), "scenarios.one: \"maxVUs\" is missing"},
        {RATE("\"maxVUs\": 1, \"rate\": 1, \"duration\": 5"),
         "one.duration: must be a time such as"},
        {RATE("\"maxVUs\": 1, \"rate\": 1, \"duration\": \"5\""), "one.duration: must be a time"},
        {RATE("\"maxVUs\": 1, \"rate\": 1, \"duration\": \"0s\""), "one.duration: must be a time"},
        {RATE("\"maxVUs\": 1, \"rate\": 1, \"duration\": \"-5s\""), "one.duration: must be a time"},
        {RATE("\"maxVUs\": 1, \"rate\": 1, \"duration\": \"5 s\""), "one.duration: must be a time"},
        {RATE("\"maxVUs\": 1, \"rate\": 1, \"duration\": \"1s\", \"startTime\": \"soon\""),
         "one.startTime: must be a time"},
        {RATE("\"maxVUs\": 1, \"rate\": 1, \"duration\": \"1s\",\n\"arrivals\": \"late\""),
         "f.json:6: scenarios.one.arrivals: must be"},
        {PART("\"executor\": \"constant-vus\", \"duration\": \"1s\""), "either \"request\" or"},
        {PART("\"executor\": \"constant-vus\",\n\"duration\": \"1s\", \"pause\": 5"), "f.json:5: "},
        {PART("\"executor\": \"constant-vus\", \"duration\": \"1s\",\n\"only\": \"helo\""),
         "f.json:5: scenarios.one.only: "},
        {REQUEST(""), "f.json:5: scenarios.one.request: \"path\" is missing"},
        {REQUEST("\"path\": \"person\""),
         "f.json:6: scenarios.one.request.path: must begin with /"},
        {REQUEST("\"path\": \"/${id}\""),
         "f.json:6: scenarios.one.request.path: \"${id}\" is none"},
        {REQUEST("\"path\": \"/\",\n\"body\": {\"a\": \"${b\"}"),
         "f.json:7: scenarios.one.request.body: "},
        {REQUEST("\"path\": \"/\",\n\"method\": \"BREW\""),
         "f.json:7: scenarios.one.request.method: "},
        {REQUEST("\"path\": \"/\",\n\"expect\": 200"), "f.json:7: scenarios.one.request.expect: "},
        {REQUEST("\"path\": \"/\",\n\"expect\": [99]"), "f.json:7: scenarios.one.request.expect: "},
        {STAGES("7"), "f.json:6: scenarios.one.stages.1: must be an object"},
        {STAGES("{\n\"target\": -1}"), "f.json:7: scenarios.one.stages.1.target: must be"},
        {STAGES("{\n\"target\": 1}"), "f.json:6: scenarios.one.stages.1: \"duration\" is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_at(cases[i].text, 1), ERR_INVALID);
        if (!strstr(err.text, cases[i].why))
            fail_msg("\"%s\" is not in \"%s\", for\n%s", cases[i].why, err.text, cases[i].text);
    }
}

static void lines_are_found_past_strings_and_brackets(void **state)
{
    (void)state;
    static const char text[] = "{ \"a\\\"}\" : [\n{\"x\":\"]\"}, 3\n],\n \"b\"\n:{\"c\":\n\n1}}";
    const char *const b_c[] = {"b", "c"}, *const a[] = {"a\\\"}", "1"}, *const none[] = {"z", "c"};
    assert_int_equal(lines_of(text, sizeof text - 1, b_c, 1), 4);
    assert_int_equal(lines_of(text, sizeof text - 1, b_c, 2), 5);
    assert_int_equal(lines_of(text, sizeof text - 1, a, 2), 2);
    assert_int_equal(lines_of(text, sizeof text - 1, none, 2), 1);
}

static void nothing_is_left_where_memory_is_out(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        plan_free(&plan);
        alloc_fail_at(n);
        int rc = plan_read(&plan, "f.json", four, sizeof four - 1, &defaults, 1, &err);
        if (!alloc_fail_never())
            break;
        assert_int_not_equal(rc, OK);
        assert_null(plan.parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_executors_are_read),
        cmocka_unit_test(speed_makes_as_many_requests_in_less_time),
        cmocka_unit_test(a_request_is_made_and_judged_as_told),
        cmocka_unit_test(each_mistake_has_its_line_and_key),
        cmocka_unit_test(lines_are_found_past_strings_and_brackets),
        cmocka_unit_test(nothing_is_left_where_memory_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
