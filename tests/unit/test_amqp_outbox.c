/* Messages on their way: the ring of tags and the box around it, against a plain model. */
#include "amqp/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct pending *add(struct outbox *o, int number)
{
    char id[32];
    struct amqp_message message = {.body = "body", .len = 4, .message_id = id};
    struct pending *m;

    snprintf(id, sizeof id, "id-%d", number);
    assert_int_equal(pending_new(&m, &message), OK);
    outbox_add(o, m);
    return m;
}

static struct pending *send_next(struct outbox *o)
{
    struct pending *m = outbox_next(o);

    assert_non_null(m);
    outbox_sent(o, m);
    return m;
}

static void end(struct outbox *o, struct pending *m)
{
    outbox_remove(o, m);
    free(m);
}

static void confirms_out_of_order(void **state)
{
    struct outbox o;
    struct pending *m[5];

    (void)state;
    assert_int_equal(outbox_init(&o, 10), OK);
    for (int i = 0; i < 5; i++)
        m[i] = add(&o, i);
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(send_next(&o), m[i]);
    assert_ptr_equal(outbox_settled(&o, 3, false), m[2]);
    assert_null(outbox_settled(&o, 3, false)); /* once */
    assert_null(outbox_settled(&o, 5, false)); /* not sent yet */
    assert_ptr_equal(outbox_settled(&o, 4, true), m[0]);
    assert_ptr_equal(outbox_settled(&o, 4, true), m[1]);
    assert_ptr_equal(outbox_settled(&o, 4, true), m[3]);
    assert_null(outbox_settled(&o, 4, true));
    assert_int_equal(o.count, 5);
    assert_int_equal(o.bytes, 20);
    for (int i = 0; i < 5; i++)
        end(&o, m[i]);
    assert_int_equal(o.bytes, 0);
    outbox_free(&o);
}

static void multiple_of_zero_means_all(void **state)
{
    struct outbox o;
    struct pending *m = NULL;

    (void)state;
    assert_int_equal(outbox_init(&o, 10), OK);
    for (int i = 0; i < 3; i++)
        add(&o, i);
    send_next(&o);
    send_next(&o);
    for (int i = 0; i < 2; i++) {
        m = outbox_settled(&o, 0, true);
        assert_non_null(m);
        end(&o, m);
    }
    assert_null(outbox_settled(&o, 0, true));
    end(&o, outbox_oldest(&o));
    outbox_free(&o);
}

static void given_back_goes_behind_and_keeps_its_age(void **state)
{
    struct outbox o;
    struct pending *a, *b;

    (void)state;
    assert_int_equal(outbox_init(&o, 10), OK);
    a = add(&o, 1);
    b = add(&o, 2);
    send_next(&o);
    assert_ptr_equal(outbox_settled(&o, 1, false), a);
    outbox_rest(&o, a);
    assert_ptr_equal(outbox_next(&o), b);
    send_next(&o);
    assert_null(outbox_next(&o));
    outbox_rested(&o);
    assert_ptr_equal(send_next(&o), a);
    assert_int_equal(a->tag, 3);
    assert_ptr_equal(outbox_oldest(&o), a);
    end(&o, a);
    assert_ptr_equal(outbox_oldest(&o), b);
    end(&o, b);
    outbox_free(&o);
}

static void returns_find_their_message(void **state)
{
    struct outbox o;
    struct pending *m[4];

    (void)state;
    assert_int_equal(outbox_init(&o, 10), OK);
    for (int i = 0; i < 4; i++)
        m[i] = add(&o, i == 3 ? 1 : i); /* the last bears the id of the second */
    for (int i = 0; i < 4; i++)
        send_next(&o);
    assert_true(outbox_returned(&o, "id-1", 4));
    assert_true(m[1]->returned);
    assert_false(m[3]->returned);
    assert_true(outbox_returned(&o, "id-1", 4));
    assert_true(m[3]->returned);
    assert_false(outbox_returned(&o, "id-1", 4));
    assert_false(m[0]->returned || m[2]->returned);
    for (int i = 0; i < 4; i++)
        end(&o, m[i]);
    outbox_free(&o);
}

static void ring_fills_and_drains(void **state)
{
    struct unconfirmed u;
    int x;

    (void)state;
    assert_int_equal(unconfirmed_init(&u, 100), OK);
    for (uint64_t tag = 1; tag <= 128; tag++)
        assert_int_equal(unconfirmed_push(&u, &x), tag);
    assert_true(unconfirmed_full(&u));
    assert_ptr_equal(unconfirmed_take(&u, 100), &x);
    assert_true(unconfirmed_full(&u)); /* a hole in the middle is no room */
    assert_ptr_equal(unconfirmed_take(&u, 1), &x);
    assert_false(unconfirmed_full(&u));
    assert_null(unconfirmed_at(&u, 1));
    assert_null(unconfirmed_at(&u, 129));
    unconfirmed_free(&u);
}

/* What the test knows of a message: where it is. */
enum where { GONE, WAITING, SENT, RESTING };

struct model {
    struct pending *m[512];
    enum where where[512];
    int added;
};

static int number_of(const struct model *model, const struct pending *m)
{
    for (int i = 0; i < model->added; i++)
        if (model->m[i] == m && model->where[i] != GONE)
            return i;
    fail_msg("a message that nobody added");
    return -1;
}

static void settle(struct outbox *o, struct model *model, bool nack)
{
    uint64_t tag = o->wire.first + (uint64_t)random() % 8;
    bool multiple = random() % 2;
    struct pending *m;

    while ((m = outbox_settled(o, tag, multiple))) {
        int i = number_of(model, m);
        assert_int_equal(model->where[i], SENT);
        model->where[i] = nack ? RESTING : GONE;
        if (nack)
            outbox_rest(o, m);
        else
            end(o, m);
    }
}

static void lose(struct outbox *o, struct model *model)
{
    outbox_lost(o);
    for (int i = 0; i < model->added; i++)
        if (model->where[i] != GONE)
            model->where[i] = WAITING;
}

static void step(struct outbox *o, struct model *model)
{
    struct pending *m;

    switch (random() % 8) {
    case 0:
    case 1:
        model->m[model->added] = add(o, model->added);
        model->where[model->added++] = WAITING;
        break;
    case 2:
    case 3:
        m = outbox_next(o);
        if (m) {
            assert_int_equal(model->where[number_of(model, m)], WAITING);
            model->where[number_of(model, m)] = SENT;
            outbox_sent(o, m);
        }
        break;
    case 4:
        settle(o, model, false);
        break;
    case 5:
        settle(o, model, true);
        break;
    case 6:
        outbox_rested(o);
        for (int i = 0; i < model->added; i++)
            model->where[i] = model->where[i] == RESTING ? WAITING : model->where[i];
        break;
    case 7:
        if (random() % 10 == 0) {
            lose(o, model);
        } else if ((m = outbox_oldest(o))) { /* its deadline */
            model->where[number_of(model, m)] = GONE;
            end(o, m);
        }
        break;
    }
}

/* Nothing is lost and nothing counted twice, whatever happens in whatever order. */
static void any_order_keeps_all(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 200; seed++) {
        static struct model model;
        struct outbox o;
        struct pending *m;
        size_t left = 0;

        model = (struct model){.added = 0};
        srandom(seed);
        assert_int_equal(outbox_init(&o, 32), OK);
        while (model.added < 500)
            step(&o, &model);
        for (int i = 0; i < model.added; i++)
            left += model.where[i] != GONE;
        assert_int_equal(o.count, left);
        lose(&o, &model);
        for (int last = -1; (m = outbox_next(&o)); last = number_of(&model, m), end(&o, m))
            assert_true(number_of(&model, m) > last); /* in the order of publishing */
        assert_int_equal(o.count, 0);
        outbox_free(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confirms_out_of_order),
        cmocka_unit_test(multiple_of_zero_means_all),
        cmocka_unit_test(given_back_goes_behind_and_keeps_its_age),
        cmocka_unit_test(returns_find_their_message),
        cmocka_unit_test(ring_fills_and_drains),
        cmocka_unit_test(any_order_keeps_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
