/*
 * One HTTP message as the parser built it: a request at the server, a response at the client.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/buf.h"

#include <llhttp.h>

/* Bytes inside a message; not terminated. */
struct http_span {
    const char *data;
    size_t len;
};

struct http_field {
    struct http_span name; /* lower-cased */
    struct http_span value;
};

/* Zero-initialised is empty. All spans are set when the event is HTTP_HEADERS or HTTP_MESSAGE, and
 * die with the message's next use. */
struct http_message {
    int method;              /* of a request: llhttp's number (HTTP_GET …) */
    int status;              /* of a response */
    struct http_span target; /* as sent */
    struct http_span path;   /* before '?'; of an absolute target too */
    struct http_span query;  /* behind '?', without it */
    struct http_span body;
    struct http_field *fields; /* without the trailers of a chunked body, which are dropped */
    size_t field_count;
    bool keep_alive;
    bool minor_1; /* HTTP/1.1 rather than 1.0 */
    /* private: */
    size_t field_cap;
    struct buf bytes; /* target, names and values in turn, body: as long as their spans say */
};

/* Makes ready for a new message: spans die, memory stays. */
void http_message_clear(struct http_message *m);

/* Sets all spans from their lengths, and of a request path and query: before anybody looks. */
void http_message_locate(struct http_message *m, bool request);

/* Empties, and gives the memory back. */
void http_message_free(struct http_message *m);

/* The value of a header field by its lower-case name, or NULL. Of several the first one. */
const struct http_span *http_header(const struct http_message *m, const char *name);

/* The decoded value (%XX and '+') of a query parameter into `out`, terminated. 1 found, 0 absent,
 * or ERR_INVALID for bad escapes, an encoded NUL, or a value longer than `size` - 1. The first one
 * of that name counts. */
int http_query(const struct http_message *m, const char *name, char *out, size_t size);
/* The same for one that may be there several times: `*rest` begins as m->query, and is what is left
 * to look at. */
int http_query_next(struct http_span *rest, const char *name, char *out, size_t size);

static inline bool http_span_is(struct http_span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

#endif
