/*
 * The amqp room by hand: amqp_probe publish|consume URL QUEUE LIMIT [quorum]
 *
 * LIMIT is the deadline in ms of a publisher, the prefetch of a consumer. A publisher obeys
 *
 *     up                            prints "up 0|1"
 *     send NAME COUNT SIZE          publishes COUNT bodies of SIZE bytes, with the ids NAME-0,
 * NAME-1 … flood TOTAL WINDOW SIZE       see probe.h; the ids are flood-0, flood-1 … closing NAME
 * SIZE             a message whose callback closes the publisher drain prints "drained" when
 * nothing is unconfirmed
 *
 * and prints for each message "end NAME status id", or "refused NAME code". A consumer obeys
 *
 *     up                            prints "up 0|1"
 *     hold N                        from now on, finishes each N-th delivery only on "finish"
 *     finish                        finishes what was held
 *     quiet                         prints no deliveries
 *     until N                       prints "until count seconds per-second" when N were delivered
 *     cancel                        prints "cancelled"
 *
 * and prints "got id length", followed by the words redelivered, large and traced where they hold.
 */
#include "amqp/consumer.h"
#include "amqp/publisher.h"
#include "base/clock.h"
#include "base/log.h"
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_BYTES (2 * AMQP_BODY_MAX)
#define TRACEPARENT    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static struct loop loop;
static struct amqp_publisher *publisher;
static struct amqp_consumer *consumer;
static bool in_start; /* a callback now would break rule 2 of the callback law */
static char body[SIZE_MAX_BYTES];

/* ---- Publishing ----------------------------------------------------------------------------- */

static long flood_next;
static size_t flood_size;

static void on_end(int status, void *id)
{
    if (in_start)
        abort();
    probe_say("end %.*s %s %s", (int)(strrchr(id, '-') - (char *)id), (char *)id,
              status ? err_name(status) : "OK", (char *)id);
    free(id); /* told twice would be freed twice, which the sanitizer tells */
}

static void on_closing_end(int status, void *id)
{
    on_end(status, id);
    loop_stop(&loop, 0);
}

static void on_flood_end(int status, void *ctx)
{
    (void)ctx;
    probe_flood_ended(status);
}

static int publish(const char *id, size_t size, amqp_confirm_cb cb, void *ctx)
{
    const struct amqp_message message = {.body = body,
                                         .len = size,
                                         .content_type = "application/json",
                                         .message_id = id,
                                         .traceparent = TRACEPARENT,
                                         .timestamp = clock_wall_ms() / 1000};

    in_start = true;
    int rc = amqp_publish(publisher, &message, cb, ctx);
    in_start = false;
    return rc;
}

static void send_one(const char *name, long number, size_t size, amqp_confirm_cb cb)
{
    char *id;

    if (asprintf(&id, "%s-%ld", name, number) < 0)
        abort();
    int rc = publish(id, size, cb, id);
    if (rc == OK)
        return;
    probe_say("refused %s %s", name, err_name(rc));
    free(id);
}

static int flood_one(void)
{
    char id[32];

    snprintf(id, sizeof id, "flood-%ld", flood_next);
    int rc = publish(id, flood_size, on_flood_end, NULL);
    flood_next += rc == OK;
    return rc;
}

static void on_drained(void *ctx)
{
    (void)ctx;
    if (in_start)
        abort();
    probe_say("drained");
}

static size_t size_of(const char *word)
{
    size_t size = (size_t)atol(word);

    return size < SIZE_MAX_BYTES ? size : SIZE_MAX_BYTES;
}

static void obey_publisher(int count, char **words)
{
    if (strcmp(words[0], "up") == 0)
        return probe_say("up %d", amqp_publisher_up(publisher));
    if (strcmp(words[0], "drain") == 0) {
        in_start = true;
        amqp_publisher_drain(publisher, on_drained, NULL);
        in_start = false;
    } else if (strcmp(words[0], "flood") == 0 && count == 4) {
        flood_size = size_of(words[3]);
        probe_flood(atol(words[1]), atol(words[2]), flood_one);
    } else if (strcmp(words[0], "send") == 0 && count == 4) {
        for (long i = 0; i < atol(words[2]); i++)
            send_one(words[1], i, size_of(words[3]), on_end);
    } else if (strcmp(words[0], "closing") == 0 && count == 3) {
        send_one(words[1], 0, size_of(words[2]), on_closing_end);
    } else {
        probe_say("what? %s", words[0]);
    }
}

/* ---- Consuming ------------------------------------------------------------------------------ */

static struct amqp_tag held[65535];
static size_t held_count;
static long hold, delivered, wanted = -1;
static bool quiet;
static uint64_t began;

static void on_delivery(const struct amqp_delivery *d, void *ctx)
{
    (void)ctx;
    if (delivered++ == 0)
        began = clock_now();
    if (!quiet)
        probe_say("got %.*s %zu%s%s%s", (int)d->message_id_len, d->message_id, d->len,
                  d->redelivered ? " redelivered" : "", d->body_too_large ? " large" : "",
                  d->traceparent_len == strlen(TRACEPARENT) ? " traced" : "");
    if (hold && delivered % hold == 0 && held_count < sizeof held / sizeof *held)
        held[held_count++] = d->tag;
    else
        amqp_consumer_ack(consumer, d->tag);
    if (delivered == wanted)
        probe_say("until %ld %.3f %.0f", delivered, clock_seconds(began, clock_now()),
                  (double)delivered / clock_seconds(began, clock_now()));
}

static void on_cancelled(void *ctx)
{
    (void)ctx;
    if (in_start)
        abort();
    probe_say("cancelled");
}

static void obey_consumer(int count, char **words)
{
    long number = count > 1 ? atol(words[1]) : 0;

    if (strcmp(words[0], "up") == 0)
        return probe_say("up %d", amqp_consumer_up(consumer));
    if (strcmp(words[0], "hold") == 0) {
        hold = number;
    } else if (strcmp(words[0], "finish") == 0) {
        while (held_count > 0)
            amqp_consumer_ack(consumer, held[--held_count]);
    } else if (strcmp(words[0], "quiet") == 0) {
        quiet = true;
    } else if (strcmp(words[0], "until") == 0) {
        wanted = number;
    } else if (strcmp(words[0], "cancel") == 0) {
        in_start = true;
        amqp_consumer_cancel(consumer, on_cancelled, NULL);
        in_start = false;
    } else {
        probe_say("what? %s", words[0]);
    }
}

/* ---- Both ----------------------------------------------------------------------------------- */

static void on_line(int count, char **words)
{
    if (publisher)
        obey_publisher(count, words);
    else
        obey_consumer(count, words);
}

static void on_closed(void *ctx)
{
    (void)ctx;
    if (in_start)
        abort();
    probe_closed();
}

static void on_close(void)
{
    in_start = true;
    if (publisher)
        amqp_publisher_close(publisher, on_closed, NULL);
    else
        amqp_consumer_close(consumer, on_closed, NULL);
    in_start = false;
}

static bool start(char **argv, bool quorum, struct err *err)
{
    const struct amqp_queue queue = {.name = argv[3], .quorum = quorum};
    const struct amqp_publisher_options to = {
        .url = argv[2], .queue = queue, .deadline_ms = (uint32_t)atol(argv[4])};
    const struct amqp_consumer_options from = {
        .url = argv[2], .queue = queue, .prefetch = (uint16_t)atol(argv[4])};

    if (strcmp(argv[1], "publish") == 0)
        publisher = amqp_publisher_new(&loop, &to, err);
    else
        consumer = amqp_consumer_new(&loop, &from, on_delivery, NULL, err);
    return publisher || consumer;
}

int main(int argc, char **argv)
{
    static const struct probe probe = {.on_line = on_line, .on_close = on_close};
    struct err err;

    if (argc < 5 || loop_init(&loop) != OK)
        return 2;
    log_setup("amqp-probe", LOG_TEXT, LOG_INFO);
    memset(body, 'x', sizeof body);
    if (!start(argv, argc > 5, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    return probe_run(&loop, &probe);
}
