/*
 * Publishes or consumes through the amqp room and tells what happened, one line an event: a tool
 * for the integration tests, which run it against a real broker.
 *
 *     amqp_probe --mode publish --url amqp://… --queue q --count 1000 [--in-flight 100]
 *     amqp_probe --mode consume --url amqp://… --queue q --count 1000 [--prefetch 100]
 *
 * Lines: "published ID", "confirmed ID", "failed ID ERROR", "refused ERROR", "delivered ID LEN",
 * "cancelled", "closed", and last "lag_ms N" (the longest that the loop was away) and "done …".
 */
#include "amqp/consumer.h"
#include "amqp/publisher.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *mode, *url, *queue, *prefix;
    int64_t count, in_flight, prefetch, size, deadline, interval, hold, window;
    bool quorum, quiet, drain;
} s;

static const struct setting table[] = {
    {"mode", NULL, SETTING_TEXT, &s.mode, "publish", "what to do", .choices = "publish|consume"},
    {"url", NULL, SETTING_TEXT, &s.url, NULL, "the broker"},
    {"queue", NULL, SETTING_TEXT, &s.queue, "probe", "its queue"},
    {"prefix", NULL, SETTING_TEXT, &s.prefix, "m", "message ids begin with it"},
    {"count", NULL, SETTING_INT, &s.count, "1000", "messages", .min = 0, .max = 1e9},
    {"in-flight", NULL, SETTING_INT, &s.in_flight, "100", "unconfirmed at most", .min = 1,
     .max = 1e6},
    {"window", NULL, SETTING_INT, &s.window, "0", "of the publisher", .min = 0, .max = 1e6},
    {"prefetch", NULL, SETTING_INT, &s.prefetch, "100", "of the consumer", .min = 1, .max = 65535},
    {"size", NULL, SETTING_INT, &s.size, "128", "bytes of a body", .min = 0, .max = 2e6},
    {"deadline", NULL, SETTING_INT, &s.deadline, "2000", "ms", .min = 1, .max = 1e6},
    {"interval", NULL, SETTING_INT, &s.interval, "0", "ms between publishes", .min = 0, .max = 1e6},
    {"hold", NULL, SETTING_INT, &s.hold, "0", "finish every so many-th delivery last", .min = 0,
     .max = 1e6},
    {"quorum", NULL, SETTING_FLAG, &s.quorum, "false", "the queue's type"},
    {"quiet", NULL, SETTING_FLAG, &s.quiet, "false", "no line a message"},
    {"drain", NULL, SETTING_FLAG, &s.drain, "false", "on SIGTERM: publish no more, wait for all"},
    {NULL},
};

static struct loop loop;
static struct amqp_publisher *publisher;
static struct amqp_consumer *consumer;
static struct loop_part finish_part, close_part;
static uv_timer_t ticker, lag_timer;
static uint64_t last_tick, longest;
static int64_t begun, confirmed, failed, refused, delivered;
static uint64_t began_at;
static char *body;

/* ---- The loop's lag ------------------------------------------------------------------------- */

#define LAG_TICK_MS 2

static void on_lag_tick(uv_timer_t *t)
{
    uint64_t now = clock_now();
    uint64_t away = last_tick ? now - last_tick : 0;

    (void)t;
    last_tick = now;
    if (away > longest)
        longest = away;
}

/* ---- Publishing ----------------------------------------------------------------------------- */

struct sent {
    int64_t number;
};

static void publish_more(void);

static void on_confirm(int status, void *ctx)
{
    struct sent *sent = ctx;

    if (status == OK)
        confirmed++;
    else
        failed++;
    if (!s.quiet && status == OK)
        printf("confirmed %s-%lld\n", s.prefix, (long long)sent->number);
    else if (status)
        printf("failed %s-%lld %s\n", s.prefix, (long long)sent->number, err_name(status));
    free(sent); /* a second callback would be a double free, which the sanitizer tells */
    if (!s.interval)
        publish_more();
    if (confirmed + failed == s.count)
        loop_stop(&loop, 0);
}

static bool publish_one(void)
{
    char id[64];
    struct sent *sent = malloc(sizeof *sent);
    struct amqp_message m = {.body = body,
                             .len = (size_t)s.size,
                             .content_type = "application/json",
                             .message_id = id,
                             .traceparent =
                                 "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                             .timestamp = clock_wall_ms() / 1000};
    int rc;

    if (!sent)
        abort();
    sent->number = begun;
    snprintf(id, sizeof id, "%s-%lld", s.prefix, (long long)begun);
    rc = amqp_publish(publisher, &m, on_confirm, sent);
    if (rc) {
        free(sent);
        refused++;
        printf("refused %s\n", err_name(rc));
        return false;
    }
    begun++;
    if (!s.quiet)
        printf("published %s\n", id);
    return true;
}

static void publish_more(void)
{
    while (!loop_stopping(&loop) && begun < s.count &&
           amqp_publisher_unconfirmed(publisher) < (size_t)s.in_flight)
        if (!publish_one())
            break;
}

static void on_tick(uv_timer_t *t)
{
    (void)t;
    fflush(stdout);
    if (!publisher || loop_stopping(&loop))
        return;
    if (!s.interval)
        publish_more();
    else if (begun < s.count)
        publish_one();
}

/* ---- Consuming ------------------------------------------------------------------------------ */

static struct amqp_tag *held;
static size_t held_count;

static void release_held(void)
{
    for (size_t i = 0; i < held_count; i++)
        amqp_consumer_ack(consumer, held[i]);
    held_count = 0;
}

static void on_delivery(const struct amqp_delivery *d, void *ctx)
{
    (void)ctx;
    delivered++;
    if (!s.quiet)
        printf("delivered %.*s %zu%s%s%s\n", (int)d->message_id_len, d->message_id, d->len,
               d->redelivered ? " redelivered" : "", d->body_too_large ? " too_large" : "",
               d->traceparent_len ? " traced" : "");
    if (s.hold && delivered % s.hold == 0 && held_count < (size_t)s.prefetch / 2)
        held[held_count++] = d->tag;
    else
        amqp_consumer_ack(consumer, d->tag);
    if (delivered == s.count)
        loop_stop(&loop, 0);
}

/* ---- The program ---------------------------------------------------------------------------- */

static void on_finished(void *ctx)
{
    struct loop_part *part = ctx;

    if (consumer) {
        puts("cancelled");
        release_held();
    }
    loop_part_done(part);
}

static void begin_finish(struct loop_part *part)
{
    if (consumer)
        amqp_consumer_cancel(consumer, on_finished, part);
    else if (s.drain)
        amqp_publisher_drain(publisher, on_finished, part);
    else
        loop_part_done(part);
}

static void on_closed(void *ctx)
{
    puts("closed");
    loop_part_done(ctx);
}

static void begin_close(struct loop_part *part)
{
    uv_close((uv_handle_t *)&ticker, NULL);
    uv_close((uv_handle_t *)&lag_timer, NULL);
    if (consumer)
        amqp_consumer_close(consumer, on_closed, part);
    else
        amqp_publisher_close(publisher, on_closed, part);
}

static bool start(struct err *err)
{
    struct amqp_queue queue = {.name = s.queue, .quorum = s.quorum};

    if (s.mode[0] == 'p') {
        struct amqp_publisher_options o = {.url = s.url,
                                           .queue = queue,
                                           .window = (size_t)s.window,
                                           .deadline_ms = (uint32_t)s.deadline};
        publisher = amqp_publisher_new(&loop, &o, err);
    } else {
        struct amqp_consumer_options o = {
            .url = s.url, .queue = queue, .prefetch = (uint16_t)s.prefetch};
        consumer = amqp_consumer_new(&loop, &o, on_delivery, NULL, err);
    }
    return publisher || consumer;
}

static void report(void)
{
    double seconds = clock_seconds(began_at, clock_now());

    printf("lag_ms %.1f\n", (double)longest / NS_PER_MS - LAG_TICK_MS);
    printf("done published=%lld confirmed=%lld failed=%lld refused=%lld delivered=%lld "
           "seconds=%.3f rate=%.0f\n",
           (long long)begun, (long long)confirmed, (long long)failed, (long long)refused,
           (long long)delivered, seconds, (double)(confirmed + delivered) / seconds);
}

int main(int argc, char **argv)
{
    struct err err;
    int code;

    settings_or_exit(table, argc, argv, "amqp_probe", "Drives the amqp room.");
    log_setup("amqp_probe", LOG_TEXT, LOG_DEBUG);
    body = calloc(1, (size_t)s.size + 1);
    held = calloc((size_t)s.prefetch, sizeof *held);
    if (!body || !held || loop_init(&loop) || !start(&err)) {
        printf("error %s\n", err.text);
        return 2;
    }
    memset(body, 'x', (size_t)s.size);
    loop_on_shutdown(&loop, STAGE_FINISH, "finish", &finish_part, begin_finish);
    loop_on_shutdown(&loop, STAGE_CLOSE, "close", &close_part, begin_close);
    uv_timer_init(&loop.uv, &ticker);
    uv_timer_init(&loop.uv, &lag_timer);
    uv_timer_start(&ticker, on_tick, 0, s.interval ? (uint64_t)s.interval : 5);
    uv_timer_start(&lag_timer, on_lag_tick, LAG_TICK_MS, LAG_TICK_MS);
    began_at = clock_now();
    code = loop_run(&loop);
    report();
    free(body);
    free(held);
    return code;
}
