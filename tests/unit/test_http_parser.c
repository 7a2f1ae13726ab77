/*
 * The parser from outside: bytes in, a transcript of messages and refusals out. Every case is fed
 * three times, whole, byte by byte and in threes, and must give the same transcript.
 */
#include "http/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOST "Host: a\r\n"

static void write_message(struct buf *out, enum http_parser_type type, const struct http_message *m)
{
    if (type == HTTP_PARSE_REQUEST)
        buf_printf(out, "%s %.*s", llhttp_method_name((llhttp_method_t)m->method), (int)m->path.len,
                   m->path.data);
    else
        buf_printf(out, "%d", m->status);
    if (m->query.len)
        buf_printf(out, "?%.*s", (int)m->query.len, m->query.data);
    for (size_t i = 0; i < m->field_count; i++) {
        if (!http_span_is(m->fields[i].name, "host"))
            buf_printf(out, " %.*s=%.*s", (int)m->fields[i].name.len, m->fields[i].name.data,
                       (int)m->fields[i].value.len, m->fields[i].value.data);
    }
    if (m->body.len)
        buf_printf(out, " {%.*s}", (int)m->body.len, m->body.data);
    buf_text(out, m->keep_alive ? ";" : " close;");
}

/* What the parser says to `bytes`, fed in pieces of `step`. A message of its own each time, as at
 * the server. */
static void transcript(struct buf *out, enum http_parser_type type,
                       const struct http_limits *limits, const char *bytes, size_t len, size_t step,
                       bool eof)
{
    struct http_parser p;
    struct http_message m = {0};
    http_parser_init(&p, type, limits);
    http_parser_next(&p, &m);
    enum http_event event = HTTP_NEED_MORE;
    for (size_t at = 0; at < len && event != HTTP_ERROR;) {
        size_t end = at + step < len ? at + step : len, used;
        /* a copy of its own, so that reading past a piece is seen by the address sanitizer */
        char *piece = malloc(end - at);
        memcpy(piece, bytes + at, end - at);
        event = http_parser_feed(&p, piece, end - at, &used);
        free(piece);
        assert_true(used <= end - at && (used == end - at || event != HTTP_NEED_MORE));
        at += used;
        if (event == HTTP_HEADERS)
            buf_text(out, "continue;");
        if (event != HTTP_MESSAGE)
            continue;
        write_message(out, type, &m);
        http_message_free(&m);
        http_parser_next(&p, &m);
        assert_true(http_parser_idle(&p));
    }
    if (eof && event != HTTP_ERROR) {
        event = http_parser_eof(&p);
        if (event == HTTP_MESSAGE)
            write_message(out, type, &m);
    }
    if (event == HTTP_ERROR)
        buf_printf(out, "%d %s", http_refusal_status(p.refusal), http_refusal_label(p.refusal));
    else if (!eof && !http_parser_idle(&p))
        buf_text(out, http_parser_in_body(&p) ? "more body" : "more");
    http_message_free(&m);
}

static void expect_of(enum http_parser_type type, const struct http_limits *limits,
                      const char *bytes, size_t len, bool eof, const char *expected)
{
    static const size_t steps[] = {SIZE_MAX / 2, 1, 3};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct buf out = {0};
        transcript(&out, type, limits, bytes, len, steps[i], eof);
        if (strcmp(buf_cstr(&out), expected) != 0)
            fail_msg("in steps of %zu: got \"%s\", expected \"%s\" for:\n%s", steps[i],
                     buf_cstr(&out), expected, bytes);
        buf_free(&out);
    }
}

static void expect(const char *bytes, const char *expected)
{
    expect_of(HTTP_PARSE_REQUEST, &http_limits_default, bytes, strlen(bytes), false, expected);
}

/* Well-formed requests ------------------------------------------------------------------------- */

static void test_requests(void **state)
{
    (void)state;
    expect("GET / HTTP/1.1\r\n" HOST "\r\n", "GET /;");
    expect("GET /a?b=c&d HTTP/1.1\r\n" HOST "X-Tra: A b\t \r\nEmpty:\r\n\r\n",
           "GET /a?b=c&d x-tra=A b empty=;");
    expect("HEAD / HTTP/1.0\r\n\r\n", "HEAD / close;");
    expect("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / connection=keep-alive;");
    expect("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "GET / connection=close close;");
    expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
           "POST / content-length=3 {abc};");
    expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "POST / content-length=0;");
    expect("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n\r\n", "GET /;");
    expect("GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET /;");
    expect("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /;");
}

static void test_incomplete(void **state)
{
    (void)state;
    expect("", "");
    expect("\r\n", "");
    expect("G", "more");
    expect("GET / HTTP/1.1\r\n" HOST, "more");
    expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nab", "more body");
}

static void test_targets(void **state)
{
    (void)state;
    expect("GET http://a/b/c?d HTTP/1.1\r\n" HOST "\r\n", "GET /b/c?d;");
    expect("GET http://a HTTP/1.1\r\n" HOST "\r\n", "GET /;");
    expect("GET http://a?b HTTP/1.1\r\n" HOST "\r\n", "GET /?b;");
    expect("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS *;");
    expect("CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n", "CONNECT a:80 close;");
    expect("GET /?a?b HTTP/1.1\r\n" HOST "\r\n", "GET /?a?b;");
    expect("GET /#a HTTP/1.1\r\n" HOST "\r\n", "400 syntax");
    expect("GET a HTTP/1.1\r\n" HOST "\r\n", "400 syntax");
    expect("GET * HTTP/1.1\r\n" HOST "\r\n", "400 syntax");
}

static void test_pipelined(void **state)
{
    (void)state;
    expect(
        "GET /1 HTTP/1.1\r\n" HOST "\r\n"
        "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab"
        "POST /3 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n"
        "GET /4 HTTP/1.1\r\n" HOST "\r\nGE",
        "GET /1;POST /2 content-length=2 {ab};POST /3 transfer-encoding=chunked {c};GET /4;more");
}

static void test_chunked(void **state)
{
    (void)state;
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
    expect(CHUNKED "3\r\nabc\r\n02\r\nde\r\n0\r\n\r\n",
           "POST / transfer-encoding=chunked {abcde};");
    expect(CHUNKED "1;a;b=\"c\"\r\nx\r\n0\r\n\r\n", "POST / transfer-encoding=chunked {x};");
    expect(CHUNKED "1\r\nx\r\n0\r\nTrailer: dropped\r\nB:\r\n\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n",
           "POST / transfer-encoding=chunked {x};GET /2;");
    expect(CHUNKED "0\r\n\r\n", "POST / transfer-encoding=chunked;");
    expect(CHUNKED "g\r\n", "400 framing");
    expect(CHUNKED "-1\r\n", "400 framing");
    expect(CHUNKED "ffffffffffffffffff\r\n", "400 framing");
    expect(CHUNKED "1\r\nx\r\n0\r\nA: b\n\r\n", "400 line_end");
    expect(CHUNKED "1\r\nx\r\n0\r\nA: b\r\n c\r\n\r\n", "400 line_end");
    expect(CHUNKED "1\r\nx\r\n0\r\n", "more body");
}

/* A chunk's own line ends: the exact refusal is llhttp's, and differs between its versions. */
static void test_chunk_line_ends(void **state)
{
    static const char *const bad[] = {CHUNKED "1\nx\r\n0\r\n\r\n", CHUNKED "1\r\nxy0\r\n\r\n",
                                      CHUNKED "1\r\nx\n0\r\n\r\n", CHUNKED "1\r\nx\r\n0\n\r\n",
                                      CHUNKED "1\r\nx\r\n0\r\n\n", CHUNKED "1;a\nx\r\n0\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf out = {0};
        transcript(&out, HTTP_PARSE_REQUEST, &http_limits_default, bad[i], strlen(bad[i]), 1,
                   false);
        if (strncmp(buf_cstr(&out), "400 ", 4) != 0)
            fail_msg("got \"%s\" for:\n%s", buf_cstr(&out), bad[i]);
        buf_free(&out);
    }
}

/* Upgrades are not made: the request is an ordinary one, and so is what follows. */
static void test_upgrade(void **state)
{
    (void)state;
    expect("GET /1 HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
           "GET /2 HTTP/1.1\r\n" HOST "\r\n",
           "GET /1 connection=Upgrade, HTTP2-Settings upgrade=h2c;GET /2;");
    expect("POST /1 HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n"
           "Content-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n" HOST "\r\n",
           "POST /1 connection=Upgrade upgrade=h2c content-length=2 {ab};GET /2;");
}

static void test_expect(void **state)
{
    (void)state;
    expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\nab",
           "continue;POST / content-length=2 expect=100-Continue {ab};");
    expect("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
           "1\r\nx\r\n0\r\n\r\n",
           "continue;POST / transfer-encoding=chunked expect=100-continue {x};");
    expect("POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n",
           "POST / expect=100-continue;");
    expect("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\na",
           "POST / content-length=1 expect=100-continue {a} close;");
    expect("GET / HTTP/1.1\r\n" HOST "Expect: tea\r\n\r\n", "417 expectation");
    expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n",
           "413 body_too_large");
}

/* Refusals ------------------------------------------------------------------------------------- */

static void test_line_ends(void **state)
{
    (void)state;
    expect("GET / HTTP/1.1\n" HOST "\r\n", "400 line_end");
    expect("GET / HTTP/1.1\r\nHost: a\n\r\n", "400 line_end");
    expect("GET / HTTP/1.1\r\nHost: a\r\n\n", "400 line_end");
    expect("GET / HTTP/1.1\r\n" HOST "X: a\r b\r\n\r\n", "400 line_end");
    expect("GET / HTTP/1.1\r\n" HOST "X-Abc: \rxTransfer-Encoding: chunked\r\n\r\n",
           "400 line_end");
    expect("GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", "400 line_end");
    expect("GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n", "400 line_end");
    expect("GET / HTTP/1.1\r\n " HOST "\r\n", "400 line_end");
    expect("\n", "400 line_end");
    expect("GET /\n", "400 line_end");
}

static void test_versions(void **state)
{
    (void)state;
    expect("GET /\r\n", "400 syntax");
    expect("GET / HTTP/0.9\r\n" HOST "\r\n", "505 version");
    expect("GET / HTTP/1.2\r\n" HOST "\r\n", "505 version");
    expect("GET / HTTP/2.0\r\n" HOST "\r\n", "505 version");
    expect("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 version");
    expect("GET / HTTQ/1.1\r\n" HOST "\r\n", "400 syntax");
    expect("OPTIONS / RTSP/1.0\r\n" HOST "\r\n", "400 syntax");
    expect("GET / http/1.1\r\n" HOST "\r\n", "400 syntax");
}

static void test_methods(void **state)
{
    (void)state;
    expect("BREW / HTTP/1.1\r\n" HOST "\r\n", "501 method");
    expect("get / HTTP/1.1\r\n" HOST "\r\n", "501 method");
    expect("GETX / HTTP/1.1\r\n" HOST "\r\n", "501 method");
    expect("DESCRIBE / HTTP/1.1\r\n" HOST "\r\n", "501 method");
    expect("\x16\x03\x01", "400 syntax");
    expect("{\"a\":1}", "400 syntax");
}

static void test_fields(void **state)
{
    (void)state;
    expect("GET / HTTP/1.1\r\n\r\n", "400 host");
    expect("GET / HTTP/1.1\r\n" HOST HOST "\r\n", "400 host");
    expect("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 host");
    expect("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400 host");
    expect("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 host");
    expect("GET / HTTP/1.1\r\n" HOST "A B: c\r\n\r\n", "400 syntax");
    expect("GET / HTTP/1.1\r\n" HOST "A : c\r\n\r\n", "400 syntax");
    expect("GET / HTTP/1.1\r\n" HOST ": c\r\n\r\n", "400 syntax");
    expect("GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", "400 syntax");
    static const char nul[] = "GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n";
    expect_of(HTTP_PARSE_REQUEST, &http_limits_default, nul, sizeof nul - 1, false, "400 syntax");
}

static void test_framing(void **state)
{
    (void)state;
#define POST "POST / HTTP/1.1\r\n" HOST
    expect(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "400 framing");
    expect(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", "400 framing");
    expect(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", "400 framing");
    expect(POST "Content-Length: 3, 3\r\n\r\n", "400 framing");
    expect(POST "Content-Length: +3\r\n\r\n", "400 framing");
    expect(POST "Content-Length: -3\r\n\r\n", "400 framing");
    expect(POST "Content-Length: 3 3\r\n\r\n", "400 framing");
    expect(POST "Content-Length: 0x3\r\n\r\n", "400 framing");
    expect(POST "Content-Length: 99999999999999999999\r\n\r\n", "400 framing");
    expect("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400 framing");
    expect(POST "Transfer-Encoding: gzip\r\n\r\n", "501 transfer_coding");
    expect(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", "501 transfer_coding");
    expect(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400 framing");
    expect(POST "Transfer-Encoding: identity\r\n\r\n", "501 transfer_coding");
}

static void test_limits(void **state)
{
    (void)state;
    static const struct http_limits few = {.target = 8, .headers = 40, .fields = 3, .body = 4};
#define EXPECT_FEW(bytes, expected)                                                                \
    expect_of(HTTP_PARSE_REQUEST, &few, bytes, strlen(bytes), false, expected)
    EXPECT_FEW("GET /2345678 HTTP/1.1\r\n" HOST "\r\n", "GET /2345678;");
    EXPECT_FEW("GET /23456789 HTTP/1.1\r\n" HOST "\r\n", "414 target_too_long");
    EXPECT_FEW("GET / HTTP/1.1\r\n" HOST "A: 789012345678901234567890123456\r\n\r\n",
               "GET / a=789012345678901234567890123456;");
    EXPECT_FEW("GET / HTTP/1.1\r\n" HOST "A: 7890123456789012345678901234567\r\n\r\n",
               "431 headers_too_large");
    EXPECT_FEW("GET / HTTP/1.1\r\n" HOST "A:                                 \r\n\r\n",
               "431 headers_too_large");
    EXPECT_FEW("GET / HTTP/1.1\r\n" HOST "A:\r\nB:\r\n\r\n", "GET / a= b=;");
    EXPECT_FEW("GET / HTTP/1.1\r\n" HOST "A:\r\nB:\r\nC:\r\n\r\n", "431 headers_too_large");
    EXPECT_FEW("POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nabcd",
               "POST / content-length=4 {abcd} close;");
    EXPECT_FEW("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", "413 body_too_large");
#define FEW_CHUNKED "POST / HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n"
    EXPECT_FEW(FEW_CHUNKED "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
               "POST / transfer-encoding=chunked {abcd};");
    EXPECT_FEW(FEW_CHUNKED "3\r\nabc\r\n2\r\nde\r\n", "413 body_too_large");
    EXPECT_FEW(FEW_CHUNKED "1;extension=x\r\n", "431 headers_too_large");
    EXPECT_FEW(FEW_CHUNKED "0\r\nA: trailer\r\n", "431 headers_too_large");
}

/* Responses ------------------------------------------------------------------------------------ */

static void expect_response(const char *bytes, bool eof, const char *expected)
{
    expect_of(HTTP_PARSE_RESPONSE, &http_limits_default, bytes, strlen(bytes), eof, expected);
}

static void test_responses(void **state)
{
    (void)state;
    expect_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 404 \r\n"
                    "Content-Length: 0\r\n\r\n",
                    false, "200 content-length=2 {ok};404 content-length=0;");
    expect_response("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", false,
                    "100;204;");
    expect_response("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 \r\n\r\n",
                    false, "304 content-length=9;204;");
    expect_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                    false, "200 transfer-encoding=chunked {ok};");
    expect_response("HTTP/1.1 200 OK\r\n\r\nuntil the end", true, "200 {until the end} close;");
    expect_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", true, "400 framing");
    expect_response("HTTP/1.1 20", true, "400 framing");
    expect_response("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", false, "505 version");
    expect_response("hello\r\n", false, "400 syntax");
}

static void test_no_body_after_head(void **state)
{
    static const char bytes[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    struct http_parser p;
    struct http_message m = {0};
    size_t used;
    (void)state;
    http_parser_init(&p, HTTP_PARSE_RESPONSE, &http_limits_default);
    http_parser_next(&p, &m);
    http_parser_expect_no_body(&p);
    assert_int_equal(http_parser_feed(&p, bytes, sizeof bytes - 1, &used), HTTP_MESSAGE);
    assert_int_equal(used, sizeof bytes - 1);
    assert_true(m.keep_alive);
    http_message_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),  cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_targets),   cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_chunked),   cmocka_unit_test(test_chunk_line_ends),
        cmocka_unit_test(test_upgrade),   cmocka_unit_test(test_expect),
        cmocka_unit_test(test_line_ends), cmocka_unit_test(test_versions),
        cmocka_unit_test(test_methods),   cmocka_unit_test(test_fields),
        cmocka_unit_test(test_framing),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_responses), cmocka_unit_test(test_no_body_after_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
