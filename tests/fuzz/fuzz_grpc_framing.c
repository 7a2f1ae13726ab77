/*
 * Any bytes from a gRPC peer, cut anywhere: the first byte bounds a message, the second is the size
 * of the pieces. What comes out must be what the prefixes in the bytes promise, and the same as if
 * they had come in one piece. The fields of the same bytes, too: time-out, status, text.
 */
#include "grpc/framing.h"
#include "grpc/status.h"
#include "grpc/timeout.h"

#include <stdlib.h>

static void must_be_promised(const struct grpc_reader *r, const char *at)
{
    const unsigned char *prefix = (const unsigned char *)at - r->length - GRPC_PREFIX;
    uint32_t length = (uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 |
                      (uint32_t)prefix[3] << 8 | prefix[4];
    if (prefix[0] || length != r->length || length > r->max || buf_len(&r->message) != length)
        abort();
    if (length && memcmp(buf_data(&r->message), prefix + GRPC_PREFIX, length) != 0)
        abort();
}

/* How many messages there were, and what came behind them. */
static size_t read_all(const char *bytes, size_t len, size_t piece, uint32_t max,
                       enum grpc_read *last)
{
    struct grpc_reader r = {.max = max};
    size_t messages = 0, used;
    *last = GRPC_READ_MORE;
    for (size_t at = 0; at < len && *last <= GRPC_READ_MESSAGE; at += used) {
        *last = grpc_reader_feed(&r, bytes + at, piece < len - at ? piece : len - at, &used);
        if (used > piece)
            abort();
        if (*last == GRPC_READ_MESSAGE) {
            must_be_promised(&r, bytes + at + used);
            messages++;
        }
    }
    grpc_reader_free(&r);
    return messages;
}

static void read_fields(const char *bytes, size_t len)
{
    struct buf text = {0}, back = {0};
    uint64_t ms;
    int rc = grpc_timeout_parse(bytes, len, &ms);
    if (rc == OK && ms > 99999999ULL * 3600000)
        abort();
    (void)grpc_status_parse(bytes, len);
    if (grpc_message_encode(&text, bytes, len) == OK &&
        grpc_message_decode(&back, buf_data(&text), buf_len(&text)) == OK &&
        (buf_len(&back) != len || (len && memcmp(buf_data(&back), bytes, len) != 0)))
        abort();
    buf_clear(&back);
    if (grpc_message_decode(&back, bytes, len) == OK && buf_len(&back) > len)
        abort();
    buf_free(&text);
    buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *bytes =
        len > 2 ? malloc(len - 2) : NULL; /* so that the sanitizer sees one byte too many */
    enum grpc_read whole, pieces;
    if (!bytes)
        return 0;
    memcpy(bytes, data + 2, len - 2);
    size_t messages = read_all(bytes, len - 2, len, data[0], &whole);
    if (read_all(bytes, len - 2, 1 + data[1] % 16, data[0], &pieces) != messages || pieces != whole)
        abort();
    read_fields(bytes, len - 2);
    free(bytes);
    return 0;
}
