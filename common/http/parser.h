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

/* Why a message is refused: X(name, the status that a server answers, label of a metric). */
#define HTTP_REFUSAL_MAP(X)                                                                        \
    X(SYNTAX, 400, "syntax")                                                                       \
    X(LINE_END, 400, "line_end") /* a bare CR or LF, or obs-fold */                                \
    X(HOST, 400, "host")         /* missing, double or malformed */                                \
    X(FRAMING, 400, "framing")   /* contradicting or malformed body lengths */                     \
    X(BODY_TOO_LARGE, 413, "body_too_large")                                                       \
    X(TARGET_TOO_LONG, 414, "target_too_long")                                                     \
    X(EXPECTATION, 417, "expectation")                                                             \
    X(HEADERS_TOO_LARGE, 431, "headers_too_large")                                                 \
    X(METHOD, 501, "method")                   /* not known to llhttp */                           \
    X(TRANSFER_CODING, 501, "transfer_coding") /* other than chunked */                            \
    X(MEMORY, 503, "memory")                                                                       \
    X(VERSION, 505, "version")
enum http_refusal {
#define HTTP_REFUSAL_ENUM(name, status, label) HTTP_REFUSE_##name,
    HTTP_REFUSAL_MAP(HTTP_REFUSAL_ENUM)
#undef HTTP_REFUSAL_ENUM
        HTTP_REFUSAL_COUNT,
};
int http_refusal_status(enum http_refusal refusal);
const char *http_refusal_label(enum http_refusal refusal);

enum http_parser_type { HTTP_PARSE_REQUEST, HTTP_PARSE_RESPONSE };

struct http_parser {
    enum http_refusal refusal; /* with HTTP_ERROR */
    /* private: */
    llhttp_t llhttp;
    struct http_message *message;
    const struct http_limits *limits;
    size_t header_bytes; /* of the header lines so far, chunk extensions and trailers too */
    size_t line_bytes;   /* of the current line so far */
    char version[8];     /* the last bytes of the request line */
    bool begun;          /* a byte of the message came */
    bool first_line;     /* in the request or status line */
    bool after_cr;       /* the last byte was a CR, so the next is to be LF */
    bool in_body;        /* line ends are no matter of the scanner's now */
    bool in_trailer;     /* fields are dropped */
    bool head_complete;
    bool complete;
    bool stopped; /* by the scanner, for: */
    enum http_refusal stopped_for;
    bool failed;
    bool in_field; /* in a header field that has begun */
    bool no_body;  /* the response is one to HEAD */
    enum http_parser_type type;
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
    return !p->begun;
}
/* The head is complete, what is missing is of the body. */
static inline bool http_parser_in_body(const struct http_parser *p)
{
    return p->head_complete;
}

#endif
