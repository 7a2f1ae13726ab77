/*
 * The parser; see parser.h.
 *
 * Two readers look at each byte of a head. The scanner knows lines: it refuses the line ends that
 * llhttp 8 lets pass (bare LF, obs-fold), counts, and stops behind the empty line; so llhttp never
 * sees a byte of the body in the same call. llhttp knows the grammar and the body. Trailers of a
 * chunked body are lines again, and are scanned like a head.
 *
 * The message's bytes are target, names and values without gaps, so that lengths alone are noted
 * while the buffer may still move; locate() turns them into spans.
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

static const struct {
    int status;
    const char *label;
} refusals[] = {
#define REFUSAL_ROW(name, status, label) [HTTP_REFUSE_##name] = {status, label},
    HTTP_REFUSAL_MAP(REFUSAL_ROW)
#undef REFUSAL_ROW
};

int http_refusal_status(enum http_refusal refusal)
{
    assert(refusal < HTTP_REFUSAL_COUNT);
    return refusals[refusal].status;
}

const char *http_refusal_label(enum http_refusal refusal)
{
    assert(refusal < HTTP_REFUSAL_COUNT);
    return refusals[refusal].label;
}

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

/* Scanner: lines ------------------------------------------------------------------------------- */

static void stop(struct http_parser *p, enum http_refusal refusal)
{
    p->stopped = true;
    p->stopped_for = refusal;
}

static void note_version(struct http_parser *p, const char *data, size_t n)
{
    size_t size = sizeof p->version;
    if (n > size) {
        data += n - size;
        n = size;
    }
    memmove(p->version, p->version + n, size - n);
    memcpy(p->version + size - n, data, n);
}

/* llhttp also takes "GET /" of HTTP/0.9, RTSP and HTTP/2.0. */
static void check_version(struct http_parser *p)
{
    const char *v = p->version;
    if (p->type == HTTP_PARSE_RESPONSE || memcmp(v, "HTTP/1.1", 8) == 0 ||
        memcmp(v, "HTTP/1.0", 8) == 0)
        return;
    bool other = memcmp(v, "HTTP/", 5) == 0 && isdigit((unsigned char)v[5]) && v[6] == '.' &&
                 isdigit((unsigned char)v[7]);
    stop(p, other ? HTTP_REFUSE_VERSION : HTTP_REFUSE_SYNTAX);
}

static void end_line(struct http_parser *p)
{
    bool empty = p->line_bytes == 0;
    p->after_cr = false;
    p->line_bytes = 0;
    if (!p->first_line) {
        p->in_body = empty;
    } else if (!empty) { /* empty lines before a request are skipped */
        p->first_line = false;
        check_version(p);
    }
}

/* Takes bytes of one line up to its CR, and that. */
static size_t scan_line(struct http_parser *p, const char *data, size_t len)
{
    const char *cr = memchr(data, '\r', len);
    size_t n = cr ? (size_t)(cr - data) : len;
    const char *lf = memchr(data, '\n', n);
    if (lf || (p->line_bytes == 0 && !p->first_line && (*data == ' ' || *data == '\t'))) {
        stop(p, HTTP_REFUSE_LINE_END);
        return lf ? (size_t)(lf - data) : 0;
    }
    p->line_bytes += n;
    p->after_cr = cr;
    if (p->first_line) {
        p->begun = p->begun || n > 0;
        note_version(p, data, n);
    } else if ((p->header_bytes += n) > p->limits->headers) {
        stop(p, HTTP_REFUSE_HEADERS_TOO_LARGE);
    }
    return n + p->after_cr;
}

/* How many bytes are in order, up to the empty line and with it. Where it stops before, the bytes
 * in order still go to llhttp first: what is wrong with them was there earlier. */
static size_t scan(struct http_parser *p, const char *data, size_t len)
{
    size_t i = 0;
    while (i < len && !p->stopped && !p->in_body) {
        if (!p->after_cr) {
            i += scan_line(p, data + i, len - i);
        } else if (data[i] == '\n') {
            i++;
            end_line(p);
        } else {
            stop(p, HTTP_REFUSE_LINE_END);
        }
    }
    return i;
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
    p->header_bytes += n;
    return p->header_bytes > p->limits->headers ? refuse(p, HTTP_REFUSE_HEADERS_TOO_LARGE) : 0;
}

static int on_chunk_header(llhttp_t *llhttp)
{
    struct http_parser *p = llhttp->data;
    if (llhttp->content_length > 0)
        return 0;
    p->in_trailer = true;
    p->in_body = false;
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct http_parser *p = llhttp->data;
    p->complete = true;
    return HPE_PAUSED;
}

/* The head as a whole -------------------------------------------------------------------------- */

/* Where the parts of the message lie; whenever it is shown to anyone. */
static void locate(struct http_message *m)
{
    const char *at = m->bytes.data ? buf_data(&m->bytes) : ""; /* NULL + 0 is not defined */
    m->target.data = at;
    at += m->target.len;
    for (size_t i = 0; i < m->field_count; i++) {
        m->fields[i].name.data = at;
        at += m->fields[i].name.len;
        m->fields[i].value.data = at;
        at += m->fields[i].value.len;
    }
    m->body.data = at;
}

/* Path and query of origin form, and of absolute form behind its host. */
static void split_target(struct http_message *m)
{
    struct http_span rest = m->target;
    const char *host = m->method == HTTP_CONNECT || !rest.len || *rest.data == '/'
                           ? NULL
                           : memmem(rest.data, rest.len, "://", 3);
    if (host) {
        const char *end = rest.data + rest.len;
        for (host += 3; host < end && *host != '/' && *host != '?'; host++)
            ;
        rest = (struct http_span){host, (size_t)(end - host)};
    }
    const char *mark = rest.len ? memchr(rest.data, '?', rest.len) : NULL;
    m->path = (struct http_span){rest.data, mark ? (size_t)(mark - rest.data) : rest.len};
    m->query = mark ? (struct http_span){mark + 1, rest.len - m->path.len - 1}
                    : (struct http_span){rest.data + rest.len, 0};
    if (host && m->path.len == 0)
        m->path = (struct http_span){"/", 1};
}

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

/* What the rules of HTTP demand of the fields together. 0, HPE_PAUSED to wait for leave to
 * continue, or -1. */
static int check_request(struct http_parser *p)
{
    const struct http_message *m = p->message;
    int hosts = 0, codings = 0;
    bool waits = false;
    for (size_t i = 0; i < m->field_count; i++) {
        const struct http_field *f = &m->fields[i];
        if (http_span_is(f->name, "host")) {
            if (hosts++ || !is_host(f->value))
                return refuse(p, HTTP_REFUSE_HOST);
        } else if (http_span_is(f->name, "transfer-encoding")) {
            if (codings++ || !equals_ignoring_case(f->value, "chunked"))
                return refuse(p, HTTP_REFUSE_TRANSFER_CODING);
        } else if (http_span_is(f->name, "expect") && m->minor_1) {
            waits = equals_ignoring_case(f->value, "100-continue");
            if (!waits)
                return refuse(p, HTTP_REFUSE_EXPECTATION);
        }
    }
    if (m->minor_1 && !hosts)
        return refuse(p, HTTP_REFUSE_HOST);
    if (codings && (!m->minor_1 || (p->llhttp.flags & F_CONTENT_LENGTH)))
        return refuse(p, HTTP_REFUSE_FRAMING);
    if (memchr(m->target.data, '#', m->target.len)) /* no fragment is ever sent */
        return refuse(p, HTTP_REFUSE_SYNTAX);
    return waits && (codings || p->llhttp.content_length > 0) ? HPE_PAUSED : 0;
}

static bool never_has_body(const struct http_parser *p)
{
    int status = p->message->status;
    return p->no_body || status / 100 == 1 || status == 204 || status == 304;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct http_parser *p = llhttp->data;
    struct http_message *m = p->message;
    p->head_complete = true;
    m->method = llhttp->method;
    m->status = llhttp->status_code;
    m->minor_1 = llhttp->http_minor == 1;
    m->keep_alive = llhttp_should_keep_alive(llhttp) && llhttp->method != HTTP_CONNECT;
    locate(m);
    if (p->type == HTTP_PARSE_REQUEST)
        split_target(m);
    else if (llhttp->http_major != 1)
        return refuse(p, HTTP_REFUSE_VERSION);
    else if (never_has_body(p))
        return 1; /* llhttp's word for it */
    if ((llhttp->flags & F_CONTENT_LENGTH) && llhttp->content_length > p->limits->body)
        return refuse(p, HTTP_REFUSE_BODY_TOO_LARGE);
    return p->type == HTTP_PARSE_REQUEST ? check_request(p) : 0;
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
    llhttp_init(&p->llhttp, type == HTTP_PARSE_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, &callbacks);
}

/* llhttp begins anew too, whatever the last message left it in: an upgrade that we do not make, or
 * its pause behind the message. */
void http_parser_next(struct http_parser *p, struct http_message *message)
{
    http_parser_init(p, p->type, p->limits);
    p->llhttp.data = p;
    p->first_line = true;
    p->message = message;
    http_message_clear(message);
}

void http_parser_expect_no_body(struct http_parser *p)
{
    p->no_body = true;
}

static enum http_event complete(struct http_parser *p)
{
    locate(p->message);
    if (p->type == HTTP_PARSE_REQUEST)
        split_target(p->message);
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
        size_t part = p->in_body ? len - *used : scan(p, data + *used, len - *used), n;
        event = execute(p, data + *used, part, &n);
        *used += n;
        if (event == HTTP_NEED_MORE && p->stopped) {
            refuse(p, p->stopped_for);
            event = HTTP_ERROR;
        }
    }
    return event;
}

enum http_event http_parser_eof(struct http_parser *p)
{
    if (p->begun && !p->failed)
        (void)llhttp_finish(&p->llhttp);
    if (p->complete && !p->failed)
        return complete(p);
    refuse(p, HTTP_REFUSE_FRAMING);
    return HTTP_ERROR;
}
