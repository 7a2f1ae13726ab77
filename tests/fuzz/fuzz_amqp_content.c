/*
 * Any bytes from the broker, as far as a consumer takes them: frames put together to messages. The
 * first byte bounds what is kept of a body; a whole message must be what its frames brought.
 */
#include "amqp/content.h"

#include <stdlib.h>

/* What the frames of the present message brought, told in the simplest way. */
struct expected {
    struct buf body;
    uint64_t announced;
};

static void must_be_whole(const struct content *c, const struct expected *e)
{
    size_t kept = buf_len(&e->body) < c->limit ? buf_len(&e->body) : c->limit;
    if (buf_len(&e->body) != e->announced || c->too_large != (e->announced > c->limit))
        abort();
    if (c->len != kept || (kept && memcmp(c->body, buf_data(&e->body), kept) != 0))
        abort();
    if (c->message_id_len > CONTENT_TEXT_MAX || c->message_id[c->message_id_len] ||
        c->traceparent_len > CONTENT_TEXT_MAX || c->traceparent[c->traceparent_len])
        abort();
}

static int take(struct content *c, struct expected *e, const struct codec_frame *frame)
{
    int rc;
    if (frame->type == AMQP_FRAME_METHOD)
        return frame->method == AMQP_BASIC_DELIVER_METHOD ? content_begin(c) : 0;
    if (frame->type == AMQP_FRAME_HEARTBEAT)
        return 0;
    rc = content_frame(c, frame);
    if (rc >= 0 && frame->type == AMQP_FRAME_HEADER) {
        buf_clear(&e->body);
        e->announced = frame->body_size;
    } else if (rc >= 0 && buf_append(&e->body, frame->body, frame->len) != OK) {
        return ERR_NOMEM;
    }
    if (rc == 1)
        must_be_whole(c, e);
    return rc;
}

static void read_frames(struct content *c, const char *bytes, size_t len)
{
    struct codec codec;
    struct codec_frame frame;
    struct expected e = {0};
    int taken;
    codec_init(&codec);
    for (; (taken = codec_next(&codec, bytes, len, &frame)) > 0; bytes += taken, len -= taken) {
        if (take(c, &e, &frame) < 0)
            break;
    }
    codec_free(&codec);
    buf_free(&e.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *bytes = len ? malloc(len) : NULL; /* so that the sanitizer sees one byte too many */
    if (!bytes)
        return 0;
    memcpy(bytes, data + 1, len - 1);
    struct content c;
    content_init(&c, data[0]);
    read_frames(&c, bytes, len - 1);
    content_free(&c);
    free(bytes);
    return 0;
}
