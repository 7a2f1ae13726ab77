/* The publisher against a broker that behaves, and one that does not. */
#include "amqp/publisher.h"
#include "base/clock.h"
#include "base/log.h"
#include "fake_broker.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WAIT_MS                                                                                    \
    20000 /* what goes wrong never comes; what goes right is waited for on a busy machine */

static struct loop loop;
static struct amqp_publisher *publisher;
static uv_timer_t tick; /* lets WAIT look at the clock */
static bool closed, drained;
static struct loop_part close_part;
static int descriptors; /* open after the first test: libuv keeps some for the process */

/* What a message's callback said, by number. */
static int outcome[BROKER_MESSAGES_MAX], calls[BROKER_MESSAGES_MAX];
static int confirmed, failed, last_confirmed;
static void (*also)(int number, int status);

#define WAIT(condition)                                                                            \
    do {                                                                                           \
        uint64_t end = clock_now() + WAIT_MS * NS_PER_MS;                                          \
        while (!(condition) && clock_now() < end)                                                  \
            uv_run(&loop.uv, UV_RUN_ONCE);                                                         \
        assert_true(condition);                                                                    \
    } while (0)

static void pass_ms(uint64_t ms)
{
    uint64_t end = clock_now() + ms * NS_PER_MS;

    while (clock_now() < end)
        uv_run(&loop.uv, UV_RUN_ONCE);
}

static void on_tick(uv_timer_t *t)
{
    (void)t;
}

static void on_confirm(int status, void *ctx)
{
    int number = (int)(intptr_t)ctx;

    outcome[number] = status;
    calls[number]++;
    confirmed += status == OK;
    failed += status != OK;
    last_confirmed = number;
    if (also)
        also(number, status);
}

static int publish_len(int number, const char *body, size_t len)
{
    char id[32];
    struct amqp_message m = {.body = body,
                             .len = len,
                             .message_id = id,
                             .content_type = "application/json",
                             .timestamp = 1};

    snprintf(id, sizeof id, "m-%d", number);
    outcome[number] = 1;
    calls[number] = 0;
    return amqp_publish(publisher, &m, on_confirm, (void *)(intptr_t)number);
}

static int publish(int number)
{
    return publish_len(number, "\"hello\"", 7);
}

static void publish_all(int from, int to)
{
    for (int i = from; i < to; i++)
        assert_int_equal(publish(i), OK);
}

static void each_was_told_once(int from, int to, int status)
{
    for (int i = from; i < to; i++) {
        assert_int_equal(calls[i], 1);
        assert_int_equal(outcome[i], status);
    }
}

static void ack_each(uint64_t tag)
{
    broker_ack(tag, false);
}

static void start_publisher(size_t window, uint32_t deadline_ms)
{
    char url[64];
    struct err err;
    struct amqp_publisher_options options = {
        .url = url, .queue = {.name = "q"}, .window = window, .deadline_ms = deadline_ms};

    snprintf(url, sizeof url, "amqp://127.0.0.1:%d", broker.port);
    publisher = amqp_publisher_new(&loop, &options, &err);
    assert_non_null(publisher);
}

static int open_descriptors(void)
{
    DIR *all = opendir("/proc/self/fd");
    int n = 0;

    must(all);
    while (readdir(all))
        n++;
    closedir(all);
    return n;
}

static int set_up(void **state)
{
    (void)state;
    log_setup("test", LOG_TEXT, LOG_ERROR);
    assert_int_equal(loop_init(&loop), OK);
    uv_timer_init(&loop.uv, &tick);
    uv_timer_start(&tick, on_tick, 50, 50);
    broker_start(&loop, 0);
    broker.on_message = ack_each;
    confirmed = failed = 0;
    closed = drained = false;
    also = NULL;
    return 0;
}

static void on_closed(void *ctx)
{
    (void)ctx;
    closed = true;
    publisher = NULL;
}

static void begin_close(struct loop_part *part)
{
    uv_close((uv_handle_t *)&tick, NULL);
    broker_stop();
    loop_part_done(part);
}

/* Ends with loop_run, which asserts that every handle is closed. */
static int tear_down(void **state)
{
    (void)state;
    if (publisher && !closed)
        amqp_publisher_close(publisher, on_closed, NULL);
    WAIT(closed);
    loop_on_shutdown(&loop, STAGE_CLOSE, "test", &close_part, begin_close);
    loop_stop(&loop, 0);
    assert_int_equal(loop_run(&loop), 0);
    descriptors = descriptors ? descriptors : open_descriptors();
    assert_int_equal(open_descriptors(), descriptors);
    return 0;
}

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
