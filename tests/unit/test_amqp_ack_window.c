/* The window of acks, against a broker that is as strict as RabbitMQ. */
#include "amqp/ack_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TAGS 20000

/* What the broker and the consumer each know. */
struct model {
    bool finished[TAGS + 1];
    bool acked[TAGS + 1];
    size_t frames, multiples;
};

static struct model model;

/* RabbitMQ closes the channel on an ack whose tag it does not wait for; and what a multiple ack
 * covers is gone from its queue, so that nothing unfinished may be among it. */
static void on_ack(uint64_t tag, bool multiple, void *ctx)
{
    (void)ctx;
    assert_in_range(tag, 1, TAGS);
    assert_false(model.acked[tag]);
    model.frames++;
    model.multiples += multiple;
    for (uint64_t t = multiple ? 1 : tag; t <= tag; t++) {
        assert_true(model.finished[t]);
        model.acked[t] = true;
    }
}

static int set_up(void **state)
{
    (void)state;
    memset(&model, 0, sizeof model);
    return 0;
}

static void finish(struct ack_window *w, uint64_t tag)
{
    assert_true(ack_window_finish(w, tag));
    model.finished[tag] = true;
}

static void prefix_goes_with_one_frame(void **state)
{
    struct ack_window w;

    (void)state;
    assert_int_equal(ack_window_init(&w, 10), OK);
    for (uint64_t tag = 1; tag <= 5; tag++)
        assert_int_equal(ack_window_deliver(&w, tag), OK);
    finish(&w, 2);
    finish(&w, 1);
    finish(&w, 3);
    finish(&w, 5);
    assert_int_equal(ack_window_flush(&w, on_ack, NULL), 4);
    assert_int_equal(model.frames, 2); /* 3 multiple, 5 alone */
    assert_int_equal(w.unfinished, 1);
    /* 4 closes the gap; 5 is known to the broker no more, so the multiple ack must name 4. */
    finish(&w, 4);
    assert_int_equal(ack_window_flush(&w, on_ack, NULL), 1);
    assert_true(model.acked[4]);
    assert_int_equal(ack_window_flush(&w, on_ack, NULL), 0);
    ack_window_free(&w);
}

static void refuses_what_the_broker_must_not_send(void **state)
{
    struct ack_window w;

    (void)state;
    assert_int_equal(ack_window_init(&w, 2), OK);
    assert_int_equal(ack_window_deliver(&w, 2), ERR_PROTOCOL);
    assert_int_equal(ack_window_deliver(&w, 1), OK);
    assert_int_equal(ack_window_deliver(&w, 1), ERR_PROTOCOL);
    assert_int_equal(ack_window_deliver(&w, 2), OK);
    assert_int_equal(ack_window_deliver(&w, 3), ERR_PROTOCOL); /* more than the prefetch */
    assert_false(ack_window_finish(&w, 0));
    assert_false(ack_window_finish(&w, 3));
    assert_true(ack_window_finish(&w, 1));
    assert_false(ack_window_finish(&w, 1));
    ack_window_reset(&w);
    assert_false(ack_window_finish(&w, 2));
    assert_int_equal(ack_window_deliver(&w, 1), OK);
    ack_window_free(&w);
}

static void a_sleeper_lets_many_pass(void **state)
{
    struct ack_window w;

    (void)state;
    assert_int_equal(ack_window_init(&w, 2), OK);
    assert_int_equal(ack_window_deliver(&w, 1), OK);
    for (uint64_t tag = 2; tag <= TAGS; tag++) {
        assert_int_equal(ack_window_deliver(&w, tag), OK);
        finish(&w, tag);
        ack_window_flush(&w, on_ack, NULL);
        assert_true(model.acked[tag]);
        assert_false(model.acked[1]);
    }
    finish(&w, 1);
    assert_int_equal(ack_window_flush(&w, on_ack, NULL), 1);
    assert_int_equal(w.first, TAGS + 1);
    ack_window_free(&w);
}

static void span_is_bounded(void **state)
{
    struct ack_window w;
    uint64_t tag;
    int rc = OK;

    (void)state;
    assert_int_equal(ack_window_init(&w, 2), OK);
    assert_int_equal(ack_window_deliver(&w, 1), OK);
    for (tag = 2; rc == OK; tag++) {
        rc = ack_window_deliver(&w, tag);
        ack_window_finish(&w, tag);
        w.finished_count = 0; /* as if flushed: the model has no room for so many */
    }
    assert_int_equal(rc, ERR_FULL);
    assert_int_equal(tag - 2, ACK_WINDOW_SPAN_MAX);
    ack_window_free(&w);
}

/* Deliveries, ends and flushes in random order; at the end each tag is acknowledged, once. */
static void random_order(unsigned seed)
{
    uint64_t open[64], next = 1;
    size_t count = 0, most = 1 + seed % 64;
    struct ack_window w;

    memset(&model, 0, sizeof model);
    srandom(seed);
    assert_int_equal(ack_window_init(&w, most), OK);
    while (next <= TAGS / 10 || count > 0) {
        long dice = random() % 100;
        if (dice < 50 && next <= TAGS / 10) {
            int rc = ack_window_deliver(&w, next);
            if (w.unfinished + w.finished_count > most || rc)
                assert_int_equal(rc, ERR_PROTOCOL);
            if (rc == OK)
                open[count++] = next++;
        } else if (dice < 85 && count > 0) {
            /* mostly a young one, so that old ones stay behind */
            size_t i = dice % 2 ? (size_t)random() % count : count - 1;
            finish(&w, open[i]);
            open[i] = open[--count];
        } else {
            ack_window_flush(&w, on_ack, NULL);
        }
        assert_int_equal(w.unfinished, count);
    }
    ack_window_flush(&w, on_ack, NULL);
    for (uint64_t tag = 1; tag < next; tag++)
        assert_true(model.acked[tag]);
    assert_true(model.frames < next);
    ack_window_free(&w);
}

static void any_order_is_safe(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 100; seed++)
        random_order(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(prefix_goes_with_one_frame, set_up),
        cmocka_unit_test_setup(refuses_what_the_broker_must_not_send, set_up),
        cmocka_unit_test_setup(a_sleeper_lets_many_pass, set_up),
        cmocka_unit_test_setup(span_is_bounded, set_up),
        cmocka_unit_test(any_order_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
