/*
 * A publisher beside the fake broker, and what became of each message: what the tests of the
 * publisher share. A test numbers its messages from 0; set_up and tear_down are for each test.
 */
#ifndef PUBLISHER_FIXTURE_H
#define PUBLISHER_FIXTURE_H

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

static inline void on_confirm(int status, void *ctx)
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

static inline int publish_len(int number, const char *body, size_t len)
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

static inline int publish(int number)
{
    return publish_len(number, "\"hello\"", 7);
}

static inline void publish_all(int from, int to)
{
    for (int i = from; i < to; i++)
        assert_int_equal(publish(i), OK);
}

static inline void each_was_told_once(int from, int to, int status)
{
    for (int i = from; i < to; i++) {
        assert_int_equal(calls[i], 1);
        assert_int_equal(outcome[i], status);
    }
}

static inline void ack_each(uint64_t tag)
{
    broker_ack(tag, false);
}

static inline void start_publisher(size_t window, uint32_t deadline_ms)
{
    char url[64];
    struct err err;
    struct amqp_publisher_options options = {
        .url = url, .queue = {.name = "q"}, .window = window, .deadline_ms = deadline_ms};

    snprintf(url, sizeof url, "amqp://127.0.0.1:%d", broker.port);
    publisher = amqp_publisher_new(&loop, &options, &err);
    assert_non_null(publisher);
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
    broker.on_message = ack_each;
    confirmed = failed = 0;
    closed = drained = false;
    also = NULL;
    return 0;
}

static inline void on_closed(void *ctx)
{
    (void)ctx;
    closed = true;
    publisher = NULL;
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

#endif
