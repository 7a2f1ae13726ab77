/* The person lab's store: order, holes, pages, and what remains when memory is out. */
#include "failing_alloc.h"
#include "person/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct person_value text(const char *value)
{
    return (struct person_value){VALUE_TEXT, value, strlen(value)};
}

static const struct person *add(struct people *people, const char *name, uint64_t now)
{
    struct person_value values[PERSON_FIELDS] = {text(name), text("Doe"), {0}, text("")};
    const struct person *person = NULL;
    return people_add(people, values, now, &person) == OK ? person : NULL;
}

static bool is(const struct person *person, enum person_field field, const char *expected)
{
    struct person_value value = person_value(person, field);
    if (!expected)
        return value.kind == VALUE_NONE;
    return value.kind == VALUE_TEXT && value.len == strlen(expected) &&
           memcmp(value.text, expected, value.len) == 0;
}

static void keeps_what_was_given(void **state)
{
    struct people people = {.max = 10};
    (void)state;
    const struct person *person = add(&people, "Ada", 5);
    assert_non_null(person);
    assert_ptr_equal(person, people_find(&people, 1));
    assert_true(is(person, FIRST_NAME, "Ada") && is(person, LAST_NAME, "Doe"));
    assert_true(is(person, EMAIL, NULL) && is(person, ADDRESS, ""));
    assert_true(person->id == 1 && person->created_ms == 5 && person->updated_ms == 5);
    people_free(&people);
}

static void replaces_what_is_given_alone(void **state)
{
    struct people people = {.max = 10};
    struct person_value values[PERSON_FIELDS] = {{0}, text("Lovelace"), text("a@b"), {VALUE_NONE}};
    const struct person *person = NULL;
    (void)state;
    assert_non_null(add(&people, "Ada", 5));
    assert_int_equal(people_change(&people, 1, values, 9, &person), OK);
    assert_true(is(person, FIRST_NAME, "Ada") && is(person, LAST_NAME, "Lovelace"));
    assert_true(is(person, EMAIL, "a@b") && is(person, ADDRESS, NULL));
    assert_true(person->created_ms == 5 && person->updated_ms == 9);
    assert_int_equal(people_change(&people, 1, values, 3, &person), OK);
    assert_true(person->updated_ms == 5); /* a clock that was set back */
    assert_int_equal(people_change(&people, 2, values, 9, &person), ERR_NOT_FOUND);
    people_free(&people);
}

static void has_a_limit_and_gives_no_id_twice(void **state)
{
    struct people people = {.max = 2};
    const struct person *person = NULL;
    struct person_value values[PERSON_FIELDS] = {text("A"), text("B")};
    (void)state;
    assert_true(add(&people, "Ada", 0) && add(&people, "Bob", 0));
    assert_int_equal(people_add(&people, values, 0, &person), ERR_FULL);
    assert_int_equal(people_remove(&people, 2), OK);
    assert_int_equal(people_remove(&people, 2), ERR_NOT_FOUND);
    assert_int_equal(add(&people, "Cid", 0)->id, 3);
    people_free(&people);
}

/* Against an array of marks: removed at random, until none is left, with new ones in between. */
static void finds_all_whatever_leaves(void **state)
{
    enum { LAST = 20000 };
    static bool there[LAST + 1];
    struct people people = {.max = 5000};
    uint64_t last = 0;
    (void)state;
    srand(7);
    for (int i = 0; last < LAST; i++) {
        if (rand() % 5 < 3 && people.count < people.max) {
            last = add(&people, "Ada", 0)->id;
            there[last] = true;
        } else {
            uint64_t id =
                i % 3 && people.count ? people_at(&people, 0)->id : (uint64_t)rand() % (last + 2);
            bool had = id <= last && there[id];
            assert_int_equal(people_remove(&people, id), had ? OK : ERR_NOT_FOUND);
            there[id <= last ? id : 0] = false;
        }
    }
    size_t position = 0;
    for (uint64_t id = 0; id <= LAST; id++) {
        assert_int_equal(people_find(&people, id) != NULL, there[id]);
        if (there[id])
            assert_int_equal(people_at(&people, position++)->id, id);
    }
    assert_int_equal(position, people.count);
    assert_null(people_find(&people, LAST + 1));
    people_free(&people);
}

static void stays_whole_without_memory(void **state)
{
    struct people people = {.max = 1000};
    struct person_value values[PERSON_FIELDS] = {text("A"), text("B")};
    const struct person *person = NULL;
    (void)state;
    alloc_fail_at(0); /* the array's; the next one is the person's */
    assert_int_equal(people_add(&people, values, 0, &person), ERR_NOMEM);
    alloc_fail_at(1);
    assert_int_equal(people_add(&people, values, 0, &person), ERR_NOMEM);
    assert_true(alloc_fail_never() && people.count == 0);
    assert_int_equal(add(&people, "Ada", 0)->id, 1);
    alloc_fail_at(0);
    assert_int_equal(people_change(&people, 1, values, 1, &person), ERR_NOMEM);
    assert_true(alloc_fail_never());
    assert_true(is(people_find(&people, 1), FIRST_NAME, "Ada"));
    people_free(&people);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_was_given),
        cmocka_unit_test(replaces_what_is_given_alone),
        cmocka_unit_test(has_a_limit_and_gives_no_id_twice),
        cmocka_unit_test(finds_all_whatever_leaves),
        cmocka_unit_test(stays_whole_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
