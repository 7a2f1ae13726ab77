/*
 * The parser; see parser.h.
 *
 * Two readers look at each byte of a head: the scanner, which knows lines, and then llhttp, which
 * knows the grammar. Of a body only llhttp does; the trailers of a chunked one are lines again.
 *
 * The message's bytes are target, names and values without gaps, so that lengths alone are noted
 * while the buffer may still move; http_message_locate turns them into spans.
 */
#include "http/parser.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

const struct http_limits http_limits_default = {
    .target = 8 * 1024, .headers = 16 * 1024, .fields = 100, .body = 64 * 1024};

struct http_limits http_limits_or_default(struct http_limits l)
{
    const struct http_limits *d = &http_limits_default;
    return (struct http_limits){.target = l.target ? l.target : d->target,
                                .headers = l.headers ? l.headers : d->headers,
                                .fields = l.fields ? l.fields : d->fields,
                                .body = l.body ? l.body : d->body};
}

/* Refusals ------------------------------------------------------------------------------------- */

/* The first refusal stands. For use in llhttp's callbacks, whose -1 stops it. */
static int refuse(struct http_parser *p, enum http_refusal refusal)
{
    if (!p->failed)
        p->refusal = refusal;
    p->failed = true;
    return -1;
}

static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static enum http_refusal refusal_of(const struct http_parser *p, llhttp_errno_t rc, char at)
{
    switch (rc) {
    case HPE_INVALID_METHOD: /* where a TLS greeting lands as well, which is no method at all */
        return is_token_char(at) ? HTTP_REFUSE_METHOD : HTTP_REFUSE_SYNTAX;
    case HPE_INVALID_CONSTANT: /* RTSP's methods over HTTP, and anything but "HTTP/" */
        return p->llhttp.method >= HTTP_PRI && p->llhttp.method <= HTTP_FLUSH ? HTTP_REFUSE_METHOD
                                                                              : HTTP_REFUSE_SYNTAX;
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
        return HTTP_REFUSE_VERSION;
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_INVALID_CHUNK_SIZE:
    case HPE_INVALID_TRANSFER_ENCODING:
        return HTTP_REFUSE_FRAMING;
    case HPE_LF_EXPECTED:
    case HPE_CR_EXPECTED:
        return HTTP_REFUSE_LINE_END;
    default:
        return HTTP_REFUSE_SYNTAX;
    }
}

/* llhttp's callbacks: the message -------------------------------------------------------------- */

static int append(struct http_parser *p, struct http_span *span, const char *at, size_t n)
{
    if (buf_append(&p->message->bytes, at, n) != OK)
        return refuse(p, HTTP_REFUSE_MEMORY);
    span->len += n;
    return 0;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t n)
{
    struct http_parser *p = llhttp->data;
    if (p->message->target.len + n > p->limits->target)
        return refuse(p, HTTP_REFUSE_TARGET_TOO_LONG);
    return append(p, &p->message->target, at, n);
}

static int grow_fields(struct http_parser *p)
{
    struct http_message *m = p->message;
    size_t cap = m->field_cap ? 2 * m->field_cap : 16;
    struct http_field *fields = realloc(m->fields, cap * sizeof *fields);
    if (!fields)
        return refuse(p, HTTP_REFUSE_MEMORY);
    m->fields = fields;
    m->field_cap = cap;
    return 0;
}

/* The field that is being received lies behind the complete ones. */
static int on_header_field(llhttp_t *llhttp, const char *at, size_t n)
{
    struct http_parser *p = llhttp->data;
    struct http_message *m = p->message;
    if (p->in_trailer)
        return 0;
    if (m->field_count == p->limits->fields)
        return refuse(p, HTTP_REFUSE_HEADERS_TOO_LARGE);
    if (m->field_count == m->field_cap && grow_fields(p) < 0)
        return -1;
    struct http_field *field = &m->fields[m->field_count];
    if (!p->in_field)
        *field = (struct http_field){0};
    p->in_field = true;
    if (append(p, &field->name, at, n) < 0)
        return -1;
    for (size_t i = m->bytes.end - n; i < m->bytes.end; i++) {
        char *c = &m->bytes.data[i];
        *c = *c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c;
    }
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t n)
{
    struct http_parser *p = llhttp->data;
    if (p->in_trailer)
        return 0;
    if (!p->in_field)
        return refuse(p, HTTP_REFUSE_SYNTAX);
    return append(p, &p->message->fields[p->message->field_count].value, at, n);
}

static int on_header_value_complete(llhttp_t *llhttp)
{
    struct http_parser *p = llhttp->data;
    struct http_message *m = p->message;
    if (p->in_trailer)
        return 0;
    if (!p->in_field || m->fields[m->field_count].name.len == 0)
        return refuse(p, HTTP_REFUSE_SYNTAX); /* llhttp 8 takes a line that begins with ':' */
    struct http_span *value = &m->fields[m->field_count].value;
    while (value->len && (buf_tail(&m->bytes)[-1] == ' ' || buf_tail(&m->bytes)[-1] == '\t')) {
        m->bytes.end--;
        value->len--;
    }
    m->field_count++;
    p->in_field = false;
    return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t n)
{
    struct http_parser *p = llhttp->data;
    if (p->message->body.len + n > p->limits->body)
        return refuse(p, HTTP_REFUSE_BODY_TOO_LARGE);
    return append(p, &p->message->body, at, n);
}

/* Extensions mean nothing to us, and are bounded so that nobody hides a flood in them. */
static int on_chunk_extension(llhttp_t *llhttp, const char *at, size_t n)
{
    struct http_parser *p = llhttp->data;
    (void)at;
    p->scanner.header_bytes += n;
    return p->scanner.header_bytes > p->limits->headers ? refuse(p, HTTP_REFUSE_HEADERS_TOO_LARGE)
                                                        : 0;
}

static int on_chunk_header(llhttp_t *llhttp)
{
    struct http_parser *p = llhttp->data;
    if (llhttp->content_length > 0)
        return 0;
    p->in_trailer = true;
    http_scanner_begin_trailers(&p->scanner);
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct http_parser *p = llhttp->data;
    p->complete = true;
    return HPE_PAUSED;
}

/* The head as a whole -------------------------------------------------------------------------- */

static bool is_host(struct http_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!isalnum((unsigned char)s.data[i]) && !strchr("-._~%!$&'()*+;=:[]", s.data[i]))
            return false;
    }
    return true;
}

static bool equals_ignoring_case(struct http_span s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.data, text, s.len) == 0;
}

static bool announces_too_much(const struct http_parser *p)
{
    return (p->llhttp.flags & F_CONTENT_LENGTH) && p->llhttp.content_length > p->limits->body;
}

/* What was found in the fields of a request. */
struct finding {
    int hosts, codings;
    bool waits; /* for leave to send the body */
};

static int check_field(struct http_parser *p, const struct http_field *f, struct finding *found)
{
    if (http_span_is(f->name, "host")) {
        if (found->hosts++ || !is_host(f->value))
            return refuse(p, HTTP_REFUSE_HOST);
    } else if (http_span_is(f->name, "transfer-encoding")) {
        if (found->codings++ || !equals_ignoring_case(f->value, "chunked"))
            return refuse(p, HTTP_REFUSE_TRANSFER_CODING);
    } else if (http_span_is(f->name, "expect") && p->message->minor_1) {
        found->waits = equals_ignoring_case(f->value, "100-continue");
        if (!found->waits)
            return refuse(p, HTTP_REFUSE_EXPECTATION);
    }
    return 0;
}

/* 0, HPE_PAUSED to ask for 100 Continue, or -1. */
static int check_request(struct http_parser *p)
{
    const struct http_message *m = p->message;
    struct finding found = {0};
    for (size_t i = 0; i < m->field_count; i++) {
        if (check_field(p, &m->fields[i], &found) < 0)
            return -1;
    }
    if (m->minor_1 && !found.hosts)
        return refuse(p, HTTP_REFUSE_HOST);
    if (found.codings && (!m->minor_1 || (p->llhttp.flags & F_CONTENT_LENGTH)))
        return refuse(p, HTTP_REFUSE_FRAMING);
    if (memchr(m->target.data, '#', m->target.len)) /* no fragment is ever sent */
        return refuse(p, HTTP_REFUSE_SYNTAX);
    if (http_span_is(m->target, "*") && m->method != HTTP_OPTIONS)
        return refuse(p, HTTP_REFUSE_SYNTAX);
    if (announces_too_much(p))
        return refuse(p, HTTP_REFUSE_BODY_TOO_LARGE);
    return found.waits && (found.codings || p->llhttp.content_length > 0) ? HPE_PAUSED : 0;
}

static bool never_has_body(const struct http_parser *p)
{
    int status = p->message->status;
    return p->no_body || status / 100 == 1 || status == 204 || status == 304;
}

/* 0, or 1, which is llhttp's word for "no body follows", or -1. */
static int check_response(struct http_parser *p)
{
    if (p->llhttp.http_major != 1)
        return refuse(p, HTTP_REFUSE_VERSION);
    if (never_has_body(p))
        return 1;
    return announces_too_much(p) ? refuse(p, HTTP_REFUSE_BODY_TOO_LARGE) : 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct http_parser *p = llhttp->data;
    struct http_message *m = p->message;
    bool request = p->type == HTTP_PARSE_REQUEST;
    p->head_complete = true;
    m->method = llhttp->method;
    m->status = llhttp->status_code;
    m->minor_1 = llhttp->http_minor == 1;
    m->keep_alive = llhttp_should_keep_alive(llhttp) && llhttp->method != HTTP_CONNECT;
    http_message_locate(m, request);
    return request ? check_request(p) : check_response(p);
}

static const llhttp_settings_t callbacks = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_message_complete = on_message_complete,
};

/* Public --------------------------------------------------------------------------------------- */

void http_parser_init(struct http_parser *p, enum http_parser_type type,
                      const struct http_limits *limits)
{
    *p = (struct http_parser){.type = type, .limits = limits};
    http_scanner_init(&p->scanner, type == HTTP_PARSE_REQUEST, limits->headers);
    llhttp_init(&p->llhttp, type == HTTP_PARSE_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, &callbacks);
}

/* llhttp begins anew too, whatever the last message left it in: an upgrade that we do not make, or
 * its pause behind the message. */
void http_parser_next(struct http_parser *p, struct http_message *message)
{
    http_parser_init(p, p->type, p->limits);
    p->llhttp.data = p;
    p->message = message;
    http_message_clear(message);
}

void http_parser_expect_no_body(struct http_parser *p)
{
    p->no_body = true;
}

static enum http_event complete(struct http_parser *p)
{
    http_message_locate(p->message, p->type == HTTP_PARSE_REQUEST);
    return HTTP_MESSAGE;
}

static enum http_event execute(struct http_parser *p, const char *data, size_t len, size_t *used)
{
    llhttp_errno_t rc = len ? llhttp_execute(&p->llhttp, data, len) : HPE_OK;
    *used = rc == HPE_OK ? len : (size_t)(llhttp_get_error_pos(&p->llhttp) - data);
    if (rc == HPE_OK)
        return HTTP_NEED_MORE;
    if (rc != HPE_PAUSED) {
        refuse(p, refusal_of(p, rc, *used < len ? data[*used] : '\0'));
        return HTTP_ERROR;
    }
    llhttp_resume(&p->llhttp);
    if (p->complete)
        return complete(p);
    return p->in_trailer ? HTTP_NEED_MORE : HTTP_HEADERS;
}

enum http_event http_parser_feed(struct http_parser *p, const char *data, size_t len, size_t *used)
{
    enum http_event event = HTTP_NEED_MORE;
    assert(p->message && !p->failed && !p->complete);
    for (*used = 0; *used < len && event == HTTP_NEED_MORE;) {
        bool lines = p->scanner.state < HTTP_SCAN_BODY;
        size_t n = len - *used;
        event = execute(p, data + *used,
                        lines ? http_scanner_scan(&p->scanner, data + *used, n) : n, &n);
        *used += n;
        if (event == HTTP_NEED_MORE && p->scanner.state == HTTP_SCAN_STOPPED) {
            refuse(p, p->scanner.refusal);
            event = HTTP_ERROR;
        }
    }
    return event;
}

enum http_event http_parser_eof(struct http_parser *p)
{
    if (!http_parser_idle(p) && !p->failed)
        (void)llhttp_finish(&p->llhttp);
    if (p->complete && !p->failed)
        return complete(p);
    refuse(p, HTTP_REFUSE_FRAMING);
    return HTTP_ERROR;
}
