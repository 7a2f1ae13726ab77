/*
 * HTTP/1.x messages from bytes: llhttp with the limits and guards that it lacks. Knows no socket, so
 * a fuzz target is ten lines long. Used for requests by the server and for responses by the client.
 *
 *     http_parser_init(&p, HTTP_PARSE_REQUEST, &limits);
 *     while (len) {
 *         switch (http_parser_feed(&p, data, len, &used)) { … }
 *         data += used; len -= used;
 *     }
 *
 * One message at a time: feed stops behind each message's last byte (so pipelined requests come one
 * by one), and what message() returns stays valid until http_parser_next or the next feed.
 */
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include "base/buf.h"

#include <llhttp.h>

struct http_limits {
    size_t target;  /* bytes of the request target, past it 414; default 8 KiB */
    size_t headers; /* bytes of all header fields, past it 431; default 16 KiB */
    size_t fields;  /* number of header fields, past it 431; default 100 */
    size_t body;    /* bytes, chunked or not, past it 413; default 64 KiB */
};
extern const struct http_limits http_limits_default;

enum http_event {
    HTTP_NEED_MORE, /* all bytes were used; the message is not complete yet */
    HTTP_HEADERS,   /* headers are complete and a body will follow with Expect: 100-continue */
    HTTP_MESSAGE,   /* a whole message stands in `message` */
    HTTP_ERROR,     /* `status` is what a server answers (400, 413, 414, 417, 431, 501, 505); `reason` says why */
};

/* Bytes inside the parser's buffer; not terminated. */
struct http_span {
    const char *data;
    size_t len;
};

struct http_field {
    struct http_span name; /* lower-cased */
    struct http_span value;
};

struct http_message {
    int method;              /* llhttp's number (HTTP_GET …); -1 unknown */
    int status;              /* of a response */
    struct http_span target; /* as sent */
    struct http_span path;   /* before '?' */
    struct http_span query;  /* behind '?', without it */
    struct http_span body;
    const struct http_field *fields;
    size_t field_count;
    bool keep_alive;
    bool minor_1; /* HTTP/1.1 rather than 1.0 */
};

/* The parser's own state; one allocation-free init, buffers grow up to the limits and are kept. */
struct http_parser {
    llhttp_t llhttp;
    llhttp_settings_t callbacks;
    struct http_limits limits;
    struct buf bytes; /* target, header names and values, body of the current message */
    struct http_field *fields;
    size_t field_cap;
    struct http_message message; /* spans are set when the event is HTTP_HEADERS or HTTP_MESSAGE */
    int status;                  /* with HTTP_ERROR */
    const char *reason;          /* with HTTP_ERROR; static: the `reason` label of http_rejected_total */
    /* private, changed freely by parser.c */
    int state;
    size_t field_count, header_bytes, body_start;
};

enum http_parser_type { HTTP_PARSE_REQUEST, HTTP_PARSE_RESPONSE };

void http_parser_init(struct http_parser *p, enum http_parser_type type,
                      const struct http_limits *limits);

/* Feeds up to `len` bytes; `*used` says how many were taken. */
enum http_event http_parser_feed(struct http_parser *p, const char *data, size_t len, size_t *used);

/* Goes on to the next message on the connection; the current one's spans die. */
void http_parser_next(struct http_parser *p);

/* Tells a response parser that the request was HEAD, or that the connection ended: the event is HTTP_MESSAGE for a
 * body that ends with the connection, else HTTP_ERROR. */
void http_parser_expect_no_body(struct http_parser *p);
enum http_event http_parser_eof(struct http_parser *p);

/* Between messages: no byte of the next one has come. */
bool http_parser_idle(const struct http_parser *p);

void http_parser_free(struct http_parser *p);

/* The value of a header field by its lower-case name, or NULL. */
const struct http_span *http_header(const struct http_message *m, const char *name);

/* The decoded value (%XX and '+') of a query parameter into `out`. 1 found, 0 absent, or ERR_INVALID
 * for bad escapes or a value longer than `size` - 1. Terminated; an encoded NUL is ERR_INVALID. */
int http_query(const struct http_message *m, const char *name, char *out, size_t size);

static inline bool http_span_is(struct http_span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

#endif
