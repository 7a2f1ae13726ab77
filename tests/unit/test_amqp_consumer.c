/* The consumer against a broker that behaves, and one that does not. */
#include "consumer_fixture.h"

/* ---- Deliveries ----------------------------------------------------------------------------- */

static void deliveries_come_in_order_and_are_acked(void **state)
{
    (void)state;
    also = ack_at_once;
    start_and_subscribe(200);
    assert_int_equal(prefetch, 200);
    deliver(1, 101);
    broker_flush();
    WAIT(acked_count() == 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(atoi(ids[i] + 2), i + 1);
    assert_true(ack_frames < 20); /* a turn's acks go together */
    assert_int_equal(amqp_consumer_unfinished(consumer), 0);
}

static void frames_byte_by_byte(void **state)
{
    struct buf bytes = {0};

    (void)state;
    also = ack_at_once;
    start_and_subscribe(10);
    deliver(1, 4);
    buf_append(&bytes, buf_data(&broker.out), buf_len(&broker.out));
    buf_clear(&broker.out);
    for (size_t i = 0; i < buf_len(&bytes); i++) {
        buf_char(&broker.out, buf_data(&bytes)[i]);
        broker_flush();
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        uv_run(&loop.uv, UV_RUN_NOWAIT);
    }
    WAIT(acked_count() == 3);
    buf_free(&bytes);
}

static void bodies_in_parts_and_too_large(void **state)
{
    static char body[3 * AMQP_BODY_MAX];

    (void)state;
    memset(body, 'x', sizeof body);
    start_and_subscribe(10);
    broker_deliver(1, "parts", body, AMQP_BODY_MAX);
    broker_flush();
    WAIT(delivered == 1);
    assert_int_equal(lengths[0], AMQP_BODY_MAX);
    assert_false(too_large);
    assert_false(redelivered);
    broker_deliver(2, "large", body, sizeof body);
    broker_deliver(3, "small", body, 1);
    broker_flush();
    WAIT(delivered >= 2);
    assert_int_equal(lengths[1], AMQP_BODY_MAX);
    assert_string_equal(ids[1], "large");
    WAIT(delivered == 3);
    assert_int_equal(lengths[2], 1);
    assert_false(too_large);
}

static void a_large_one_is_said_to_be_large(void **state)
{
    static char body[AMQP_BODY_MAX + 1];

    (void)state;
    memset(body, 'x', sizeof body);
    start_and_subscribe(10);
    broker_deliver(1, "large", body, sizeof body);
    broker_flush();
    WAIT(delivered == 1);
    assert_true(too_large);
}

/* The subscription is sent from the loop, but other things may come with the set-up's last answer:
 * here a heartbeat of which half is missing. */
static void half_a_frame_at_the_handover(void **state)
{
    (void)state;
    broker.last = AMQP_BASIC_QOS_OK_METHOD;
    assert_int_equal(buf_append(&broker.with_last, "\x08\0\0\0\0\0\0\xCE\x08\0\0", 11), OK);
    start_consumer(10);
    pass_ms(100);
    assert_int_equal(consumes, 0);
    buf_append(&broker.out, "\0\0\0\0\xCE", 5);
    broker_flush();
    WAIT(consumes == 1);
    deliver(1, 3);
    broker_flush();
    WAIT(delivered == 2);
    assert_int_equal(broker.accepted, 1);
}

/* One turn takes AMQP_READ_MAX bytes at most, so that others have their turn between. */
static void a_flood_leaves_room_for_others(void **state)
{
    static uv_check_t check; /* its close ends in tear_down */

    (void)state;
    also = ack_at_once;
    start_and_subscribe(4000);
    uv_check_init(&loop.uv, &check);
    uv_check_start(&check, on_turn);
    deliver(1, 4001);
    size_t bytes = buf_len(&broker.out);
    turns = 0;
    broker_flush();
    WAIT(delivered == 4000);
    assert_true((size_t)turns >= bytes / (64 * 1024));
    uv_close((uv_handle_t *)&check, NULL);
}

static void wrong_tags_end_the_connection(void **state)
{
    (void)state;
    start_and_subscribe(10);
    deliver(2, 3);
    broker_flush();
    WAIT(broker.accepted == 2);
    assert_int_equal(delivered, 0);
    WAIT(consumes == 2);
    deliver(1, 12); /* one more than the prefetch */
    broker_flush();
    WAIT(broker.accepted == 3);
}

/* ---- Acks ----------------------------------------------------------------------------------- */

static void a_long_job_is_not_acked_for(void **state)
{
    (void)state;
    start_and_subscribe(10);
    deliver(1, 6);
    broker_flush();
    WAIT(delivered == 5);
    for (int i = 1; i < 5; i++)
        amqp_consumer_ack(consumer, tags[i]);
    amqp_consumer_ack(consumer, tags[1]); /* twice */
    WAIT(acked_count() == 4);
    assert_false(acked[1]);
    assert_int_equal(amqp_consumer_unfinished(consumer), 1);
    amqp_consumer_ack(consumer, tags[0]);
    WAIT(acked_count() == 5);
}

static void acks_of_a_lost_connection_are_void(void **state)
{
    (void)state;
    start_and_subscribe(10);
    deliver(1, 4);
    broker_flush();
    WAIT(delivered == 3);
    broker_drop();
    WAIT(!amqp_consumer_up(consumer));
    assert_int_equal(amqp_consumer_unfinished(consumer), 0);
    amqp_consumer_ack(consumer, tags[0]);
    WAIT(consumes == 2);
    deliver(1, 3);
    broker_flush();
    WAIT(delivered == 5);
    amqp_consumer_ack(consumer, tags[1]); /* tag 2 of the first connection */
    pass_ms(100);
    assert_int_equal(acked_count(), 0);
    assert_int_equal(amqp_consumer_unfinished(consumer), 2);
    amqp_consumer_ack(consumer, tags[3]);
    WAIT(acked[1]);
    assert_int_equal(acked_count(), 1);
}

static void half_a_delivery_is_forgotten_with_its_connection(void **state)
{
    (void)state;
    start_and_subscribe(10);
    deliver(1, 2);
    broker.out.end -= 10; /* within the body's frame */
    broker_flush();
    WAIT(amqp_consumer_unfinished(consumer) == 1);
    broker_drop();
    WAIT(consumes == 2);
    deliver(1, 3);
    broker_flush();
    WAIT(delivered == 2);
    assert_string_equal(ids[0], "m-1");
    assert_int_equal(broker.accepted, 2);
}

/* ---- Ends ----------------------------------------------------------------------------------- */

static void after_a_cancel_acks_still_work(void **state)
{
    (void)state;
    start_and_subscribe(10);
    deliver(1, 3);
    broker_flush();
    WAIT(delivered == 2);
    amqp_consumer_cancel(consumer, on_cancelled, NULL);
    assert_false(cancelled); /* never inside the call */
    WAIT(cancelled);
    amqp_consumer_ack(consumer, tags[0]);
    amqp_consumer_ack(consumer, tags[1]);
    WAIT(acked_count() == 2);
    broker_drop();
    WAIT(amqp_consumer_up(consumer) && broker.accepted == 2);
    pass_ms(100);
    assert_int_equal(consumes, 1); /* it does not subscribe again */
}

static void a_cancel_without_a_connection_is_told(void **state)
{
    (void)state;
    broker.silent = true;
    start_consumer(10);
    amqp_consumer_cancel(consumer, on_cancelled, NULL);
    assert_false(cancelled);
    WAIT(cancelled);
}

static bool swallow_cancel(const struct codec_frame *frame)
{
    if (frame->method == AMQP_BASIC_CANCEL_METHOD)
        broker_drop();
    return on_method(frame) || frame->method == AMQP_BASIC_CANCEL_METHOD;
}

static void a_cancel_ends_with_the_connection(void **state)
{
    (void)state;
    broker.on_method = swallow_cancel;
    start_and_subscribe(10);
    amqp_consumer_cancel(consumer, on_cancelled, NULL);
    WAIT(cancelled);
}

static void a_close_tells_the_cancel(void **state)
{
    (void)state;
    broker.silent = true;
    start_consumer(10);
    amqp_consumer_cancel(consumer, on_cancelled, NULL);
    amqp_consumer_close(consumer, on_closed, NULL);
    WAIT(closed);
    assert_true(cancelled);
}

static void a_deleted_queue_is_declared_again(void **state)
{
    amqp_basic_cancel_t cancel = {.consumer_tag = amqp_cstring_bytes("workshop"), .nowait = 1};

    (void)state;
    start_and_subscribe(10);
    broker_put(1, AMQP_BASIC_CANCEL_METHOD, &cancel);
    broker_flush();
    WAIT(consumes == 2);
    assert_int_equal(broker.declared, 2);
    assert_int_equal(broker.polite, 1);
    deliver(1, 2);
    broker_flush();
    WAIT(delivered == 1);
}

static void a_close_sends_the_acks_first(void **state)
{
    (void)state;
    start_and_subscribe(10);
    deliver(1, 3);
    broker_flush();
    WAIT(delivered == 2);
    amqp_consumer_ack(consumer, tags[0]);
    amqp_consumer_close(consumer, on_closed, NULL);
    assert_false(closed);
    WAIT(closed);
    assert_true(acked[1]);
    assert_false(acked[2]);
    assert_int_equal(broker.polite, 1);
}

/* The thread has its connection, but the loop has not heard of it yet. */
static void closing_just_before_success(void **state)
{
    (void)state;
    start_consumer(10);
    WAIT(prefetch == 10);
    usleep(200000); /* without a turn of the loop */
    assert_false(amqp_consumer_up(consumer));
    amqp_consumer_close(consumer, on_closed, NULL);
    WAIT(closed);
    assert_int_equal(consumes, 0);
}

static void close_at_third(const struct amqp_delivery *d)
{
    if (d->tag.tag == 3)
        amqp_consumer_close(consumer, on_closed, NULL);
}

static void closing_inside_a_delivery(void **state)
{
    (void)state;
    also = close_at_third;
    start_and_subscribe(10);
    deliver(1, 10);
    broker_flush();
    WAIT(closed);
    assert_int_equal(delivered, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(deliveries_come_in_order_and_are_acked),
        TEST(frames_byte_by_byte),
        TEST(bodies_in_parts_and_too_large),
        TEST(a_large_one_is_said_to_be_large),
        TEST(half_a_frame_at_the_handover),
        TEST(a_flood_leaves_room_for_others),
        TEST(wrong_tags_end_the_connection),
        TEST(a_long_job_is_not_acked_for),
        TEST(acks_of_a_lost_connection_are_void),
        TEST(half_a_delivery_is_forgotten_with_its_connection),
        TEST(after_a_cancel_acks_still_work),
        TEST(a_cancel_without_a_connection_is_told),
        TEST(a_cancel_ends_with_the_connection),
        TEST(a_close_tells_the_cancel),
        TEST(a_deleted_queue_is_declared_again),
        TEST(a_close_sends_the_acks_first),
        TEST(closing_just_before_success),
        TEST(closing_inside_a_delivery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
