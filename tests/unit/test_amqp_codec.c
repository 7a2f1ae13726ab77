/* Frames out and in again: whole, in parts, garbled, without memory; and messages put together. */
#include "amqp/codec.h"
#include "amqp/content.h"
#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct codec codec;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    codec_init(&codec);
    buf_clear(&out);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    codec_free(&codec);
    buf_free(&out);
    return 0;
}

static void put_method(amqp_method_number_t id, const void *method)
{
    assert_int_equal(codec_method(&out, CODEC_CHANNEL, id, method), OK);
}

static void put_ack(uint64_t tag, bool multiple)
{
    amqp_basic_ack_t ack = {.delivery_tag = tag, .multiple = multiple};

    put_method(AMQP_BASIC_ACK_METHOD, &ack);
}

static amqp_basic_properties_t with_id(const char *id, amqp_table_entry_t *header)
{
    *header = (amqp_table_entry_t){
        .key = amqp_cstring_bytes("traceparent"),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("00-trace-01")}};
    return (amqp_basic_properties_t){._flags =
                                         AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_HEADERS_FLAG |
                                         AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_TIMESTAMP_FLAG,
                                     .message_id = amqp_cstring_bytes(id),
                                     .delivery_mode = AMQP_DELIVERY_PERSISTENT,
                                     .timestamp = 1700000000,
                                     .headers = {.num_entries = 1, .entries = header}};
}

static int put_message(const char *body, size_t len, size_t frame_max)
{
    amqp_basic_publish_t method = {.routing_key = amqp_cstring_bytes("task_queue"), .mandatory = 1};
    amqp_table_entry_t header;
    amqp_basic_properties_t properties = with_id("id-1", &header);

    return codec_publish(&out, &method, &properties, body, len, frame_max);
}

/* The next frame of `out`, taken from its front. */
static struct codec_frame take(void)
{
    struct codec_frame frame;
    int used = codec_next(&codec, buf_data(&out), buf_len(&out), &frame);

    assert_true(used > 0);
    buf_consume(&out, (size_t)used);
    return frame;
}

static void what_is_encoded_decodes_again(void **state)
{
    struct codec_frame frame;
    const amqp_basic_publish_t *publish;

    (void)state;
    assert_int_equal(put_message("hello", 5, 4096), OK);
    assert_int_equal(codec_heartbeat(&out), OK);
    put_ack(UINT64_MAX - 1, true);

    frame = take();
    assert_int_equal(frame.type, AMQP_FRAME_METHOD);
    assert_int_equal(frame.channel, CODEC_CHANNEL);
    assert_int_equal(frame.method, AMQP_BASIC_PUBLISH_METHOD);
    publish = frame.decoded;
    assert_memory_equal(publish->routing_key.bytes, "task_queue", 10);
    assert_true(publish->mandatory);
    frame = take();
    assert_int_equal(frame.type, AMQP_FRAME_HEADER);
    assert_int_equal(frame.body_size, 5);
    assert_memory_equal(frame.properties->message_id.bytes, "id-1", 4);
    assert_int_equal(frame.properties->timestamp, 1700000000);
    assert_int_equal(frame.properties->headers.num_entries, 1);
    frame = take();
    assert_int_equal(frame.type, AMQP_FRAME_BODY);
    assert_int_equal(frame.len, 5);
    assert_memory_equal(frame.body, "hello", 5);
    assert_int_equal(take().type, AMQP_FRAME_HEARTBEAT);
    frame = take();
    assert_true(((const amqp_basic_ack_t *)frame.decoded)->delivery_tag == UINT64_MAX - 1);
    assert_int_equal(buf_len(&out), 0);
}

static void a_frame_in_parts_is_waited_for(void **state)
{
    struct codec_frame frame;
    size_t len;

    (void)state;
    put_ack(7, false);
    len = buf_len(&out);
    for (size_t n = 0; n < len; n++)
        assert_int_equal(codec_next(&codec, buf_data(&out), n, &frame), 0);
    assert_int_equal(codec_next(&codec, buf_data(&out), len, &frame), len);
}

static void long_bodies_are_split(void **state)
{
    enum { FRAME_MAX = 4096, LEN = 3 * (FRAME_MAX - CODEC_OVERHEAD) + 1 };
    static char body[LEN];
    struct content content;
    int rc = 0;

    (void)state;
    for (size_t i = 0; i < LEN; i++)
        body[i] = (char)(i * 7);
    assert_int_equal(put_message(body, LEN, FRAME_MAX), OK);
    take(); /* the method */
    content_init(&content, 1 << 20);
    assert_int_equal(content_begin(&content), OK);
    for (int frames = 0; rc == 0; frames++) {
        struct codec_frame frame = take();
        assert_true(frame.len <= FRAME_MAX - CODEC_OVERHEAD);
        assert_true(frames < 5);
        rc = content_frame(&content, &frame);
    }
    assert_int_equal(rc, 1);
    assert_int_equal(content.len, LEN);
    assert_memory_equal(content.body, body, LEN);
    assert_false(content.too_large);
    assert_string_equal(content.message_id, "id-1");
    assert_string_equal(content.traceparent, "00-trace-01");
    assert_int_equal(buf_len(&out), 0);
    content_free(&content);
}

static void too_large_a_body_is_cut(void **state)
{
    static char body[10000];
    struct content content;
    int rc = 0;

    (void)state;
    memset(body, 'x', sizeof body);
    content_init(&content, 100);
    for (int round = 0; round < 2; round++) { /* and the next message is not affected */
        assert_int_equal(put_message(body, round ? 100 : sizeof body, 4096), OK);
        take();
        assert_int_equal(content_begin(&content), OK);
        for (rc = 0; rc == 0;) {
            struct codec_frame frame = take();
            rc = content_frame(&content, &frame);
        }
        assert_int_equal(rc, 1);
        assert_int_equal(content.len, 100);
        assert_int_equal(content.too_large, round == 0);
        assert_true(content.kept.cap <= 4096);
    }
    content_free(&content);
}

static void an_empty_body_needs_no_frame(void **state)
{
    struct content content;
    struct codec_frame frame;

    (void)state;
    assert_int_equal(put_message(NULL, 0, 4096), OK);
    take();
    frame = take();
    content_init(&content, 100);
    assert_int_equal(content_begin(&content), OK);
    assert_int_equal(content_frame(&content, &frame), 1);
    assert_int_equal(content.len, 0);
    assert_non_null(content.body);
    assert_int_equal(buf_len(&out), 0);
    content_free(&content);
}

static void content_out_of_order_is_refused(void **state)
{
    struct content content;
    struct codec_frame header = {.type = AMQP_FRAME_HEADER, .body_size = 3};
    struct codec_frame body = {.type = AMQP_FRAME_BODY, .body = "four", .len = 4};
    amqp_basic_properties_t none = {0};

    (void)state;
    header.properties = &none;
    content_init(&content, 100);
    assert_int_equal(content_frame(&content, &header), ERR_PROTOCOL);
    assert_int_equal(content_begin(&content), OK);
    assert_int_equal(content_begin(&content), ERR_PROTOCOL);
    assert_int_equal(content_frame(&content, &body), ERR_PROTOCOL);
    assert_int_equal(content_frame(&content, &header), 0);
    assert_int_equal(content_frame(&content, &header), ERR_PROTOCOL);
    assert_int_equal(content_frame(&content, &body), ERR_PROTOCOL); /* longer than announced */
    content_free(&content);
}

static void garbage_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } garbage[] = {
#define GARBAGE(text) {text, sizeof text - 1}
        GARBAGE("HTTP/1.1 400 Bad Request\r\n"),
        GARBAGE("AMQP\0\0\x09\x01"), /* another version is spoken there */
        GARBAGE("\x01\0\2\0\0\0\x0D\0\x3C\0\x50\0\0\0\0\0\0\0\1\0\xCE"), /* a channel not opened */
        GARBAGE("\x01\0\1\0\0\0\0\xCE"),                                 /* no method at all */
        GARBAGE("\x01\0\1\xff\xff\xff\xff"),                             /* four gigabytes */
        GARBAGE("\x01\0\1\0\2\0\0"),                                     /* larger than agreed */
        GARBAGE("\x01\0\1\0\0\0\x03\0\x3c\0\xCE"),         /* no room for a method's number */
        GARBAGE("\x01\0\1\0\0\0\x04\0\x3c\0\x50\xCE"),     /* an ack without a tag */
        GARBAGE("\x01\0\1\0\0\0\x04\xff\xff\xff\xff\xCE"), /* no such method */
        GARBAGE("\x02\0\1\0\0\0\x02\0\x3c\xCE"),           /* a header that ends early */
        GARBAGE("\x03\0\1\0\0\0\x01x\xCD"),                /* a wrong end */
        GARBAGE("\x07\0\1\0\0\0\0\xCE"),                   /* no such frame */
        GARBAGE("\x08\0\0\0\0\0\1x\xCE"),                  /* a heartbeat that says something */
    };
    struct codec_frame frame;

    (void)state;
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        /* On the heap, so that the sanitizer sees a read beyond the end. */
        char *copy = malloc(garbage[i].len);
        memcpy(copy, garbage[i].bytes, garbage[i].len);
        assert_int_equal(codec_next(&codec, copy, garbage[i].len, &frame), ERR_PROTOCOL);
        free(copy);
    }
}

/* Any byte flipped: a frame, a wait or a refusal, but never a read beyond the end. */
static void flipped_bytes_do_no_harm(void **state)
{
    static char body[300];

    (void)state;
    assert_int_equal(put_message(body, sizeof body, 4096), OK);
    put_ack(1, true);
    for (int round = 0; round < 20000; round++) {
        size_t n = buf_len(&out), at = 0;
        char *copy = malloc(n);
        struct codec_frame frame;
        int used = 1;

        memcpy(copy, buf_data(&out), n);
        for (int flips = 0; flips < 3; flips++)
            copy[(size_t)random() % n] ^= (char)(1 << random() % 8);
        for (; used > 0; at += (size_t)used) {
            used = codec_next(&codec, copy + at, n - at, &frame);
            if (used <= 0)
                break;
        }
        assert_true(used == 0 || used == ERR_PROTOCOL);
        assert_true(at <= n);
        free(copy);
    }
}

static void names_too_long_are_refused_whole(void **state)
{
    static char name[5000];
    amqp_basic_publish_t method = {.routing_key = codec_bytes(name, sizeof name)};
    amqp_basic_properties_t none = {0};

    (void)state;
    put_ack(1, false);
    size_t before = buf_len(&out);
    assert_int_equal(codec_publish(&out, &method, &none, "x", 1, 4096), ERR_TOO_LARGE);
    assert_int_equal(buf_len(&out), before);
}

/* Without memory a message is there in full or not at all. */
static void half_a_message_never_stays(void **state)
{
    static char body[200000];
    bool done = false;

    (void)state;
    for (long n = 0; !done; n++) {
        size_t before;
        int rc;

        buf_free(&out);
        put_ack(1, false);
        before = buf_len(&out);
        alloc_fail_at(n);
        rc = put_message(body, sizeof body, 131072);
        done = !alloc_fail_never();
        assert_int_equal(rc, done ? OK : ERR_NOMEM);
        if (!done)
            assert_int_equal(buf_len(&out), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(what_is_encoded_decodes_again),
        TEST(a_frame_in_parts_is_waited_for),
        TEST(long_bodies_are_split),
        TEST(too_large_a_body_is_cut),
        TEST(an_empty_body_needs_no_frame),
        TEST(content_out_of_order_is_refused),
        TEST(garbage_is_refused),
        TEST(flipped_bytes_do_no_harm),
        TEST(names_too_long_are_refused_whole),
        TEST(half_a_message_never_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
