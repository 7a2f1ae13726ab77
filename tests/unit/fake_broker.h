/*
 * A broker for tests, on the test's own loop: it answers what an obedient broker answers, notes
 * what it is told, and misbehaves where the test says so. Include it in one file of a test.
 *
 * The room's log-in runs on the thread pool, so that both sides wait for each other as in life.
 */
#ifndef FAKE_BROKER_H
#define FAKE_BROKER_H

#include "amqp/codec.h"
#include "amqp/content.h"
#include "loop/loop.h"

#include <stdio.h>
#include <stdlib.h>

#define BROKER_MESSAGES_MAX 4096

struct broker {
    uv_tcp_t listener;
    int port;
    /* what to do */
    bool silent;               /* takes connections, and says nothing at all */
    uint16_t heartbeat;        /* seconds, offered in tune */
    uint32_t frame_max;        /* offered in tune */
    amqp_method_number_t last; /* the answer that ends the set-up, … */
    struct buf with_last;      /* … and what is sent in one write with it */
    uint16_t refuse_declare;   /* this code instead of declare-ok */
    bool (*on_method)(const struct codec_frame *frame); /* true: do not answer it */
    void (*on_message)(uint64_t tag);                   /* a whole publish came */
    /* what happened */
    int accepted, closed; /* connections, and those that ended */
    int polite;           /* connection.close and close-ok that came */
    int declared, heartbeats;
    int unwritten; /* writes that the client has not made room for, and never will once it left */
    char ids[BROKER_MESSAGES_MAX]
            [64]; /* of the messages that came, in order, over all connections */
    int messages;
    size_t longest_body;
    /* the newest connection */
    uv_tcp_t *client;
    bool greeted;
    uint64_t tag; /* of its newest message */
    struct buf in, out;
    struct codec codec;
    struct content content;
};

static struct broker broker;

/* As assert, in every kind of build. */
static inline void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- Sending -------------------------------------------------------------------------------- */

static void broker_written(uv_write_t *write, int status)
{
    broker.unwritten -= status == 0;
    free(write->data);
    free(write);
}

/* Sends what is in broker.out, in one write. */
static void broker_flush(void)
{
    size_t n = buf_len(&broker.out);
    uv_write_t *write;
    uv_buf_t bytes;

    if (n == 0 || !broker.client)
        return;
    write = calloc(1, sizeof *write);
    bytes = uv_buf_init(malloc(n), (unsigned)n);
    must(write && bytes.base);
    memcpy(bytes.base, buf_data(&broker.out), n);
    buf_clear(&broker.out);
    broker.unwritten++;
    write->data = bytes.base;
    if (uv_write(write, (uv_stream_t *)broker.client, &bytes, 1, broker_written))
        broker_written(write, 0);
}

static void broker_put(uint16_t channel, amqp_method_number_t id, const void *method)
{
    must(codec_method(&broker.out, channel, id, method) == OK);
}

static inline void broker_ack(uint64_t tag, bool multiple)
{
    amqp_basic_ack_t ack = {.delivery_tag = tag, .multiple = multiple};

    broker_put(1, AMQP_BASIC_ACK_METHOD, &ack);
}

static inline void broker_nack(uint64_t tag, bool multiple)
{
    amqp_basic_nack_t nack = {.delivery_tag = tag, .multiple = multiple};

    broker_put(1, AMQP_BASIC_NACK_METHOD, &nack);
}

static inline void broker_blocked(bool blocked)
{
    amqp_connection_blocked_t b = {.reason = amqp_cstring_bytes("low on memory")};
    amqp_connection_unblocked_t u = {0};

    if (blocked)
        broker_put(0, AMQP_CONNECTION_BLOCKED_METHOD, &b);
    else
        broker_put(0, AMQP_CONNECTION_UNBLOCKED_METHOD, &u);
}

/* Replaces the basic.publish of `codec_publish` by another method that brings content. */
static inline void broker_content(amqp_method_number_t id, const void *method,
                                  const char *message_id, const char *body, size_t len)
{
    static const amqp_basic_publish_t publish;
    amqp_basic_properties_t properties = {._flags = AMQP_BASIC_MESSAGE_ID_FLAG,
                                          .message_id = amqp_cstring_bytes(message_id)};
    struct buf frames = {0};
    struct codec_frame first;
    int used;

    must(codec_publish(&frames, &publish, &properties, body, len, broker.frame_max) == OK);
    used = codec_next(&broker.codec, buf_data(&frames), buf_len(&frames), &first);
    must(used > 0);
    broker_put(1, id, method);
    must(buf_append(&broker.out, buf_data(&frames) + used, buf_len(&frames) - (size_t)used) == OK);
    buf_free(&frames);
}

static inline void broker_return(const char *message_id)
{
    amqp_basic_return_t m = {.reply_code = 312, .reply_text = amqp_cstring_bytes("NO_ROUTE")};

    broker_content(AMQP_BASIC_RETURN_METHOD, &m, message_id, "body", 4);
}

static inline void broker_deliver(uint64_t tag, const char *message_id, const char *body,
                                  size_t len)
{
    amqp_basic_deliver_t m = {.consumer_tag = amqp_cstring_bytes("workshop"),
                              .delivery_tag = tag,
                              .redelivered = tag % 2 == 0};

    broker_content(AMQP_BASIC_DELIVER_METHOD, &m, message_id, body, len);
}

/* ---- Receiving ------------------------------------------------------------------------------ */

static void broker_client_closed(uv_handle_t *client)
{
    free(client);
}

/* Breaks the connection without a word. */
static void broker_drop(void)
{
    if (!broker.client)
        return;
    uv_close((uv_handle_t *)broker.client, broker_client_closed);
    broker.client = NULL;
    broker.closed++;
    buf_clear(&broker.out);
}

static void broker_answer_last(amqp_method_number_t id, const void *method)
{
    broker_put(1, id, method);
    if (id == broker.last)
        buf_append(&broker.out, buf_data(&broker.with_last), buf_len(&broker.with_last));
}

static void broker_declare(void)
{
    amqp_queue_declare_ok_t ok = {.queue = amqp_cstring_bytes("q")};
    amqp_channel_close_t refusal = {.reply_code = broker.refuse_declare,
                                    .reply_text = amqp_cstring_bytes("PRECONDITION_FAILED")};

    broker.declared++;
    if (broker.refuse_declare)
        broker_put(1, AMQP_CHANNEL_CLOSE_METHOD, &refusal);
    else
        broker_put(1, AMQP_QUEUE_DECLARE_OK_METHOD, &ok);
}

static void broker_method(const struct codec_frame *frame)
{
    static const char nothing[64]; /* every …_ok without fields, and empty texts */
    amqp_connection_tune_t tune = {
        .channel_max = 100, .frame_max = broker.frame_max, .heartbeat = broker.heartbeat};

    if (broker.on_method && broker.on_method(frame))
        return;
    switch (frame->method) {
    case AMQP_CONNECTION_START_OK_METHOD:
        broker_put(0, AMQP_CONNECTION_TUNE_METHOD, &tune);
        break;
    case AMQP_CONNECTION_OPEN_METHOD:
        broker_put(0, AMQP_CONNECTION_OPEN_OK_METHOD, nothing);
        break;
    case AMQP_CHANNEL_OPEN_METHOD:
        broker_put(1, AMQP_CHANNEL_OPEN_OK_METHOD, nothing);
        break;
    case AMQP_QUEUE_DECLARE_METHOD:
        broker_declare();
        break;
    case AMQP_CONFIRM_SELECT_METHOD:
        broker_answer_last(AMQP_CONFIRM_SELECT_OK_METHOD, nothing);
        break;
    case AMQP_BASIC_QOS_METHOD:
        broker_answer_last(AMQP_BASIC_QOS_OK_METHOD, nothing);
        break;
    case AMQP_BASIC_CONSUME_METHOD:
        broker_put(1, AMQP_BASIC_CONSUME_OK_METHOD, nothing);
        break;
    case AMQP_BASIC_CANCEL_METHOD:
        broker_put(1, AMQP_BASIC_CANCEL_OK_METHOD, nothing);
        break;
    case AMQP_BASIC_PUBLISH_METHOD:
        must(content_begin(&broker.content) == OK);
        break;
    case AMQP_CONNECTION_CLOSE_METHOD:
        broker.polite++;
        broker_put(0, AMQP_CONNECTION_CLOSE_OK_METHOD, nothing);
        break;
    case AMQP_CONNECTION_CLOSE_OK_METHOD:
    case AMQP_CHANNEL_CLOSE_OK_METHOD:
        broker.polite++;
        break;
    }
}

static void broker_frame(const struct codec_frame *frame)
{
    if (frame->type == AMQP_FRAME_HEARTBEAT) {
        broker.heartbeats++;
    } else if (frame->type == AMQP_FRAME_METHOD) {
        broker_method(frame);
    } else if (content_frame(&broker.content, frame) == 1) {
        broker.tag++;
        must(broker.messages < BROKER_MESSAGES_MAX);
        snprintf(broker.ids[broker.messages++], sizeof broker.ids[0], "%.63s",
                 broker.content.message_id);
        if (broker.content.len > broker.longest_body)
            broker.longest_body = broker.content.len;
        if (broker.on_message)
            broker.on_message(broker.tag);
    }
}

static void broker_greet(void)
{
    amqp_connection_start_t start = {.version_major = 0,
                                     .version_minor = 9,
                                     .mechanisms = amqp_cstring_bytes("PLAIN"),
                                     .locales = amqp_cstring_bytes("en_US")};

    if (buf_len(&broker.in) < 8)
        return;
    must(memcmp(buf_data(&broker.in), "AMQP\0\0\x09\x01", 8) == 0);
    buf_consume(&broker.in, 8);
    broker.greeted = true;
    broker_put(0, AMQP_CONNECTION_START_METHOD, &start);
}

static void broker_input(void)
{
    struct codec_frame frame;
    int used = 0;

    if (!broker.greeted)
        broker_greet();
    while (broker.greeted && broker.client &&
           (used = codec_next(&broker.codec, buf_data(&broker.in), buf_len(&broker.in), &frame)) >
               0) {
        broker_frame(&frame);
        buf_consume(&broker.in, (size_t)used);
    }
    must(used >= 0); /* the room sends nothing garbled */
    broker_flush();
}

static void broker_alloc(uv_handle_t *client, size_t size, uv_buf_t *to)
{
    (void)client;
    must(buf_reserve(&broker.in, size) == OK);
    *to = uv_buf_init(buf_tail(&broker.in), (unsigned)buf_room(&broker.in));
}

static void broker_read(uv_stream_t *client, ssize_t n, const uv_buf_t *bytes)
{
    (void)bytes;
    if (client != (uv_stream_t *)broker.client)
        return;
    if (n < 0) {
        broker_drop();
    } else if (n > 0 && !broker.silent) {
        buf_added(&broker.in, (size_t)n);
        broker_input();
    }
}

static void broker_accept(uv_stream_t *listener, int status)
{
    must(status == 0);
    broker_drop();
    broker.client = calloc(1, sizeof *broker.client);
    must(broker.client);
    uv_tcp_init(listener->loop, broker.client);
    must(uv_accept(listener, (uv_stream_t *)broker.client) == 0);
    broker.accepted++;
    broker.greeted = false;
    broker.tag = 0;
    buf_clear(&broker.in);
    buf_clear(&broker.out);
    content_reset(&broker.content);
    uv_read_start((uv_stream_t *)broker.client, broker_alloc, broker_read);
}

/* ---- Start and end -------------------------------------------------------------------------- */

/* Listens on a port of the system's choice, or on `port`. */
static void broker_start(struct loop *loop, int port)
{
    struct sockaddr_in address;
    int size = sizeof address;

    broker = (struct broker){.frame_max = CODEC_FRAME_MAX};
    codec_init(&broker.codec);
    content_init(&broker.content, 1 << 20);
    uv_tcp_init(&loop->uv, &broker.listener);
    uv_ip4_addr("127.0.0.1", port, &address);
    must(uv_tcp_bind(&broker.listener, (struct sockaddr *)&address, 0) == 0);
    must(uv_listen((uv_stream_t *)&broker.listener, 16, broker_accept) == 0);
    uv_tcp_getsockname(&broker.listener, (struct sockaddr *)&address, &size);
    broker.port = ntohs(address.sin_port);
}

static void broker_stop(void)
{
    broker_drop();
    uv_close((uv_handle_t *)&broker.listener, NULL);
    codec_free(&broker.codec);
    content_free(&broker.content);
    buf_free(&broker.in);
    buf_free(&broker.out);
    buf_free(&broker.with_last);
}

#endif
