/* The publisher against a broker that refuses, blocks, falls silent or goes away. */
#include "publisher_fixture.h"

/* ---- Refusals ------------------------------------------------------------------------------- */

static void nack_first(uint64_t tag)
{
    if (tag <= 3)
        broker_nack(tag, false);
    else
        broker_ack(tag, false);
}

static void nacked_messages_go_again(void **state)
{
    (void)state;
    broker.on_message = nack_first;
    start_publisher(0, 0);
    publish_all(0, 3);
    WAIT(confirmed == 3);
    each_was_told_once(0, 3, OK);
    assert_int_equal(broker.messages, 6);
    assert_string_equal(broker.ids[3], "m-0");
    assert_string_equal(broker.ids[5], "m-2");
}

static void return_first(uint64_t tag)
{
    if (broker.declared == broker.accepted)
        broker_return(broker.ids[broker.messages - 1]);
    broker_ack(tag, false);
}

static void returned_messages_declare_the_queue_again(void **state)
{
    (void)state;
    broker.on_message = return_first;
    start_publisher(0, 0);
    publish_all(0, 3);
    WAIT(confirmed == 3);
    each_was_told_once(0, 3, OK);
    assert_int_equal(broker.declared, 2);
    assert_int_equal(broker.messages, 6);
    assert_int_equal(broker.accepted, 1);
}

static void return_always(uint64_t tag)
{
    broker_return(broker.ids[broker.messages - 1]);
    broker_ack(tag, false);
}

static void what_is_always_returned_is_refused(void **state)
{
    (void)state;
    broker.on_message = return_always;
    start_publisher(0, 400);
    publish_all(0, 2);
    WAIT(failed == 2);
    each_was_told_once(0, 2, ERR_REFUSED);
    assert_in_range(broker.messages, 4, 2 * 400 / AMQP_RETRY_MS + 2); /* it is no busy loop */
}

/* ---- Losses --------------------------------------------------------------------------------- */

static void drop_at_ten(uint64_t tag)
{
    if (broker.accepted == 1 && tag == 10) {
        broker_ack(4, true);
        broker_flush();
        broker_drop();
    } else if (broker.accepted > 1) {
        broker_ack(tag, false);
    }
}

static void a_lost_connection_publishes_again_in_order(void **state)
{
    int first_again;

    (void)state;
    broker.on_message = drop_at_ten;
    start_publisher(0, 0);
    publish_all(0, 20);
    WAIT(confirmed == 20);
    each_was_told_once(0, 20, OK);
    assert_int_equal(broker.accepted, 2);
    /* Whether the acks still arrived or not: from the first unconfirmed one on, in order. */
    first_again = atoi(broker.ids[10] + 2);
    assert_true(first_again == 0 || first_again == 4);
    for (int i = 10; i < broker.messages; i++)
        assert_int_equal(atoi(broker.ids[i] + 2), first_again + i - 10);
}

static void close_at_two(uint64_t tag)
{
    amqp_channel_close_t channel = {.reply_code = 404, .reply_text = amqp_cstring_bytes("gone")};
    amqp_connection_close_t connection = {.reply_code = 320,
                                          .reply_text = amqp_cstring_bytes("shutdown")};

    if (tag == 2 && broker.accepted == 1)
        broker_put(1, AMQP_CHANNEL_CLOSE_METHOD, &channel);
    else if (tag == 2 && broker.accepted == 2)
        broker_put(0, AMQP_CONNECTION_CLOSE_METHOD, &connection);
    else if (broker.accepted > 2)
        broker_ack(tag, false);
}

static void the_brokers_close_is_answered(void **state)
{
    (void)state;
    broker.on_message = close_at_two;
    start_publisher(0, 0);
    publish_all(0, 3);
    WAIT(confirmed == 3);
    each_was_told_once(0, 3, OK);
    assert_int_equal(broker.accepted, 3);
    assert_int_equal(broker.polite, 3); /* channel.close-ok and our close; then close-ok */
}

static void close_always(uint64_t tag)
{
    amqp_channel_close_t refusal = {.reply_code = 403,
                                    .reply_text = amqp_cstring_bytes("ACCESS_REFUSED")};

    (void)tag;
    broker_put(1, AMQP_CHANNEL_CLOSE_METHOD, &refusal);
}

static void what_never_lasts_is_not_tried_at_once(void **state)
{
    (void)state;
    broker.on_message = close_always;
    start_publisher(0, 1500);
    publish_all(0, 1);
    WAIT(failed == 1);
    assert_in_range(broker.accepted, 3, 20);
}

static void garble_at_two(uint64_t tag)
{
    if (tag == 2 && broker.accepted == 1)
        buf_text(&broker.out, "HTTP/1.1 400 Bad Request\r\n\r\n");
    else if (broker.accepted > 1)
        broker_ack(tag, false);
}

static void garbage_ends_the_connection(void **state)
{
    (void)state;
    broker.on_message = garble_at_two;
    start_publisher(0, 0);
    publish_all(0, 3);
    WAIT(confirmed == 3);
    assert_int_equal(broker.accepted, 2);
}

static void a_silent_peer_is_given_up(void **state)
{
    uint64_t began;

    (void)state;
    broker.heartbeat = 1;
    start_publisher(0, 0);
    WAIT(amqp_publisher_up(publisher));
    began = clock_now();
    WAIT(!amqp_publisher_up(publisher));
    assert_in_range(clock_now() - began, 1900 * NS_PER_MS, 4000 * NS_PER_MS);
    assert_in_range(broker.heartbeats, 3, 8); /* ours, each half second */
}

static void half_a_return(uint64_t tag)
{
    if (broker.accepted > 1) {
        broker_ack(tag, false);
        return;
    }
    broker_return(broker.ids[broker.messages - 1]);
    broker.out.end -= 6; /* within the body's frame */
    broker_flush();
    broker_drop();
}

static void half_a_return_is_forgotten_with_its_connection(void **state)
{
    (void)state;
    broker.on_message = half_a_return;
    start_publisher(0, 0);
    publish_all(0, 1);
    WAIT(confirmed == 1);
    broker.on_message = return_first;
    publish_all(1, 2);
    WAIT(confirmed == 2);
    assert_int_equal(broker.accepted, 2);
}

static bool drop_at_second_declare(const struct codec_frame *frame)
{
    if (frame->method != AMQP_QUEUE_DECLARE_METHOD || broker.declared != 1)
        return false;
    broker.declared++;
    broker_drop();
    return true;
}

static void return_until_declared_twice_more(uint64_t tag)
{
    if (broker.declared < 4)
        broker_return(broker.ids[broker.messages - 1]);
    broker_ack(tag, false);
}

static void a_declaration_lost_with_its_connection_is_made_again(void **state)
{
    (void)state;
    broker.on_method = drop_at_second_declare;
    broker.on_message = return_until_declared_twice_more;
    start_publisher(0, 0);
    publish_all(0, 1);
    WAIT(confirmed == 1); /* log-in, lost, log-in, and once more */
    assert_int_equal(broker.declared, 4);
    assert_int_equal(broker.accepted, 2);
}

/* ---- Blocked -------------------------------------------------------------------------------- */

static void blocked_messages_are_held(void **state)
{
    (void)state;
    start_publisher(0, 0);
    WAIT(amqp_publisher_up(publisher));
    broker_blocked(true);
    broker_flush();
    WAIT(!amqp_publisher_up(publisher));
    publish_all(0, 3);
    pass_ms(100);
    assert_int_equal(broker.messages, 0);
    broker_blocked(false);
    broker_flush();
    WAIT(confirmed == 3);
    assert_int_equal(broker.accepted, 1);
}

static void blocked_past_the_deadline_is_refused(void **state)
{
    (void)state;
    broker.heartbeat = 1;
    start_publisher(0, 200);
    WAIT(amqp_publisher_up(publisher));
    broker_blocked(true);
    broker_flush();
    WAIT(!amqp_publisher_up(publisher));
    publish_all(0, 3);
    WAIT(failed == 3);
    each_was_told_once(0, 3, ERR_TIMEOUT);
    pass_ms(20);
    assert_int_equal(publish(3), ERR_UNAVAILABLE);
    pass_ms(2500); /* silence of a blocking broker is no death */
    assert_int_equal(broker.accepted, 1);
}

static void blocked_while_setting_up_is_not_missed(void **state)
{
    (void)state;
    broker.last = AMQP_CONFIRM_SELECT_OK_METHOD;
    broker_blocked(true);
    buf_append(&broker.with_last, buf_data(&broker.out), buf_len(&broker.out));
    buf_clear(&broker.out);
    start_publisher(0, 0);
    WAIT(broker.declared == 1);
    publish_all(0, 1);
    pass_ms(200);
    assert_int_equal(broker.messages, 0);
    broker_blocked(false);
    broker_flush();
    WAIT(confirmed == 1);
}

/* ---- Attempts ------------------------------------------------------------------------------- */

static void a_silent_broker_gets_one_second(void **state)
{
    uint64_t began = clock_now();

    (void)state;
    broker.silent = true;
    start_publisher(0, 0);
    WAIT(broker.accepted == 2);
    assert_in_range(clock_now() - began, 950 * NS_PER_MS, 1900 * NS_PER_MS);
    assert_int_equal(broker.closed, 1); /* one attempt at a time */
    broker.silent = false;
    publish_all(0, 1);
    WAIT(confirmed == 1);
}

static void refused_declarations_are_tried_again(void **state)
{
    (void)state;
    broker.refuse_declare = 406;
    start_publisher(0, 0);
    WAIT(broker.declared >= 3);
    assert_false(amqp_publisher_up(publisher));
    broker.refuse_declare = 0;
    publish_all(0, 1);
    WAIT(confirmed == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(nacked_messages_go_again),
        TEST(returned_messages_declare_the_queue_again),
        TEST(what_is_always_returned_is_refused),
        TEST(a_lost_connection_publishes_again_in_order),
        TEST(the_brokers_close_is_answered),
        TEST(what_never_lasts_is_not_tried_at_once),
        TEST(garbage_ends_the_connection),
        TEST(a_silent_peer_is_given_up),
        TEST(half_a_return_is_forgotten_with_its_connection),
        TEST(a_declaration_lost_with_its_connection_is_made_again),
        TEST(blocked_messages_are_held),
        TEST(blocked_past_the_deadline_is_refused),
        TEST(blocked_while_setting_up_is_not_missed),
        TEST(a_silent_broker_gets_one_second),
        TEST(refused_declarations_are_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
