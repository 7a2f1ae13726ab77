/* The growing buffer; see buf.h. */
#include "base/buf.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SMALLEST = 256 };

static void move_to_front(struct buf *b)
{
    if (b->start == 0)
        return;
    memmove(b->data, b->data + b->start, buf_len(b));
    b->end -= b->start;
    b->start = 0;
}

static int grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : SMALLEST;
    while (cap < need)
        cap *= 2;
    char *data = realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return ERR_NOMEM;
    }
    b->data = data;
    b->cap = cap;
    return OK;
}

int buf_reserve(struct buf *b, size_t n)
{
    if (b->cap - b->end >= n && b->data)
        return OK;
    if (n > SIZE_MAX / 4 || b->cap > SIZE_MAX / 4) {
        b->failed = true;
        return ERR_NOMEM;
    }
    move_to_front(b);
    return b->cap - b->end >= n && b->data ? OK : grow(b, b->end + n);
}

int buf_u64(struct buf *b, uint64_t value)
{
    char digits[20];
    char *p = digits + sizeof digits;
    do
        *--p = (char)('0' + value % 10);
    while (value /= 10);
    return buf_append(b, p, (size_t)(digits + sizeof digits - p));
}

int buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    int rc = n < 0 ? ERR_INVALID : buf_reserve(b, (size_t)n + 1);
    if (rc == OK)
        b->end += (size_t)vsnprintf(buf_tail(b), (size_t)n + 1, format, again);
    va_end(again);
    return rc;
}

/* DEL is escaped as well: JSON allows it, but terminals should not be shown it. */
static bool json_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void json_ascii(struct buf *b, char c)
{
    static const char letters[] = "bfnrt\"\\", meant[] = "\b\f\n\r\t\"\\";
    const char *at = c ? strchr(meant, c) : NULL;
    if (at)
        buf_append(b, (char[]){'\\', letters[at - meant]}, 2);
    else
        buf_printf(b, "\\u%04x", (unsigned)c);
}

int buf_json_escaped(struct buf *b, const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + n;
    while (p < end) {
        const unsigned char *run = p;
        while (p < end && json_plain(*p))
            p++;
        buf_append(b, run, (size_t)(p - run));
        if (p == end)
            break;
        size_t len = utf8_sequence((const char *)p, (size_t)(end - p));
        if (len == 1)
            json_ascii(b, (char)*p);
        else
            buf_append(b, len ? (const char *)p : UTF8_REPLACEMENT,
                       len ? len : UTF8_REPLACEMENT_LEN);
        p += len ? len : 1;
    }
    return buf_ok(b) ? OK : ERR_NOMEM;
}

const char *buf_cstr(struct buf *b)
{
    if (buf_reserve(b, 1) != OK)
        return "";
    *buf_tail(b) = '\0';
    return buf_data(b);
}

void buf_consume(struct buf *b, size_t n)
{
    b->start += n;
    if (b->start == b->end)
        b->start = b->end = 0;
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}
