/* Units of work: the copies they make, and what becomes of their results. */
#include "failing_alloc.h"
#include "postgres/unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

HISTOGRAM(test_seconds, "test_seconds", "Of this test.", BUCKETS(1));

static int ends;
static int last_status, last_failed_step, last_steps;
static bool had_results;

static void on_end(const struct postgres_outcome *outcome, void *ctx)
{
    (void)ctx;
    ends++;
    last_status = outcome->status;
    last_failed_step = outcome->failed_step;
    last_steps = outcome->steps;
    had_results = outcome->results != NULL;
}

static struct postgres_unit *unit_of(int count)
{
    static const struct postgres_step steps[POSTGRES_STEPS_MAX];
    struct postgres_unit *unit;
    assert_int_equal(postgres_unit_new(steps, count, &unit), OK);
    unit->cb = on_end;
    unit->seconds = &test_seconds;
    return unit;
}

static PGresult *result(ExecStatusType status)
{
    return PQmakeEmptyPGresult(NULL, status);
}

static void copies_parameters(void **state)
{
    (void)state;
    char text[] = "text", bytes[] = {'a', 0, 'b'}, only[] = "one";
    const char *values[] = {text, NULL, bytes}, *other[] = {only};
    int lengths[] = {-77, -77, 3}, formats[] = {0, 1, 1};
    struct postgres_step steps[] = {
        {.statement = 3, .params = 3, .values = values, .lengths = lengths, .formats = formats},
        {.statement = 1, .params = 1, .values = other, .binary_result = true},
    };
    struct postgres_unit *unit;
    assert_int_equal(postgres_unit_new(steps, 2, &unit), OK);
    memset(text, 'x', sizeof text);
    memset(bytes, 'x', sizeof bytes);
    memset(only, 'x', sizeof only);
    memset(values, 0, sizeof values);
    assert_int_equal(unit->steps[0].statement, 3);
    assert_string_equal(unit->steps[0].values[0], "text");
    assert_null(unit->steps[0].values[1]);
    assert_memory_equal(unit->steps[0].values[2], "a\0b", 3);
    assert_int_equal(unit->steps[0].lengths[2], 3);
    assert_int_equal(unit->steps[0].formats[0], 0);
    assert_int_equal(unit->steps[0].formats[2], 1);
    assert_string_equal(unit->steps[1].values[0], "one");
    assert_int_equal(unit->steps[1].formats[0], 0);
    assert_true(unit->steps[1].binary_result);
    free(unit);
}

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    const char *value[] = {"x"};
    struct postgres_unit *unit = NULL;
    struct postgres_step steps[POSTGRES_STEPS_MAX + 1] = {0};
    assert_int_equal(postgres_unit_new(steps, 0, &unit), ERR_INVALID);
    assert_int_equal(postgres_unit_new(steps, POSTGRES_STEPS_MAX + 1, &unit), ERR_INVALID);
    steps[0] = (struct postgres_step){.params = 1, .values = value, .formats = (int[]){1}};
    assert_int_equal(postgres_unit_new(steps, 1, &unit),
                     ERR_INVALID); /* binary, of which length? */
    steps[0].lengths = (int[]){-1};
    assert_int_equal(postgres_unit_new(steps, 1, &unit), ERR_INVALID);
    steps[0].lengths = (int[]){POSTGRES_UNIT_BYTES_MAX};
    assert_int_equal(postgres_unit_new(steps, 1, &unit), ERR_TOO_LARGE);
    steps[0] = (struct postgres_step){.params = -1};
    assert_int_equal(postgres_unit_new(steps, 1, &unit), ERR_INVALID);
    steps[0] = (struct postgres_step){.params = 65536};
    assert_int_equal(postgres_unit_new(steps, 1, &unit), ERR_INVALID);
    steps[0] = (struct postgres_step){.statement = -1};
    assert_int_equal(postgres_unit_new(steps, 1, &unit), ERR_INVALID);
    steps[0] = (struct postgres_step){.statement = 0};
    alloc_fail_at(0);
    assert_int_equal(postgres_unit_new(steps, 1, &unit), ERR_NOMEM);
    alloc_fail_never();
    assert_null(unit);
}

static void ends_well(void **state)
{
    (void)state;
    struct postgres_unit *unit = unit_of(2);
    for (int i = 0; i < 2; i++) {
        postgres_unit_result(unit, result(i ? PGRES_TUPLES_OK : PGRES_COMMAND_OK));
        postgres_unit_result(unit, NULL);
    }
    ends = 0;
    postgres_unit_end(unit, OK, "");
    assert_int_equal(ends, 1);
    assert_int_equal(last_status, OK);
    assert_int_equal(last_steps, 2);
    assert_true(had_results);
}

static void check_failure_at(int step)
{
    struct postgres_unit *unit = unit_of(3);
    for (int i = 0; i < 3; i++) {
        ExecStatusType status = i < step ? PGRES_TUPLES_OK : PGRES_PIPELINE_ABORTED;
        postgres_unit_result(unit, result(i == step ? PGRES_FATAL_ERROR : status));
        postgres_unit_result(unit, NULL);
    }
    if (step == 3) {
        postgres_unit_result(unit, result(PGRES_FATAL_ERROR));
        postgres_unit_result(unit, NULL);
    }
    postgres_unit_end(unit, OK, "");
    assert_int_equal(last_status, ERR_REFUSED);
    assert_int_equal(last_failed_step, step == 3 ? -1 : step);
    assert_false(had_results); /* of steps that were undone */
}

static void names_the_step_that_failed(void **state)
{
    (void)state;
    for (int step = 0; step <= 3; step++)
        check_failure_at(step);
}

static void a_lost_unit_is_lost_whatever_came_before(void **state)
{
    (void)state;
    struct postgres_unit *unit = unit_of(2);
    postgres_unit_result(unit, result(PGRES_TUPLES_OK));
    postgres_unit_result(unit, NULL);
    postgres_unit_result(unit, result(PGRES_FATAL_ERROR));
    postgres_unit_end(unit, ERR_LOST, "gone");
    assert_int_equal(last_status, ERR_LOST);
    assert_int_equal(last_failed_step, -1);
    assert_false(had_results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_parameters),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(ends_well),
        cmocka_unit_test(names_the_step_that_failed),
        cmocka_unit_test(a_lost_unit_is_lost_whatever_came_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
