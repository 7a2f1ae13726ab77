/* The hash map: many keys, removals, odd keys, want of memory. */
#include "base/map.h"
#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 10000 };

static char values[MANY]; /* something to point at */

static size_t key_of(int i, char key[32])
{
    return (size_t)snprintf(key, 32, "fruit number %d", i);
}
static void put(struct map *m, int i)
{
    char key[32];
    assert_int_equal(map_put(m, key, key_of(i, key), &values[i]), OK);
}
static void *get(struct map *m, int i)
{
    char key[32];
    return map_get(m, key, key_of(i, key));
}
static void *take(struct map *m, int i)
{
    char key[32];
    return map_remove(m, key, key_of(i, key));
}

static void empty_has_nothing(void **state)
{
    (void)state;
    struct map m = {0};
    assert_null(map_get(&m, "a", 1));
    assert_null(map_remove(&m, "a", 1));
    MAP_FOREACH (e, &m)
        fail();
    map_free(&m);
}

static void finds_many_and_not_the_removed(void **state)
{
    (void)state;
    struct map m = {0};
    for (int i = 0; i < MANY; i++)
        put(&m, i);
    for (int i = 0; i < MANY; i += 3)
        assert_ptr_equal(take(&m, i), &values[i]);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(get(&m, i), i % 3 ? &values[i] : NULL);
    assert_null(take(&m, 0));
    assert_int_equal(m.count, MANY - (MANY + 2) / 3);
    for (int i = 0; i < MANY; i += 3)
        put(&m, i);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(get(&m, i), &values[i]);
    assert_int_equal(m.count, MANY);
    map_free(&m);
}

static void replaces_a_value(void **state)
{
    (void)state;
    struct map m = {0};
    assert_int_equal(map_put(&m, "k", 1, &values[0]), OK);
    assert_int_equal(map_put(&m, "k", 1, &values[1]), OK);
    assert_ptr_equal(map_get(&m, "k", 1), &values[1]);
    assert_int_equal(m.count, 1);
    map_free(&m);
}

/* Removed keys must neither pile up nor slow a look-up down to a walk over the table. */
static void stays_small_under_churn(void **state)
{
    (void)state;
    struct map m = {0};
    for (int i = 0; i < 100 * MANY; i++) {
        put(&m, i % MANY);
        if (i >= 5)
            assert_non_null(take(&m, (i - 5) % MANY));
    }
    assert_int_equal(m.count, 5);
    assert_true(m.cap <= 32);
    map_free(&m);
}

static void keys_are_bytes(void **state)
{
    (void)state;
    struct map m = {0};
    assert_int_equal(map_put(&m, "", 0, &values[0]), OK);
    assert_int_equal(map_put(&m, "a\0b", 3, &values[1]), OK);
    assert_int_equal(map_put(&m, "a\0c", 3, &values[2]), OK);
    assert_int_equal(map_put(&m, "a", 1, &values[3]), OK);
    assert_int_equal(map_put(&m, "a\0", 2, &values[4]), OK);
    assert_ptr_equal(map_get(&m, "", 0), &values[0]);
    assert_ptr_equal(map_get(&m, "a\0b", 3), &values[1]);
    assert_ptr_equal(map_get(&m, "a\0c", 3), &values[2]);
    assert_ptr_equal(map_get(&m, "a", 1), &values[3]);
    assert_ptr_equal(map_get(&m, "a\0", 2), &values[4]);
    map_free(&m);
}

static void copies_its_keys(void **state)
{
    (void)state;
    struct map m = {0};
    char key[] = "pears";
    assert_int_equal(map_put(&m, key, 5, &values[0]), OK);
    key[0] = 'b';
    assert_ptr_equal(map_get(&m, "pears", 5), &values[0]);
    MAP_FOREACH (e, &m)
        assert_string_equal(e->key, "pears");
    map_free(&m);
}

static void walks_each_once_while_removing(void **state)
{
    (void)state;
    struct map m = {0};
    int seen = 0;
    for (int i = 0; i < 1000; i++)
        put(&m, i);
    MAP_FOREACH (e, &m) {
        seen++;
        assert_non_null(map_remove(&m, e->key, e->len));
    }
    assert_int_equal(seen, 1000);
    assert_int_equal(m.count, 0);
    map_free(&m);
}

/* Each failed put leaves the map as it was. */
static void survives_want_of_memory(void **state)
{
    (void)state;
    struct map m = {0};
    int failures = 0;
    for (int i = 0; i < 100; i++) {
        char key[32];
        size_t len = key_of(i, key);
        for (long n = 0;; n++) {
            alloc_fail_at(n);
            int rc = map_put(&m, key, len, &values[i]);
            if (!alloc_fail_never()) {
                assert_int_equal(rc, OK);
                break;
            }
            failures++;
            assert_int_equal(rc, ERR_NOMEM);
            assert_null(get(&m, i));
            assert_int_equal(m.count, i);
        }
        for (int j = 0; j <= i; j++)
            assert_ptr_equal(get(&m, j), &values[j]);
    }
    assert_true(failures > 100); /* each key's copy, and the tables */
    map_free(&m);
}

static void hash_spreads(void **state)
{
    (void)state;
    int buckets[1024] = {0}, fullest = 0;
    for (int i = 0; i < MANY; i++) {
        char key[32];
        int *b = &buckets[map_hash(key, key_of(i, key)) % 1024];
        fullest = ++*b > fullest ? *b : fullest;
    }
    assert_true(fullest < 30); /* 9.8 on average; chance alone passes 30 once in 10^4 runs */
    assert_int_not_equal(map_hash("a\0", 2), map_hash("a", 1));
    assert_int_equal(map_hash("pears", 5), map_hash("pears", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_has_nothing),
        cmocka_unit_test(finds_many_and_not_the_removed),
        cmocka_unit_test(replaces_a_value),
        cmocka_unit_test(stays_small_under_churn),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(copies_its_keys),
        cmocka_unit_test(walks_each_once_while_removing),
        cmocka_unit_test(survives_want_of_memory),
        cmocka_unit_test(hash_spreads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
