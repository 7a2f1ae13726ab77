/*
 * A consumer beside the fake broker, and what was delivered and acknowledged: what the tests of
 * the consumer share. Deliveries are numbered by their tags; set_up and tear_down are for each
 * test.
 */
#ifndef CONSUMER_FIXTURE_H
#define CONSUMER_FIXTURE_H

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

static inline void pass_ms(uint64_t ms)
{
    uint64_t end = clock_now() + ms * NS_PER_MS;

    while (clock_now() < end)
        uv_run(&loop.uv, UV_RUN_ONCE);
}

static inline void on_tick(uv_timer_t *t)
{
    (void)t;
}

static inline void on_delivery(const struct amqp_delivery *d, void *ctx)
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

static inline void ack_at_once(const struct amqp_delivery *d)
{
    amqp_consumer_ack(consumer, d->tag);
}

/* Notes acks and subscriptions; the answers are the broker's own. */
static inline bool on_method(const struct codec_frame *frame)
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

static inline int acked_count(void)
{
    int n = 0;

    for (int i = 0; i < TAG_MAX; i++)
        n += acked[i];
    return n;
}

static inline void deliver(uint64_t from, uint64_t to)
{
    char id[32];

    for (uint64_t tag = from; tag < to; tag++) {
        snprintf(id, sizeof id, "m-%d", (int)tag);
        broker_deliver(tag, id, "xxxxx", 5);
    }
}

static inline int open_descriptors(void)
{
    DIR *all = opendir("/proc/self/fd");
    int n = 0;

    must(all);
    while (readdir(all))
        n++;
    closedir(all);
    return n;
}

static inline int set_up(void **state)
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

static inline void start_consumer(uint16_t most)
{
    char url[64];
    struct err err;
    struct amqp_consumer_options options = {.url = url, .queue = {.name = "q"}, .prefetch = most};

    snprintf(url, sizeof url, "amqp://127.0.0.1:%d", broker.port);
    consumer = amqp_consumer_new(&loop, &options, on_delivery, NULL, &err);
    assert_non_null(consumer);
}

static inline void start_and_subscribe(uint16_t most)
{
    start_consumer(most);
    WAIT(consumes == 1);
}

static inline void on_closed(void *ctx)
{
    (void)ctx;
    closed = true;
}

static inline void begin_close(struct loop_part *part)
{
    uv_close((uv_handle_t *)&tick, NULL);
    broker_stop();
    loop_part_done(part);
}

/* Ends with loop_run, which asserts that every handle is closed. */
static inline int tear_down(void **state)
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

static inline void on_cancelled(void *ctx)
{
    (void)ctx;
    assert_false(cancelled);
    cancelled = true;
}

/* Turns of the loop. */
static int turns;

static inline void on_turn(uv_check_t *check)
{
    (void)check;
    turns++;
}

#endif
