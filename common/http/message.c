/* Looking things up in a message; see message.h. */
#include "http/message.h"

#include <stdlib.h>

void http_message_clear(struct http_message *m)
{
    struct http_message kept = {.fields = m->fields, .field_cap = m->field_cap, .bytes = m->bytes};
    *m = kept;
    buf_clear(&m->bytes);
}

void http_message_free(struct http_message *m)
{
    free(m->fields);
    buf_free(&m->bytes);
    *m = (struct http_message){0};
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

void http_message_locate(struct http_message *m, bool request)
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
    if (request)
        split_target(m);
}

const struct http_span *http_header(const struct http_message *m, const char *name)
{
    for (size_t i = 0; i < m->field_count; i++) {
        if (http_span_is(m->fields[i].name, name))
            return &m->fields[i].value;
    }
    return NULL;
}

/* Query ---------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes one character, decoded, off the front of `s`; ERR_INVALID for a bad escape or a NUL. */
static int decode_char(struct http_span *s)
{
    int value = (unsigned char)*s->data;
    size_t n = 1;
    if (value == '+') {
        value = ' ';
    } else if (value == '%') {
        int high = s->len > 2 ? hex_digit(s->data[1]) : -1;
        int low = s->len > 2 ? hex_digit(s->data[2]) : -1;
        value = high < 0 || low < 0 ? 0 : high * 16 + low;
        n = 3;
    }
    if (value == 0)
        return ERR_INVALID;
    s->data += n;
    s->len -= n;
    return value;
}

static int decode(struct http_span s, char *out, size_t size)
{
    size_t n = 0;
    while (s.len) {
        int c = decode_char(&s);
        if (c < 0 || n + 1 >= size)
            return ERR_INVALID;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return 1;
}

/* Whether the parameter's name, decoded, is `name`. */
static bool name_is(struct http_span s, const char *name)
{
    while (s.len && *name) {
        int c = decode_char(&s);
        if (c < 0 || c != (unsigned char)*name++)
            return false;
    }
    return s.len == 0 && *name == '\0';
}

static struct http_span until(const char *from, const char *end, char stop)
{
    const char *at = memchr(from, stop, (size_t)(end - from));
    return (struct http_span){from, (size_t)((at ? at : end) - from)};
}

/* Takes the next pair off the front. */
static void take_pair(struct http_span *rest, struct http_span *key, struct http_span *value)
{
    const char *end = rest->data + rest->len;
    struct http_span pair = until(rest->data, end, '&');
    size_t taken = pair.len < rest->len ? pair.len + 1 : pair.len;
    *key = until(pair.data, pair.data + pair.len, '=');
    *value = (struct http_span){pair.data + key->len, pair.len - key->len};
    if (value->len) { /* the '=' itself */
        value->data++;
        value->len--;
    }
    *rest = (struct http_span){rest->data + taken, rest->len - taken};
}

int http_query_next(struct http_span *rest, const char *name, char *out, size_t size)
{
    while (rest->len) {
        struct http_span key, value;
        take_pair(rest, &key, &value);
        if (name_is(key, name))
            return size ? decode(value, out, size) : ERR_INVALID;
    }
    return 0;
}

int http_query(const struct http_message *m, const char *name, char *out, size_t size)
{
    struct http_span rest = m->query;
    return http_query_next(&rest, name, out, size);
}
