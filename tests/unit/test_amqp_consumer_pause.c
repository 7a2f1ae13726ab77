/* Back-pressure: a paused consumer reads nothing, and lives on, ends and closes all the same. */
#include "consumer_fixture.h"

static void pause_at_once(const struct amqp_delivery *d)
{
    (void)d;
    amqp_consumer_pause(consumer, true);
}

/* More than what was read with the first one. */
#define FLOOD 60000

static void flood(uint64_t from, uint64_t to)
{
    static char body[FLOOD];

    memset(body, 'x', sizeof body);
    for (uint64_t tag = from; tag < to; tag++)
        broker_deliver(tag, "flood", body, sizeof body);
    broker_flush();
}

/* What one wake-up read is handed over, nothing after it. */
static void start_and_pause(void)
{
    also = pause_at_once;
    start_and_subscribe(1000);
    flood(1, 101);
    WAIT(delivered >= 1);
    pass_ms(100);
    assert_in_range(delivered, 1, 3);
}

static void a_paused_one_reads_nothing(void **state)
{
    (void)state;
    start_and_pause();
    also = NULL;
    int before = delivered;
    amqp_consumer_ack(consumer, tags[0]);
    WAIT(acked[1]); /* writing goes on */
    assert_int_equal(delivered, before);
    amqp_consumer_pause(consumer, false);
    assert_int_equal(delivered, before); /* never inside the call */
    WAIT(delivered == 100);
    assert_int_equal(broker.accepted, 1);
}

/* A socket that could be read, and is not, must not wake the loop. */
static void a_paused_one_does_not_spin(void **state)
{
    static uv_check_t check;

    (void)state;
    start_and_pause();
    uv_check_init(&loop.uv, &check);
    uv_check_start(&check, on_turn);
    turns = 0;
    pass_ms(500);
    assert_in_range(turns, 1, 30); /* the ticks, each 50 ms */
    uv_close((uv_handle_t *)&check, NULL);
}

static void a_paused_one_lives_on_without_signs_of_life(void **state)
{
    (void)state;
    broker.heartbeat = 1;
    start_and_pause();
    pass_ms(3500);
    assert_true(amqp_consumer_up(consumer));
    assert_int_equal(broker.accepted, 1);
    assert_true(broker.heartbeats >= 3); /* it shows its own */
    also = NULL;
    amqp_consumer_pause(consumer, false);
    usleep(600000); /* the timer of the heartbeats is due, and comes before the socket */
    WAIT(delivered == 100);
    assert_int_equal(broker.accepted, 1); /* the pause is not held against the broker */
}

/* Its heartbeats find out. What it reads of the next connection is nothing, until it may. */
static void a_paused_one_connects_again_and_stays_paused(void **state)
{
    (void)state;
    broker.heartbeat = 1;
    start_and_pause();
    int before = delivered;
    broker_drop();
    WAIT(consumes == 2);
    flood(1, 4);
    pass_ms(100);
    assert_int_equal(delivered, before);
    also = NULL;
    amqp_consumer_pause(consumer, false);
    WAIT(delivered == before + 3);
    assert_int_equal(tags[before].tag, 1);
    assert_int_equal(broker.accepted, 2);
}

/* The answer stands behind what was not read: that is passed over, and returns to the queue. */
static void a_paused_one_is_cancelled_at_once(void **state)
{
    (void)state;
    start_and_pause();
    int before = delivered;
    amqp_consumer_cancel(consumer, on_cancelled, NULL);
    assert_false(cancelled); /* never inside the call */
    WAIT(cancelled);
    amqp_consumer_ack(consumer, tags[0]);
    WAIT(acked[1]);
    amqp_consumer_pause(consumer, false);
    amqp_consumer_pause(consumer, true);
    WAIT(amqp_consumer_unfinished(consumer) == 99); /* all were read */
    assert_int_equal(delivered, before);
    amqp_consumer_close(consumer, on_closed, NULL);
    WAIT(closed);
    assert_int_equal(broker.polite, 1);
}

static void pause_while_cancelling(const struct amqp_delivery *d)
{
    must(!cancelled);
    amqp_consumer_pause(consumer, d->tag.tag > 0);
}

/* A broker that takes its time with the cancel, and a delivery that fills us up meanwhile. */
static bool never_cancel_ok(const struct codec_frame *frame)
{
    return on_method(frame) || frame->method == AMQP_BASIC_CANCEL_METHOD;
}

static void a_pause_ends_the_wait_for_the_cancel(void **state)
{
    (void)state;
    also = pause_while_cancelling;
    broker.on_method = never_cancel_ok;
    start_and_subscribe(1000);
    amqp_consumer_cancel(consumer, on_cancelled, NULL);
    pass_ms(100);
    assert_false(cancelled);
    flood(1, 4);
    WAIT(cancelled);
    WAIT(amqp_consumer_unfinished(consumer) == 3);
    assert_int_equal(delivered, 1);
}

static void a_paused_one_closes_politely(void **state)
{
    (void)state;
    start_and_pause();
    int before = delivered;
    assert_int_equal(broker.unwritten, 1);
    amqp_consumer_close(consumer, on_closed, NULL);
    WAIT(closed);
    assert_int_equal(broker.polite, 1);
    assert_int_equal(broker.unwritten, 0); /* it read on, for the answer stands behind it all */
    assert_int_equal(delivered, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_paused_one_reads_nothing),
        TEST(a_paused_one_does_not_spin),
        TEST(a_paused_one_lives_on_without_signs_of_life),
        TEST(a_paused_one_connects_again_and_stays_paused),
        TEST(a_paused_one_is_cancelled_at_once),
        TEST(a_pause_ends_the_wait_for_the_cancel),
        TEST(a_paused_one_closes_politely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
