/* Length-prefixed messages; see framing.h. */
#include "grpc/framing.h"

enum { FLAG_COMPRESSED = 1 };

static void begin_next(struct grpc_reader *r)
{
    if (!r->whole)
        return;
    r->whole = false;
    r->prefix_len = 0;
    r->length = 0;
    buf_clear(&r->message);
}

static size_t take_prefix(struct grpc_reader *r, const unsigned char *data, size_t len)
{
    size_t n = GRPC_PREFIX - r->prefix_len;
    n = n < len ? n : len;
    if (n)
        memcpy(r->prefix + r->prefix_len, data, n);
    r->prefix_len += (unsigned)n;
    return n;
}

static enum grpc_read judge_prefix(struct grpc_reader *r)
{
    const unsigned char *p = r->prefix;
    r->length = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
    if (p[0] & ~FLAG_COMPRESSED)
        return GRPC_READ_BAD_FLAGS;
    if (p[0])
        return GRPC_READ_COMPRESSED;
    return r->length > r->max ? GRPC_READ_TOO_LARGE : GRPC_READ_MORE;
}

static enum grpc_read take_message(struct grpc_reader *r, const unsigned char *data, size_t len,
                                   size_t *used)
{
    size_t n = r->length - buf_len(&r->message);
    n = n < len ? n : len;
    if (buf_append(&r->message, data, n) != OK)
        return GRPC_READ_NO_MEMORY;
    *used += n;
    r->whole = buf_len(&r->message) == r->length;
    return r->whole ? GRPC_READ_MESSAGE : GRPC_READ_MORE;
}

enum grpc_read grpc_reader_feed(struct grpc_reader *r, const void *data, size_t len, size_t *used)
{
    const unsigned char *bytes = data;
    *used = 0;
    begin_next(r);
    if (r->prefix_len < GRPC_PREFIX) {
        *used = take_prefix(r, bytes, len);
        if (r->prefix_len < GRPC_PREFIX)
            return GRPC_READ_MORE;
        enum grpc_read judged = judge_prefix(r);
        if (judged != GRPC_READ_MORE)
            return judged;
    }
    return take_message(r, bytes + *used, len - *used, used);
}

bool grpc_reader_at_boundary(const struct grpc_reader *r)
{
    return r->whole || r->prefix_len == 0;
}

void grpc_reader_free(struct grpc_reader *r)
{
    buf_free(&r->message);
}

int grpc_frame(struct buf *out, const void *message, uint32_t len)
{
    unsigned char prefix[GRPC_PREFIX] = {0, (unsigned char)(len >> 24), (unsigned char)(len >> 16),
                                         (unsigned char)(len >> 8), (unsigned char)len};
    if (buf_reserve(out, GRPC_PREFIX + (size_t)len) != OK)
        return ERR_NOMEM;
    buf_append(out, prefix, sizeof prefix);
    return buf_append(out, message, len);
}
