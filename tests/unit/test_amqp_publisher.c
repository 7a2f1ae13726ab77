/* The publisher against a broker that behaves. */
#include "publisher_fixture.h"

/* ---- What works ----------------------------------------------------------------------------- */

static void confirms_come_back(void **state)
{
    (void)state;
    start_publisher(0, 0);
    assert_false(amqp_publisher_up(publisher));
    publish_all(0, 100); /* before there is a connection */
    assert_int_equal(confirmed, 0);
    WAIT(confirmed == 100);
    assert_true(amqp_publisher_up(publisher));
    each_was_told_once(0, 100, OK);
    assert_int_equal(broker.messages, 100);
    assert_string_equal(broker.ids[0], "m-0");
    assert_string_equal(broker.ids[99], "m-99");
    assert_int_equal(broker.declared, 1);
    assert_int_equal(amqp_publisher_unconfirmed(publisher), 0);
}

static void a_message_leaves_in_the_same_turn(void **state)
{
    uint64_t began, best = UINT64_MAX;

    (void)state;
    start_publisher(0, 0);
    WAIT(amqp_publisher_up(publisher));
    for (int i = 0; i < 10; i++) {
        pass_ms(20);
        began = clock_now();
        publish_all(i, i + 1);
        WAIT(confirmed == i + 1);
        best = clock_now() - began < best ? clock_now() - began : best;
    }
    assert_true(best < 5 * NS_PER_MS); /* the loop's only other event is up to 50 ms away */
}

static void say_nothing(uint64_t tag)
{
    (void)tag;
}

static void multiple_and_unordered_confirms(void **state)
{
    (void)state;
    broker.on_message = say_nothing;
    start_publisher(0, 0);
    publish_all(0, 6);
    WAIT(broker.messages == 6);
    broker_ack(5, false);
    broker_ack(3, true);
    broker_ack(3, true);   /* said twice */
    broker_ack(99, false); /* never sent */
    broker_flush();
    WAIT(confirmed == 4);
    pass_ms(20);
    each_was_told_once(0, 3, OK);
    each_was_told_once(4, 5, OK);
    assert_int_equal(calls[3], 0);
    broker_ack(0, true); /* all */
    broker_flush();
    WAIT(confirmed == 6);
}

static void long_bodies_arrive(void **state)
{
    static char body[AMQP_BODY_MAX + 1];

    (void)state;
    broker.frame_max = 4096;
    start_publisher(0, 0);
    assert_int_equal(publish_len(0, body, AMQP_BODY_MAX), OK);
    assert_int_equal(publish_len(1, body, AMQP_BODY_MAX + 1), ERR_TOO_LARGE);
    assert_int_equal(publish_len(2, NULL, 0), OK);
    WAIT(confirmed == 2);
    assert_int_equal(broker.longest_body, AMQP_BODY_MAX);
}

static void on_drained(void *ctx)
{
    (void)ctx;
    assert_int_equal(amqp_publisher_unconfirmed(publisher), 0);
    drained = true;
}

static void drain_waits_for_all(void **state)
{
    (void)state;
    broker.on_message = say_nothing;
    start_publisher(0, 0);
    publish_all(0, 3);
    WAIT(broker.messages == 3);
    amqp_publisher_drain(publisher, on_drained, NULL);
    pass_ms(60);
    assert_false(drained);
    broker_ack(3, true);
    broker_flush();
    WAIT(drained);
    drained = false;
    amqp_publisher_drain(publisher, on_drained,
                         NULL); /* nothing to wait for: told all the same … */
    assert_false(drained);      /* … but not inside the call */
    WAIT(drained);
}

static void stop_reading_at_first(uint64_t tag)
{
    broker_ack(tag, false);
    if (tag == 1)
        uv_read_stop((uv_stream_t *)broker.client);
}

static void a_slow_reader_gets_all(void **state)
{
    static char body[AMQP_BODY_MAX];

    (void)state;
    broker.on_message = stop_reading_at_first;
    start_publisher(0, WAIT_MS);
    for (int i = 0; i < 20; i++) /* more than the kernel's buffers take */
        assert_int_equal(publish_len(i, body, sizeof body), OK);
    WAIT(confirmed == 1);
    pass_ms(200);
    assert_int_equal(broker.messages, 1);
    uv_read_start((uv_stream_t *)broker.client, broker_alloc, broker_read);
    WAIT(confirmed == 20);
}

/* ---- Limits --------------------------------------------------------------------------------- */

static void past_the_window_is_refused(void **state)
{
    static char body[AMQP_BODY_MAX];
    int n;

    (void)state;
    start_publisher(100, WAIT_MS);
    publish_all(0, 100);
    assert_int_equal(publish(100), ERR_FULL);
    WAIT(confirmed == 100);
    for (n = 0; n < 100 && publish_len(n, body, sizeof body) == OK; n++)
        continue;
    assert_int_equal(n, AMQP_WINDOW_BYTES / AMQP_BODY_MAX);
    assert_int_equal(publish_len(n, body, sizeof body), ERR_FULL);
    WAIT(confirmed == 100 + n);
}

static void long_names_are_refused(void **state)
{
    char text[257];
    struct amqp_message m = {.message_id = text};

    (void)state;
    start_publisher(0, 0);
    memset(text, 'x', 256);
    text[256] = 0;
    assert_int_equal(amqp_publish(publisher, &m, on_confirm, NULL), ERR_TOO_LARGE);
}

static void without_a_broker_the_deadline_ends_it(void **state)
{
    uint64_t began = clock_now();

    (void)state;
    broker.silent = true;
    start_publisher(0, 300);
    publish_all(0, 10);
    WAIT(failed == 10);
    assert_in_range(clock_now() - began, 290 * NS_PER_MS, 1000 * NS_PER_MS);
    each_was_told_once(0, 10, ERR_TIMEOUT);
    pass_ms(20);
    assert_int_equal(publish(10), ERR_UNAVAILABLE);
}

/* ---- Closing -------------------------------------------------------------------------------- */

static void close_fails_what_is_pending(void **state)
{
    (void)state;
    broker.on_message = say_nothing;
    start_publisher(0, 0);
    publish_all(0, 5);
    WAIT(broker.messages == 5);
    amqp_publisher_close(publisher, on_closed, NULL);
    assert_int_equal(failed, 0); /* never inside the call */
    assert_int_equal(publish(5), ERR_CLOSED);
    WAIT(closed);
    each_was_told_once(0, 5, ERR_CLOSED);
    assert_int_equal(broker.polite, 1);
}

static void close_does_not_wait_for_an_attempt(void **state)
{
    uint64_t began;

    (void)state;
    broker.silent = true;
    start_publisher(0, 0);
    publish_all(0, 2);
    WAIT(broker.accepted == 1);
    began = clock_now();
    amqp_publisher_close(publisher, on_closed, NULL);
    WAIT(closed);
    assert_true(clock_now() - began < 700 * NS_PER_MS);
    each_was_told_once(0, 2, ERR_CLOSED);
}

static void close_at_once(void **state)
{
    (void)state;
    start_publisher(0, 0);
    amqp_publisher_close(publisher, on_closed, NULL);
    WAIT(closed);
}

static bool swallow_close(const struct codec_frame *frame)
{
    return frame->method == AMQP_CONNECTION_CLOSE_METHOD;
}

static void close_does_not_wait_for_ever(void **state)
{
    uint64_t began;

    (void)state;
    broker.on_method = swallow_close;
    start_publisher(0, 0);
    WAIT(amqp_publisher_up(publisher));
    began = clock_now();
    amqp_publisher_close(publisher, on_closed, NULL);
    WAIT(closed);
    assert_in_range(clock_now() - began, 900 * NS_PER_MS, 2500 * NS_PER_MS);
}

static void close_at_second(int number, int status)
{
    (void)status;
    if (number == 1)
        amqp_publisher_close(publisher, on_closed, NULL);
}

static void closing_inside_a_confirm(void **state)
{
    (void)state;
    broker.on_message = say_nothing;
    also = close_at_second;
    start_publisher(0, 0);
    publish_all(0, 5);
    WAIT(broker.messages == 5);
    broker_ack(5, true);
    broker_flush();
    WAIT(closed);
    each_was_told_once(0, 2, OK);
    each_was_told_once(2, 5, ERR_CLOSED);
}

static void publish_next(int number, int status)
{
    assert_int_equal(status, OK);
    if (number < 499)
        assert_int_equal(publish(number + 1), OK);
}

static void publishing_inside_a_confirm(void **state)
{
    (void)state;
    also = publish_next;
    start_publisher(1, 0);
    publish_all(0, 1);
    WAIT(confirmed == 500);
    each_was_told_once(0, 500, OK);
}

static void bad_settings_are_told(void **state)
{
    struct amqp_publisher_options options = {.url = "amqp://user:secret@h:x",
                                             .queue = {"q", false}};
    struct err err;

    (void)state;
    assert_null(amqp_publisher_new(&loop, &options, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_null(strstr(err.text, "secret"));
    options.url = "amqp://h";
    options.queue.name = "";
    assert_null(amqp_publisher_new(&loop, &options, &err));
    closed = true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(confirms_come_back),
        TEST(a_message_leaves_in_the_same_turn),
        TEST(multiple_and_unordered_confirms),
        TEST(long_bodies_arrive),
        TEST(a_slow_reader_gets_all),
        TEST(drain_waits_for_all),
        TEST(past_the_window_is_refused),
        TEST(long_names_are_refused),
        TEST(without_a_broker_the_deadline_ends_it),
        TEST(close_fails_what_is_pending),
        TEST(close_does_not_wait_for_an_attempt),
        TEST(close_at_once),
        TEST(close_does_not_wait_for_ever),
        TEST(closing_inside_a_confirm),
        TEST(publishing_inside_a_confirm),
        TEST(bad_settings_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
