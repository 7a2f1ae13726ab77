/* Batches: arrays, splitting, dropping what an earlier connection brought. */
#include "backend/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct batch *batch;
static struct batch_arrays arrays;

static int setup(void **state)
{
    (void)state;
    batch = calloc(1, sizeof *batch);
    arrays = (struct batch_arrays){0};
    return batch ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    batch_free(batch);
    batch_arrays_free(&arrays);
    return 0;
}

static struct job *add(const char *body, size_t len)
{
    struct job job = {.body = malloc(len ? len : 1), .len = len};
    assert_non_null(job.body);
    if (len)
        memcpy(job.body, body, len);
    batch_add(batch, &job);
    return &batch->jobs[batch->count - 1];
}

static void add_row(const char *id, enum fruit fruit, int quantity)
{
    struct job *job = add("{}", (size_t)quantity % 3);
    job->kind = JOB_FRUIT;
    snprintf(job->id, sizeof job->id, "%s", id);
    job->order = (struct message){MESSAGE_FRUIT, fruit, quantity};
}

static void rows_are_arrays(void **state)
{
    (void)state;
    add_row("0190aaaa-0000-7000-8000-000000000001", FRUIT_PEARS, 3);
    add_row("", FRUIT_APPLES, INT32_MAX);
    assert_int_equal(batch_encode(batch, &arrays), OK);
    assert_string_equal(buf_data(&arrays.ids), "{0190aaaa-0000-7000-8000-000000000001,NULL}");
    assert_string_equal(buf_data(&arrays.names), "{pears,apples}");
    assert_string_equal(buf_data(&arrays.quantities), "{3,2147483647}");
    assert_string_equal(buf_data(&arrays.dead_ids), "{}");
    assert_int_equal(arrays.rows, 2);
    assert_int_equal(arrays.dead, 0);
    assert_int_equal(buf_len(&arrays.bodies), 12); /* an array without dimensions */
    assert_memory_equal(buf_data(&arrays.bodies), "\0\0\0\0\0\0\0\0\0\0\0\x11", 12);
}

static size_t bytes_of(const struct batch *b)
{
    size_t bytes = 0;
    for (size_t i = 0; i < b->count; i++)
        bytes += b->jobs[i].len;
    return bytes;
}

static void add_dead(const char *body, size_t len, const char *reason)
{
    struct job *job = add(body, len);
    job->kind = JOB_UNKNOWN;
    snprintf(job->reason, sizeof job->reason, "%s", reason);
}

/* As array_send writes it: 1 dimension, no nulls, of bytea; 2 elements from 1 on; each with its
 * length. */
static void dead_letters_keep_every_byte(void **state)
{
    static const char bodies[] = "\0\0\0\1\0\0\0\0\0\0\0\x11\0\0\0\2\0\0\0\1"
                                 "\0\0\0\5\"\\\0\xff{\0\0\0\0";
    (void)state;
    add_dead("\"\\\0\xff{", 5, "no \"JSON\" \\ here");
    add_dead("", 0, "nothing");
    assert_int_equal(batch_encode(batch, &arrays), OK);
    assert_string_equal(buf_data(&arrays.reasons), "{\"no \\\"JSON\\\" \\\\ here\",\"nothing\"}");
    assert_int_equal(buf_len(&arrays.bodies), sizeof bodies - 1);
    assert_memory_equal(buf_data(&arrays.bodies), bodies, sizeof bodies - 1);
    assert_string_equal(buf_data(&arrays.dead_ids), "{NULL,NULL}");
    assert_string_equal(buf_data(&arrays.ids), "{}");
}

static void arrays_are_emptied_for_the_next_batch(void **state)
{
    (void)state;
    add_row("", FRUIT_PEARS, 3);
    assert_int_equal(batch_encode(batch, &arrays), OK);
    assert_int_equal(batch_encode(batch, &arrays), OK);
    assert_string_equal(buf_data(&arrays.names), "{pears}");
    assert_int_equal(arrays.rows, 1);
}

static void split_loses_none_and_doubles_none(void **state)
{
    (void)state;
    for (int count = 2; count <= 7; count++) {
        struct batch *upper = calloc(1, sizeof *upper);
        assert_non_null(upper);
        for (int i = 1; i <= count; i++)
            add_row("", FRUIT_PEARS, i);
        batch_split(batch, upper);
        assert_int_equal(batch->count + upper->count, count);
        assert_true(batch->count >= 1 && upper->count >= 1);
        assert_int_equal(batch->bytes, bytes_of(batch));
        assert_int_equal(upper->bytes, bytes_of(upper));
        for (int i = 1; i <= count; i++) {
            size_t at = (size_t)i - 1;
            const struct job *job =
                at < batch->count ? &batch->jobs[at] : &upper->jobs[at - batch->count];
            assert_int_equal(job->order.quantity, i);
        }
        batch_free(upper);
        teardown(NULL);
        setup(NULL);
    }
}

static void stale_jobs_are_dropped(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        add_row("", FRUIT_PEARS, i + 1);
        batch->jobs[i].tag.epoch = (uint64_t)(i % 3);
    }
    batch_drop_stale(batch, 2);
    assert_int_equal(batch->count, 2);
    assert_int_equal(batch->jobs[0].order.quantity, 3);
    assert_int_equal(batch->jobs[1].order.quantity, 6);
    assert_int_equal(batch->bytes, bytes_of(batch));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_arrays, setup, teardown),
        cmocka_unit_test_setup_teardown(dead_letters_keep_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(arrays_are_emptied_for_the_next_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(split_loses_none_and_doubles_none, setup, teardown),
        cmocka_unit_test_setup_teardown(stale_jobs_are_dropped, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
