/* Frames in and out; see codec.h. */
#include "amqp/codec.h"

#include <assert.h>
#include <endian.h>

#define FRAME_END         0xCE
#define FRAME_HEAD        7  /* type, channel, size */
#define METHOD_HEAD       4  /* class and method */
#define HEADER_HEAD       12 /* class, weight, body size */
#define PROPERTY_HEAD_MIN 2  /* the flags */
#define POOL_PAGE         4096

static uint64_t get(const char *bytes, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | (unsigned char)bytes[i];
    return value;
}

static char *put(char *to, uint64_t value, size_t n)
{
    uint64_t big = htobe64(value);

    memcpy(to, (char *)&big + sizeof big - n, n);
    return to + n;
}

/* ---- In ------------------------------------------------------------------------------------- */

void codec_init(struct codec *c)
{
    init_amqp_pool(&c->pool, POOL_PAGE);
}

void codec_free(struct codec *c)
{
    empty_amqp_pool(&c->pool);
}

static int decode_method(struct codec *c, const char *payload, size_t size, struct codec_frame *out)
{
    void *decoded;

    if (size < METHOD_HEAD)
        return ERR_PROTOCOL;
    out->method = (amqp_method_number_t)get(payload, METHOD_HEAD);
    if (amqp_decode_method(out->method, &c->pool,
                           codec_bytes(payload + METHOD_HEAD, size - METHOD_HEAD), &decoded) < 0)
        return ERR_PROTOCOL;
    out->decoded = decoded;
    return OK;
}

static int decode_header(struct codec *c, const char *payload, size_t size, struct codec_frame *out)
{
    void *decoded;

    if (size < HEADER_HEAD + PROPERTY_HEAD_MIN || get(payload, 2) != AMQP_BASIC_CLASS)
        return ERR_PROTOCOL;
    out->body_size = get(payload + 4, 8);
    if (amqp_decode_properties(AMQP_BASIC_CLASS, &c->pool,
                               codec_bytes(payload + HEADER_HEAD, size - HEADER_HEAD),
                               &decoded) < 0)
        return ERR_PROTOCOL;
    out->properties = decoded;
    return OK;
}

static int decode_payload(struct codec *c, const char *payload, size_t size,
                          struct codec_frame *out)
{
    switch (out->type) {
    case AMQP_FRAME_METHOD:
        return decode_method(c, payload, size, out);
    case AMQP_FRAME_HEADER:
        return decode_header(c, payload, size, out);
    case AMQP_FRAME_BODY:
        out->body = payload;
        out->len = size;
        return OK;
    case AMQP_FRAME_HEARTBEAT:
        return size == 0 ? OK : ERR_PROTOCOL;
    }
    return ERR_PROTOCOL;
}

int codec_next(struct codec *c, const char *bytes, size_t n, struct codec_frame *out)
{
    uint64_t size;
    int rc;

    if (n < FRAME_HEAD)
        return 0;
    recycle_amqp_pool(&c->pool);
    *out = (struct codec_frame){.type = (uint8_t)bytes[0], .channel = (uint16_t)get(bytes + 1, 2)};
    size = get(bytes + 3, 4);
    /* Checked before the rest arrives: nobody makes us wait for four gigabytes. */
    if (size > CODEC_FRAME_MAX - CODEC_OVERHEAD || out->channel > CODEC_CHANNEL)
        return ERR_PROTOCOL;
    if (n < size + CODEC_OVERHEAD)
        return 0;
    if ((unsigned char)bytes[FRAME_HEAD + size] != FRAME_END)
        return ERR_PROTOCOL;
    rc = decode_payload(c, bytes + FRAME_HEAD, size, out);
    return rc ? rc : (int)size + CODEC_OVERHEAD;
}

/* ---- Out ------------------------------------------------------------------------------------ */

static char *frame_head(char *at, uint8_t type, uint16_t channel, size_t size)
{
    *at++ = (char)type;
    at = put(at, channel, 2);
    return put(at, size, 4);
}

/* Closes the frame whose payload of `size` bytes was written at the tail of `out`. */
static int frame_end(struct buf *out, uint8_t type, uint16_t channel, size_t size)
{
    char *start = buf_tail(out);

    frame_head(start, type, channel, size);
    start[FRAME_HEAD + size] = (char)FRAME_END;
    buf_added(out, size + CODEC_OVERHEAD);
    return OK;
}

int codec_method(struct buf *out, uint16_t channel, amqp_method_number_t id, const void *method)
{
    char *payload;
    int size;

    if (buf_room(out) < CODEC_PAYLOAD_MAX && buf_reserve(out, CODEC_PAYLOAD_MAX))
        return ERR_NOMEM;
    payload = put(buf_tail(out) + FRAME_HEAD, id, METHOD_HEAD);
    /* The library's signature lacks a const; it only reads. */
    size = amqp_encode_method(
        id, (void *)method, codec_bytes(payload, CODEC_PAYLOAD_MAX - CODEC_OVERHEAD - METHOD_HEAD));
    if (size < 0)
        return ERR_TOO_LARGE;
    return frame_end(out, AMQP_FRAME_METHOD, channel, METHOD_HEAD + (size_t)size);
}

int codec_heartbeat(struct buf *out)
{
    if (buf_reserve(out, CODEC_OVERHEAD))
        return ERR_NOMEM;
    return frame_end(out, AMQP_FRAME_HEARTBEAT, 0, 0);
}

static int put_header(struct buf *out, const amqp_basic_properties_t *properties,
                      uint64_t body_size)
{
    char *at;
    int size;

    if (buf_room(out) < CODEC_PAYLOAD_MAX && buf_reserve(out, CODEC_PAYLOAD_MAX))
        return ERR_NOMEM;
    at = put(buf_tail(out) + FRAME_HEAD, AMQP_BASIC_CLASS, 2);
    at = put(at, 0, 2); /* weight: not used any more, must be 0 */
    at = put(at, body_size, 8);
    size =
        amqp_encode_properties(AMQP_BASIC_CLASS, (void *)properties,
                               codec_bytes(at, CODEC_PAYLOAD_MAX - CODEC_OVERHEAD - HEADER_HEAD));
    if (size < 0)
        return ERR_TOO_LARGE;
    return frame_end(out, AMQP_FRAME_HEADER, CODEC_CHANNEL, HEADER_HEAD + (size_t)size);
}

static int put_body(struct buf *out, const char *body, size_t len, size_t frame_max)
{
    size_t most = frame_max - CODEC_OVERHEAD;

    while (len > 0) {
        size_t part = len < most ? len : most;
        if (buf_reserve(out, part + CODEC_OVERHEAD))
            return ERR_NOMEM;
        memcpy(buf_tail(out) + FRAME_HEAD, body, part);
        frame_end(out, AMQP_FRAME_BODY, CODEC_CHANNEL, part);
        body += part;
        len -= part;
    }
    return OK;
}

int codec_publish(struct buf *out, const amqp_basic_publish_t *method,
                  const amqp_basic_properties_t *properties, const char *body, size_t len,
                  size_t frame_max)
{
    size_t before = buf_len(out);
    int rc;

    assert(frame_max > CODEC_OVERHEAD);
    rc = codec_method(out, CODEC_CHANNEL, AMQP_BASIC_PUBLISH_METHOD, method);
    if (rc == OK)
        rc = put_header(out, properties, len);
    if (rc == OK)
        rc = put_body(out, body, len, frame_max);
    if (rc) /* half a message would poison the channel */
        out->end = out->start + before;
    return rc;
}
