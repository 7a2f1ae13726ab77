/* Counting answers; see observe.h. */
#include "frontend/observe.h"

#include "frontend/request.h"
#include "frontend/stats.h"
#include "http/router.h"
#include "http/server.h"
#include "metrics/metrics.h"

#include <stdio.h>

COUNTER_VEC(http_requests, "http_requests_total", "Requests answered.", method, endpoint, code);
HISTOGRAM_VEC(http_latency, "http_latency", "HTTP latencies in seconds.", BUCKETS_DEFAULT, /* [4 */
              method, endpoint);                                                           /* 4] */

enum { CODES_MAX = 14 };

/* What a route answers, as documented; the children are bound once, so that noting an answer costs
 * no look-up. A method that the route does not take is "other". */
static struct observed {
    const char *method, *endpoint;
    int codes[CODES_MAX + 1]; /* ends with 0 */
    histogram *latency;       /* [4] */
    counter *by_code[CODES_MAX];
} observed[] = {
    {"GET", "/hello", {200, 503}},
    {"GET", "/fruit", {200, 400, 503}},
    {"HEAD", "/fruit", {200, 400, 503}},
    {"POST", "/fruit", {200, 400, 415, 503}},
    {"GET", "/stats", {200}},
    {"HEAD", "/stats", {200}},
    {"GET", "/metrics", {200}},
    {"HEAD", "/metrics", {200}},
    {"GET", "/health", {200}},
    {"HEAD", "/health", {200}},
    {"GET", "/ready", {200, 503}},
    {"HEAD", "/ready", {200, 503}},
    {"other", "/hello", {405}},
    {"other", "/fruit", {405}},
    {"other", "/stats", {405}},
    {"other", "/metrics", {405}},
    {"other", "/health", {405}},
    {"other", "/ready", {405}},
    {"GET", "other", {404}},
    {"other", "other", {400, 404, 408, 413, 414, 417, 431, 501, 503, 505}},
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static counter *counter_of(const char *method, const char *endpoint, int code)
{
    char text[12];
    snprintf(text, sizeof text, "%d", code);
    return with(http_requests, .method = method, .endpoint = endpoint, .code = text);
}

void observe_init(void)
{
    for (size_t i = 0; i < LENGTH(observed); i++) {
        struct observed *o = &observed[i];
        o->latency = with(http_latency, .method = o->method, .endpoint = o->endpoint); /* [4] */
        for (int c = 0; o->codes[c]; c++)
            o->by_code[c] = counter_of(o->method, o->endpoint, o->codes[c]);
    }
}

static const struct observed *find(const char *method, const char *endpoint)
{
    for (size_t i = 0; i < LENGTH(observed); i++)
        if (strcmp(observed[i].method, method) == 0 && strcmp(observed[i].endpoint, endpoint) == 0)
            return &observed[i];
    return NULL;
}

static void count(const struct observed *o, const char *method, const char *endpoint, int status)
{
    for (int c = 0; o && o->codes[c]; c++) {
        if (o->codes[c] == status) {
            counter_inc(o->by_code[c]);
            return;
        }
    }
    counter_inc(counter_of(method, endpoint, status));
}

/* A stranger must not choose how many series there are. NULL for a route that the table lacks: its
 * series appear with its first answers. */
static const struct observed *find_or_other(const char **method, const char *endpoint)
{
    const struct observed *o = find(*method, endpoint);
    if (!o && (o = find("other", endpoint)))
        *method = "other";
    return o;
}

/* The exemplar leads from a bucket to a request in it, and from there to its line in the log.
 * False, and nothing is observed, where no log knows the request. [13 */
static bool observe_traced(histogram *h, double seconds, const struct trace *trace)
{
    char id[TRACE_ID_SIZE];
    if (!trace)
        return false;
    trace_id_write(trace, id);
    histogram_observe_exemplar(h, seconds, EXEMPLAR("trace_id", id));
    return true;
} /* 13] */

void observe_answer(struct http_exchange *x, int status, double seconds, void *router)
{
    const char *method = http_request_method(x);
    const char *endpoint = http_route(x);
    const struct observed *o = find_or_other(&method, endpoint);
    count(o, method, endpoint, status);
    stats_add(status, seconds);
    request_ended(((struct http_router *)router)->ctx, x, status, seconds);

    histogram *latency =                                                             /* [4 */
        o ? o->latency : with(http_latency, .method = method, .endpoint = endpoint); /* 4] */
    if (observe_traced(latency, seconds, request_known_trace(x)))                    /* [13 */
        return;                                                                      /* 13] */
    histogram_observe(latency, seconds);                                             /* [4] */
}
