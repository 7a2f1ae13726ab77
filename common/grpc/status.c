/* Codes and texts of a call's end; see status.h. */
#include "grpc/status.h"

#include <nghttp2/nghttp2.h>

static const char *const names[GRPC_STATUS_COUNT] = {
#define NAME(name, number) [number] = #name,
    GRPC_STATUS_MAP(NAME)
#undef NAME
};

const char *grpc_status_name(int status)
{
    return status >= 0 && status < GRPC_STATUS_COUNT ? names[status] : names[GRPC_UNKNOWN];
}

enum grpc_status grpc_status_parse(const char *text, size_t len)
{
    unsigned number = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || i == 2)
            return GRPC_UNKNOWN;
        number = 10 * number + (unsigned)(text[i] - '0');
    }
    return len && number < GRPC_STATUS_COUNT ? (enum grpc_status)number : GRPC_UNKNOWN;
}

enum grpc_status grpc_status_of_http(int http_status)
{
    switch (http_status) {
    case 400:
        return GRPC_INTERNAL;
    case 401:
        return GRPC_UNAUTHENTICATED;
    case 403:
        return GRPC_PERMISSION_DENIED;
    case 404:
        return GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return GRPC_UNAVAILABLE;
    default:
        return GRPC_UNKNOWN;
    }
}

enum grpc_status grpc_status_of_reset(uint32_t http2_error)
{
    switch (http2_error) {
    case NGHTTP2_REFUSED_STREAM:
        return GRPC_UNAVAILABLE;
    case NGHTTP2_CANCEL:
        return GRPC_CANCELLED;
    case NGHTTP2_ENHANCE_YOUR_CALM:
        return GRPC_RESOURCE_EXHAUSTED;
    case NGHTTP2_INADEQUATE_SECURITY:
        return GRPC_PERMISSION_DENIED;
    default:
        return GRPC_INTERNAL;
    }
}

int grpc_message_encode(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c <= 0x7e && c != '%')
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
    return buf_ok(out) ? OK : ERR_NOMEM;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int grpc_message_decode(struct buf *out, const char *field, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool coded =
            field[i] == '%' && len - i > 2 && hex(field[i + 1]) >= 0 && hex(field[i + 2]) >= 0;
        buf_char(out, coded ? (char)(16 * hex(field[i + 1]) + hex(field[i + 2])) : field[i]);
        i += coded ? 2 : 0;
    }
    return buf_ok(out) ? OK : ERR_NOMEM;
}
