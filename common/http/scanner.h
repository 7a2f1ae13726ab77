/*
 * The lines of a message's head, and of the trailers behind a chunked body.
 *
 * The scanner reads each byte of them before llhttp does. It refuses what llhttp 8 lets pass (bare
 * LF, obs-fold, a request line of HTTP/0.9, 2.0 or RTSP), bounds the bytes of all header lines, and
 * stops behind the empty line: so llhttp gets no byte of the body together with the head.
 */
#ifndef HTTP_SCANNER_H
#define HTTP_SCANNER_H

#include "http/refusal.h"

#include <stdbool.h>
#include <stddef.h>

enum http_scanner_state {
    HTTP_SCAN_BEFORE,     /* waits for the first byte; empty lines do not count */
    HTTP_SCAN_FIRST_LINE, /* for the end of the request or status line */
    HTTP_SCAN_FIELDS,     /* for the empty line behind the header lines or trailers */
    HTTP_SCAN_BODY,       /* for nothing: what comes is not made of lines */
    HTTP_SCAN_STOPPED,    /* for nothing: the next byte is refused */
};

struct http_scanner {
    enum http_scanner_state state;
    enum http_refusal refusal; /* when stopped */
    bool after_cr;             /* the last byte was a CR, so the next is to be LF */
    bool request;
    char version[8];     /* the last bytes of the request line */
    size_t line_bytes;   /* of the current line so far */
    size_t header_bytes; /* of all header lines so far */
    size_t header_limit;
};

/* Begins with a message's first byte. */
void http_scanner_init(struct http_scanner *s, bool request, size_t header_limit);

/* Goes back to lines, for the trailers. */
void http_scanner_begin_trailers(struct http_scanner *s);

/* How many of the bytes are in order, up to the empty line and with it. Where it stops before that,
 * those in order should still be parsed: what is wrong with them was there earlier. */
size_t http_scanner_scan(struct http_scanner *s, const char *data, size_t len);

#endif
