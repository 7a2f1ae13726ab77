/* The form of a traceparent; see traceparent.h. */
#include "contract/traceparent.h"

#include <string.h>

enum { TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, FLAG_SAMPLED = 1 };

/* -1: no lower-case hexadecimal digit. */
static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value of `digits` of them, at most 16. */
static bool read_hex(const char *text, int digits, uint64_t *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++) {
        int d = digit(text[i]);
        if (d < 0)
            return false;
        *out = *out << 4 | (uint64_t)d;
    }
    return true;
}

/* Version 00 has this length; a later one may say more, behind a dash. ff is no version. */
static bool is_version(uint64_t version, const char *text, size_t len)
{
    if (version == 0)
        return len == TRACEPARENT_LEN;
    return version != 0xff && (len == TRACEPARENT_LEN || text[TRACEPARENT_LEN] == '-');
}

int traceparent_read(const char *text, size_t len, struct trace *out)
{
    struct trace t = {.span = 0};
    uint64_t version, flags;
    if (len < TRACEPARENT_LEN || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return ERR_INVALID;
    if (!read_hex(text, 2, &version) || !read_hex(text + TRACE_AT, 16, &t.id[0]) ||
        !read_hex(text + TRACE_AT + 16, 16, &t.id[1]) || !read_hex(text + SPAN_AT, 16, &t.parent) ||
        !read_hex(text + FLAGS_AT, 2, &flags))
        return ERR_INVALID;
    if (!is_version(version, text, len) || (t.id[0] | t.id[1]) == 0 || t.parent == 0)
        return ERR_INVALID;
    t.sampled = flags & FLAG_SAMPLED;
    *out = t;
    return OK;
}

static char *put_hex(char *p, uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *p++ = "0123456789abcdef"[value >> shift & 0xf];
    return p;
}

void traceparent_write(const struct trace *trace, char out[TRACEPARENT_SIZE])
{
    memcpy(out, "00-", 3);
    out = put_hex(put_hex(out + 3, trace->id[0]), trace->id[1]);
    *out++ = '-';
    out = put_hex(out, trace->span);
    memcpy(out, trace->sampled ? "-01" : "-00", 4);
}

void trace_id_write(const struct trace *trace, char out[TRACE_ID_SIZE])
{
    *put_hex(put_hex(out, trace->id[0]), trace->id[1]) = '\0';
}

void span_id_write(uint64_t span, char out[SPAN_ID_SIZE])
{
    *put_hex(out, span) = '\0';
}
