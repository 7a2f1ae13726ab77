/* The scanner; see scanner.h. */
#include "http/scanner.h"

#include <ctype.h>
#include <string.h>

static void stop(struct http_scanner *s, enum http_refusal refusal)
{
    s->state = HTTP_SCAN_STOPPED;
    s->refusal = refusal;
}

void http_scanner_init(struct http_scanner *s, bool request, size_t header_limit)
{
    *s = (struct http_scanner){.request = request, .header_limit = header_limit};
}

void http_scanner_begin_trailers(struct http_scanner *s)
{
    s->state = HTTP_SCAN_FIELDS;
}

/* Keeps the end of the request line, which may come in pieces. */
static void note_version(struct http_scanner *s, const char *data, size_t n)
{
    size_t size = sizeof s->version;
    if (n > size) {
        data += n - size;
        n = size;
    }
    memmove(s->version, s->version + n, size - n);
    memcpy(s->version + size - n, data, n);
}

static void check_version(struct http_scanner *s)
{
    const char *v = s->version;
    if (memcmp(v, "HTTP/1.1", 8) == 0 || memcmp(v, "HTTP/1.0", 8) == 0)
        return;
    bool other = memcmp(v, "HTTP/", 5) == 0 && isdigit((unsigned char)v[5]) && v[6] == '.' &&
                 isdigit((unsigned char)v[7]);
    stop(s, other ? HTTP_REFUSE_VERSION : HTTP_REFUSE_SYNTAX);
}

static void end_line(struct http_scanner *s)
{
    bool empty = s->line_bytes == 0;
    s->after_cr = false;
    s->line_bytes = 0;
    if (s->state == HTTP_SCAN_FIELDS && empty) {
        s->state = HTTP_SCAN_BODY;
    } else if (s->state == HTTP_SCAN_FIRST_LINE) {
        s->state = HTTP_SCAN_FIELDS;
        if (s->request)
            check_version(s);
    }
}

/* `n` bytes more of a line, without its end. */
static void add(struct http_scanner *s, const char *data, size_t n)
{
    s->line_bytes += n;
    if (s->state == HTTP_SCAN_FIELDS) {
        s->header_bytes += n;
        if (s->header_bytes > s->header_limit)
            stop(s, HTTP_REFUSE_HEADERS_TOO_LARGE);
    } else if (n) {
        s->state = HTTP_SCAN_FIRST_LINE;
        note_version(s, data, n);
    }
}

/* Takes bytes of one line up to its CR, and that. */
static size_t scan_line(struct http_scanner *s, const char *data, size_t len)
{
    const char *cr = memchr(data, '\r', len);
    size_t n = cr ? (size_t)(cr - data) : len;
    const char *lf = memchr(data, '\n', n);
    bool folded =
        s->state == HTTP_SCAN_FIELDS && s->line_bytes == 0 && (*data == ' ' || *data == '\t');
    if (lf || folded) {
        stop(s, HTTP_REFUSE_LINE_END);
        return folded ? 0 : (size_t)(lf - data);
    }
    s->after_cr = cr;
    add(s, data, n);
    return n + s->after_cr;
}

size_t http_scanner_scan(struct http_scanner *s, const char *data, size_t len)
{
    size_t i = 0;
    while (i < len && s->state < HTTP_SCAN_BODY) {
        if (!s->after_cr) {
            i += scan_line(s, data + i, len - i);
        } else if (data[i] == '\n') {
            i++;
            end_line(s);
        } else {
            stop(s, HTTP_REFUSE_LINE_END);
        }
    }
    return i;
}
