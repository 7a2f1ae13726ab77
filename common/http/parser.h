/*
 * HTTP/1.x messages from bytes: llhttp with the limits and guards that it lacks. Knows no socket,
 * so a fuzz target is ten lines long. Used for requests by the server and for responses by the
 * client.
 *
 *     struct http_message m = {0};
 *     http_parser_init(&p, HTTP_PARSE_REQUEST, &http_limits_default);
 *     http_parser_next(&p, &m);
 *     while (len) {
 *         switch (http_parser_feed(&p, data, len, &used)) { … }   // HTTP_MESSAGE: m is complete
 *         data += used; len -= used;
 *     }
 *     http_message_free(&m);
 *
 * One message at a time: feed stops behind each message's last byte, so pipelined requests come one
 * by one. A message owns its bytes and is filled anew by http_parser_next, which may take the same
 * one or another: so a request outlives the parser's stay with it, and no byte is copied twice.
 */
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include "http/message.h"
#include "http/refusal.h"
#include "http/scanner.h"

struct http_limits {
    size_t target;  /* bytes of the request target, past it 414; default 8 KiB */
    size_t headers; /* bytes of all header lines and trailers, past it 431; default 16 KiB */
    size_t fields;  /* number of header fields, past it 431; default 100 */
    size_t body;    /* bytes, chunked or not, past it 413; default 64 KiB */
};
extern const struct http_limits http_limits_default;

/* `limits` with zeroes replaced by the defaults. */
struct http_limits http_limits_or_default(struct http_limits limits);

enum http_event {
    HTTP_NEED_MORE, /* all bytes were used; the message is not complete yet */
    HTTP_HEADERS,   /* the head is complete, and the sender of the body waits for 100 Continue */
    HTTP_MESSAGE,   /* the message is complete */
    HTTP_ERROR,     /* the bytes are no message; `refusal` says why. Feed no more */
};

enum http_parser_type { HTTP_PARSE_REQUEST, HTTP_PARSE_RESPONSE };

struct http_parser {
    enum http_refusal refusal; /* with HTTP_ERROR */
    /* private: */
    enum http_parser_type type;
    llhttp_t llhttp;
    struct http_scanner scanner;
    struct http_message *message;
    const struct http_limits *limits;
    bool in_field;   /* a field has begun that is not counted yet */
    bool in_trailer; /* fields are dropped */
    bool head_complete;
    bool complete;
    bool failed;
    bool no_body; /* the response is one to HEAD */
};

/* `limits` (none of them 0) must outlive the parser. Allocates nothing; http_parser_next comes
 * before the first feed. */
void http_parser_init(struct http_parser *p, enum http_parser_type type,
                      const struct http_limits *limits);

/* Goes on to the next message on the connection, to be built in `message`, whose spans die. */
void http_parser_next(struct http_parser *p, struct http_message *message);

/* Feeds up to `len` bytes; `*used` says how many were taken. */
enum http_event http_parser_feed(struct http_parser *p, const char *data, size_t len,
                                 size_t *used) MUST_CHECK;

/* Tells a response parser, after next, that the request was HEAD. */
void http_parser_expect_no_body(struct http_parser *p);

/* The connection ended: HTTP_MESSAGE where that ends a response's body, else HTTP_ERROR. */
enum http_event http_parser_eof(struct http_parser *p) MUST_CHECK;

/* Between messages: no byte of the next one has come (but for empty lines, which do not count). */
static inline bool http_parser_idle(const struct http_parser *p)
{
    return p->scanner.state == HTTP_SCAN_BEFORE;
}
/* The head is complete, what is missing is of the body. */
static inline bool http_parser_in_body(const struct http_parser *p)
{
    return p->head_complete;
}

#endif
