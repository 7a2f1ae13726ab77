/*
 * The wire format of Protocol Buffers, written straight into a buffer
 * (protobuf.dev/programming-guides/encoding). A field is a tag, which tells its number and how its
 * value is written, and the value. A message within a message has its length before it, which is
 * known at its end only:
 *
 *     struct wire_message m = wire_begin(out, WIRE_MESSAGE(4));
 *     wire_double(out, WIRE_DOUBLE(1), 0.5);
 *     wire_end(out, m);
 *
 * An append that finds no memory writes nothing; see buf_ok.
 */
#ifndef METRICS_WIRE_H
#define METRICS_WIRE_H

#include "base/buf.h"

/* Tags, by the number of the field. */
#define WIRE_VARINT(field)  ((field) << 3)
#define WIRE_DOUBLE(field)  ((field) << 3 | 1)
#define WIRE_MESSAGE(field) ((field) << 3 | 2) /* texts as well */

enum { WIRE_VARINT_MAX = 10 }; /* bytes */

static inline unsigned wire_put_varint(char *to, uint64_t n)
{
    unsigned len = 0;
    for (; n >= 0x80; n >>= 7)
        to[len++] = (char)(n | 0x80);
    to[len++] = (char)n;
    return len;
}

static inline void wire_varint(struct buf *out, uint64_t n)
{
    if (buf_room(out) >= WIRE_VARINT_MAX || buf_reserve(out, WIRE_VARINT_MAX) == OK)
        out->end += wire_put_varint(buf_tail(out), n);
}

static inline void wire_u64(struct buf *out, unsigned tag, uint64_t n)
{
    wire_varint(out, tag);
    wire_varint(out, n);
}

/* sint32 and sint64: those near 0 are short, whatever their sign. */
static inline void wire_sint(struct buf *out, unsigned tag, int64_t n)
{
    wire_u64(out, tag, (uint64_t)n << 1 ^ (uint64_t)(n >> 63));
}

static inline void wire_put_double(char *to, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bits = __builtin_bswap64(bits);
#endif
    memcpy(to, &bits, sizeof bits);
}

static inline void wire_double(struct buf *out, unsigned tag, double value)
{
    char bytes[sizeof value];
    wire_put_double(bytes, value);
    wire_varint(out, tag);
    buf_append(out, bytes, sizeof bytes);
}

static inline void wire_text(struct buf *out, unsigned tag, const char *text)
{
    size_t len = strlen(text);
    wire_u64(out, tag, len);
    buf_append(out, text, len);
}

/* Where a message begins, and the bytes set aside for its length. */
struct wire_message {
    size_t at;
    unsigned width;
};

/* Without a tag, as in a stream of messages. `width` is a guess: a wrong one moves the message. */
static inline struct wire_message wire_begin_bare(struct buf *out, unsigned width)
{
    static const char zeros[WIRE_VARINT_MAX];
    buf_append(out, zeros, width);
    return (struct wire_message){buf_len(out), width};
}

static inline struct wire_message wire_begin(struct buf *out, unsigned tag)
{
    wire_varint(out, tag);
    return wire_begin_bare(out, 1);
}

static inline void wire_end(struct buf *out, struct wire_message m)
{
    char length[WIRE_VARINT_MAX];
    size_t len = buf_len(out) - m.at;
    unsigned width = wire_put_varint(length, len);
    if (!buf_ok(out) || (width > m.width && buf_reserve(out, width - m.width) != OK))
        return;
    char *message = buf_data(out) + m.at;
    if (width != m.width)
        memmove(message - m.width + width, message, len);
    memcpy(message - m.width, length, width);
    out->end = out->end - m.width + width;
}

#endif
