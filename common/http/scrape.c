/*
 * /metrics; see builtin.h.
 *
 * The page is written on the loop, where the collect hooks belong. A large one that the client
 * takes compressed is packed on the thread pool: meanwhile the exchange waits, as it would for any
 * late answer, also when its client goes or the program shuts down.
 */
#include "http/builtin.h"
#include "http/gzip.h"
#include "http/internal.h"
#include "metrics/metrics.h"

#include <stdlib.h>

#define PACKED_HEADERS "Content-Encoding: gzip\r\nVary: Accept, Accept-Encoding\r\n"
#define PLAIN_HEADERS  "Vary: Accept, Accept-Encoding\r\n"
#define NAMES_BYTES    8192 /* more than a request's target has by default */

static unsigned in_flight;

struct packing {
    uv_work_t work;
    struct http_exchange *exchange;
    const char *content_type;
    struct buf page, packed;
    int rc;
};

/* The families that the query asks for. */
struct names {
    const char *at[HTTP_SCRAPE_NAMES_MAX];
    unsigned n;
    char text[NAMES_BYTES];
};

/* 0, ERR_INVALID or ERR_FULL. */
static int read_names(const struct http_message *m, struct names *names)
{
    struct http_span rest = m->query;
    char *to = names->text, *end = to + sizeof names->text;
    int rc;
    names->n = 0;
    while ((rc = http_query_next(&rest, "name[]", to, (size_t)(end - to))) > 0) {
        if (names->n == HTTP_SCRAPE_NAMES_MAX)
            return ERR_FULL;
        names->at[names->n++] = to;
        to += strlen(to) + 1;
    }
    return rc;
}

static void reply(struct http_exchange *x, const char *content_type, const char *headers,
                  struct buf *page)
{
    http_reply(x,
               &(struct http_response){
                   .status = 200, .content_type = content_type, .headers = headers, .take = page});
}

/* Packing -------------------------------------------------------------------------------------- */

static void pack(uv_work_t *work)
{
    struct packing *p = work->data;
    p->rc = http_gzip(buf_data(&p->page), buf_len(&p->page), &p->packed);
}

/* Whoever takes gzip takes the page as it is, too: so where there was no memory. */
static void on_packed(uv_work_t *work, int status)
{
    struct packing *p = work->data;
    if (status == 0 && p->rc == OK)
        reply(p->exchange, p->content_type, PACKED_HEADERS, &p->packed);
    else
        reply(p->exchange, p->content_type, PLAIN_HEADERS, &p->page);
    buf_free(&p->page);
    buf_free(&p->packed);
    free(p);
}

/* Takes the page, or returns false and leaves it alone. */
static bool pack_later(struct http_exchange *x, const char *content_type, struct buf *page)
{
    struct packing *p = calloc(1, sizeof *p);
    if (!p)
        return false;
    *p = (struct packing){.exchange = x, .content_type = content_type, .page = *page};
    p->work.data = p;
    if (uv_queue_work(&x->server->loop->uv, &p->work, pack, on_packed) == 0)
        return true;
    free(p);
    return false;
}

/* The request ---------------------------------------------------------------------------------- */

/* A field that may be there several times, as one list. */
static void join(const struct http_message *m, const char *name, struct buf *out)
{
    for (size_t i = 0; i < m->field_count; i++) {
        if (!http_span_is(m->fields[i].name, name))
            continue;
        if (buf_len(out))
            buf_char(out, ',');
        buf_append(out, m->fields[i].value.data, m->fields[i].value.len);
    }
}

static enum metrics_format format_for(const struct http_message *m)
{
    struct buf accept = {0};
    join(m, "accept", &accept);
    enum metrics_format format = metrics_negotiate(buf_data(&accept), buf_len(&accept));
    buf_free(&accept);
    return format;
}

static bool wants_gzip(const struct http_message *m)
{
    struct buf encodings = {0};
    join(m, "accept-encoding", &encodings);
    bool wanted = http_gzip_is_wanted(buf_data(&encodings), buf_len(&encodings));
    buf_free(&encodings);
    return wanted;
}

static void write_page(struct http_exchange *x, const struct names *names)
{
    const struct http_message *m = http_request(x);
    struct metrics_exposition what = {
        .format = format_for(m), .names = names->at, .n_names = names->n};
    const char *content_type = metrics_content_type(what.format);
    struct buf page = {0};
    if (metrics_write(&metrics_default, &what, &page) != OK) {
        buf_free(&page);
        http_reply_error(x, 503, "out of memory");
    } else if (buf_len(&page) < HTTP_GZIP_MIN || !wants_gzip(m) ||
               !pack_later(x, content_type, &page)) {
        reply(x, content_type, PLAIN_HEADERS, &page);
    }
}

static void refuse(struct http_exchange *x)
{
    static const char text[] = "{\"error\":\"too many scrapes in flight\"}";
    http_server_count_reject(HTTP_REJECT_SCRAPES);
    http_reply(x, &(struct http_response){.status = 503,
                                          .content_type = "application/json",
                                          .body = text,
                                          .len = sizeof text - 1,
                                          .retry_after = 1});
}

static void on_ended(struct http_exchange *x)
{
    (void)x;
    in_flight--;
}

void http_metrics(struct http_exchange *x, void *ctx)
{
    struct names names;
    (void)ctx;
    if (in_flight == HTTP_SCRAPES_MAX) {
        refuse(x);
        return;
    }
    in_flight++;
    x->ended = on_ended;
    if (read_names(http_request(x), &names) == OK)
        write_page(x, &names);
    else
        http_reply_error(x, 400, "name[] is malformed, or there are too many");
}
