/* Answers as bytes; see response.h. */
#include "http/response.h"

#include <time.h>

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "Unknown";
}

/* "Date: …\r\n", made once a second. */
static struct http_span date_line(void)
{
    static char line[64];
    static size_t len;
    static time_t made;
    time_t now = time(NULL);
    if (now != made || !len) {
        struct tm tm;
        gmtime_r(&now, &tm);
        len = strftime(line, sizeof line, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        made = now;
    }
    return (struct http_span){line, len};
}

#define buf_literal(out, text) buf_append(out, text, sizeof(text) - 1)

static void status_line(struct buf *out, int status)
{
    if (status == 200) {
        buf_literal(out, "HTTP/1.1 200 OK\r\n");
        return;
    }
    buf_literal(out, "HTTP/1.1 ");
    buf_u64(out, (uint64_t)status);
    buf_char(out, ' ');
    buf_text(out, http_status_text(status));
    buf_literal(out, "\r\n");
}

static void optional_lines(struct buf *out, const struct http_response *r,
                           struct http_response_form form)
{
    if (r->allow) {
        buf_literal(out, "Allow: ");
        buf_text(out, r->allow);
        buf_literal(out, "\r\n");
    }
    if (r->retry_after) {
        buf_literal(out, "Retry-After: ");
        buf_u64(out, (uint64_t)r->retry_after);
        buf_literal(out, "\r\n");
    }
    if (r->headers)
        buf_text(out, r->headers);
    if (form.headers)
        buf_text(out, form.headers);
    if (form.close)
        buf_literal(out, "Connection: close\r\n");
    else if (form.keep_alive)
        buf_literal(out, "Connection: keep-alive\r\n");
}

static void body_lines(struct buf *out, const struct http_response *r, size_t len)
{
    buf_literal(out, "Content-Type: ");
    buf_text(out, r->content_type ? r->content_type : "text/plain; charset=utf-8");
    buf_literal(out, "\r\nContent-Length: ");
    buf_u64(out, len);
    buf_literal(out, "\r\n");
}

void http_response_write(struct buf *out, const struct http_response *r,
                         struct http_response_form form)
{
    struct http_span date = date_line();
    size_t len = r->take ? buf_len(r->take) : r->len;
    buf_reserve(out, 256 + (r->take || form.head ? 0 : len));
    status_line(out, r->status);
    buf_append(out, date.data, date.len);
    if (r->status != 204 && r->status != 304)
        body_lines(out, r, len);
    optional_lines(out, r, form);
    buf_literal(out, "\r\n");
    if (!form.head && !r->take)
        buf_append(out, r->body, len);
}
