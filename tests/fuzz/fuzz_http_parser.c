/* Any bytes, in any pieces: the parser takes them all or refuses, and says the same as in one
 * piece. */
#include "http/parser.h"

#include <stdlib.h>

struct verdict {
    size_t messages, body_bytes;
    bool refused;
    enum http_refusal refusal;
};

static struct verdict parse(enum http_parser_type type, const char *data, size_t len, size_t piece)
{
    struct verdict v = {0};
    struct http_parser p;
    struct http_message m = {0};
    http_parser_init(&p, type, &http_limits_default);
    http_parser_next(&p, &m);
    while (len && !v.refused) {
        size_t used = 0;
        enum http_event event = http_parser_feed(&p, data, len < piece ? len : piece, &used);
        if (event == HTTP_MESSAGE) {
            v.messages++;
            v.body_bytes += m.body.len;
            http_parser_next(&p, &m);
        } else if (event == HTTP_ERROR) {
            v.refused = true;
            v.refusal = p.refusal;
        } else if (event == HTTP_NEED_MORE && used != (len < piece ? len : piece)) {
            abort();
        }
        data += used;
        len -= used;
    }
    http_message_free(&m);
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    enum http_parser_type type = data[0] & 1 ? HTTP_PARSE_RESPONSE : HTTP_PARSE_REQUEST;
    size_t piece = 1 + (data[0] >> 1);
    struct verdict whole = parse(type, (const char *)data + 1, len - 1, len);
    struct verdict pieces = parse(type, (const char *)data + 1, len - 1, piece);
    if (whole.messages != pieces.messages || whole.body_bytes != pieces.body_bytes ||
        whole.refused != pieces.refused)
        abort();
    return 0;
}
