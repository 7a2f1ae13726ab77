/* The consumer against a broker that behaves, and one that does not. */
#include "amqp/consumer.h"
#include "base/clock.h"
#include "base/log.h"
#include "fake_broker.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS                                                                                    \
    20000 /* what goes wrong never comes; what goes right is waited for on a busy machine */
#define TAG_MAX 4096

static struct loop loop;
static struct amqp_consumer *consumer;
static uv_timer_t tick; /* lets WAIT look at the clock */
static bool closed, cancelled;
static struct loop_part close_part;
static int descriptors; /* open after the first test: libuv keeps some for the process */

/* What was delivered. */
static struct amqp_tag tags[TAG_MAX];
static char ids[TAG_MAX][64];
static size_t lengths[TAG_MAX];
static int delivered;
static bool too_large, redelivered;
static void (*also)(const struct amqp_delivery *d);

/* What the broker was told. */
static bool acked[TAG_MAX];
static int ack_frames, consumes, prefetch;

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

static void on_delivery(const struct amqp_delivery *d, void *ctx)
{
    (void)ctx;
    must(delivered < TAG_MAX);
    tags[delivered] = d->tag;
    lengths[delivered] = d->len;
    memcpy(ids[delivered], d->message_id, d->message_id_len);
    ids[delivered][d->message_id_len] = 0;
    too_large = d->body_too_large;
    redelivered = d->redelivered;
    for (size_t i = 0; i < d->len; i++)
        must(d->body[i] == 'x');
    delivered++;
    if (also)
        also(d);
}

static void ack_at_once(const struct amqp_delivery *d)
{
    amqp_consumer_ack(consumer, d->tag);
}

/* Notes acks and subscriptions; the answers are the broker's own. */
static bool on_method(const struct codec_frame *frame)
{
    const amqp_basic_ack_t *ack = frame->decoded;

    if (frame->method == AMQP_BASIC_CONSUME_METHOD)
        consumes++;
    if (frame->method == AMQP_BASIC_QOS_METHOD)
        prefetch = ((const amqp_basic_qos_t *)frame->decoded)->prefetch_count;
    if (frame->method != AMQP_BASIC_ACK_METHOD)
        return false;
    ack_frames++;
    for (uint64_t tag = ack->multiple ? 1 : ack->delivery_tag; tag <= ack->delivery_tag; tag++)
        acked[tag] = true;
    return true;
}

static int acked_count(void)
{
    int n = 0;

    for (int i = 0; i < TAG_MAX; i++)
        n += acked[i];
    return n;
}

static void deliver(uint64_t from, uint64_t to)
{
    char id[32];

    for (uint64_t tag = from; tag < to; tag++) {
        snprintf(id, sizeof id, "m-%d", (int)tag);
        broker_deliver(tag, id, "xxxxx", 5);
    }
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
    broker.on_method = on_method;
    memset(acked, 0, sizeof acked);
    ack_frames = consumes = delivered = prefetch = 0;
    closed = cancelled = false;
    also = NULL;
    return 0;
}

static void start_consumer(uint16_t most)
{
    char url[64];
    struct err err;
    struct amqp_consumer_options options = {.url = url, .queue = {.name = "q"}, .prefetch = most};

    snprintf(url, sizeof url, "amqp://127.0.0.1:%d", broker.port);
    consumer = amqp_consumer_new(&loop, &options, on_delivery, NULL, &err);
    assert_non_null(consumer);
}

static void start_and_subscribe(uint16_t most)
{
    start_consumer(most);
    WAIT(consumes == 1);
}

static void on_closed(void *ctx)
{
    (void)ctx;
    closed = true;
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
    if (!closed)
        amqp_consumer_close(consumer, on_closed, NULL);
    WAIT(closed);
    loop_on_shutdown(&loop, STAGE_CLOSE, "test", &close_part, begin_close);
    loop_stop(&loop, 0);
    assert_int_equal(loop_run(&loop), 0);
    descriptors = descriptors ? descriptors : open_descriptors();
    assert_int_equal(open_descriptors(), descriptors);
    return 0;
}

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

static int turns;

static void on_turn(uv_check_t *check)
{
    (void)check;
    turns++;
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

/* ---- Back-pressure -------------------------------------------------------------------------- */

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

/* ---- Ends ----------------------------------------------------------------------------------- */

static void on_cancelled(void *ctx)
{
    (void)ctx;
    assert_false(cancelled);
    cancelled = true;
}

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
        TEST(a_paused_one_reads_nothing),
        TEST(a_paused_one_does_not_spin),
        TEST(a_paused_one_lives_on_without_signs_of_life),
        TEST(a_paused_one_connects_again_and_stays_paused),
        TEST(a_paused_one_is_cancelled_at_once),
        TEST(a_pause_ends_the_wait_for_the_cancel),
        TEST(a_paused_one_closes_politely),
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
