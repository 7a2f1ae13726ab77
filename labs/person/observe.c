/* Counting requests; see observe.h. */
#include "person/observe.h"

#include "http/router.h"
#include "metrics/metrics.h"

#include <stdio.h>

COUNTER_VEC(requests, "http_requests_total", "Requests answered.", code, method, path);
COUNTER_VEC(statuses, "http_status_code", "Answers by their status code.", code);
GAUGE_VEC(in_progress, "http_requests_in_progress", "Requests that are being worked on.", method);
HISTOGRAM_VEC(durations, "http_request_duration_seconds",
              "Seconds from a request's first byte to its answer's last one.", BUCKETS_DEFAULT,
              method, path);

enum { CODES_MAX = 10 };
#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* What a route answers; the children are bound once, so that noting an answer costs no look-up. A
 * method that the route does not take is "other". */
static struct observed {
    const char *method, *path;
    int codes[CODES_MAX + 1]; /* ends with 0 */
    histogram *duration;
    counter *by_code[CODES_MAX];
} observed[] = {
    {"GET", "/person/:id", {200, 404}},
    {"GET", "/person/list", {200, 400}},
    {"POST", "/person", {201, 400, 503, 507}},
    {"PUT", "/person/:id", {200, 400, 404, 503}},
    {"DELETE", "/person/:id", {204, 404}},
    {"GET", "/persons/:id", {200, 404}},
    {"HEAD", "/person/:id", {200, 404}},
    {"HEAD", "/person/list", {200, 400}},
    {"HEAD", "/persons/:id", {200, 404}},
    {"GET", "/metrics", {200}},
    {"HEAD", "/metrics", {200}},
    {"GET", "/health", {200}},
    {"HEAD", "/health", {200}},
    {"GET", "/ready", {200, 503}},
    {"HEAD", "/ready", {200, 503}},
    {"other", "/person", {405}},
    {"other", "/person/:id", {405}},
    {"other", "/person/list", {405}},
    {"other", "/persons/:id", {405}},
    {"other", "/metrics", {405}},
    {"other", "/health", {405}},
    {"other", "/ready", {405}},
    {"GET", "other", {404}},
    {"other", "other", {400, 404, 408, 413, 414, 417, 431, 501, 503, 505}},
};

static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "HEAD", "other"};
static gauge *now_by_method[LENGTH(methods)];

static const int known_codes[] = {200, 201, 204, 400, 404, 405, 408, 413,
                                  414, 417, 431, 501, 503, 505, 507};
static counter *by_status[600];

/* Beside the exchange. */
struct notes {
    gauge *in_progress; /* NULL: no handler saw it */
};
_Static_assert(sizeof(struct notes) <= HTTP_NOTES_BYTES, "an exchange has no room for it");

static const char *code_text(int code, char text[static 12])
{
    snprintf(text, 12, "%d", code);
    return text;
}

static counter *counter_of(const char *method, const char *path, int code)
{
    char text[12];
    return with(requests, .code = code_text(code, text), .method = method, .path = path);
}

static counter *counter_of_status(int code)
{
    char text[12];
    if (code < 0 || (size_t)code >= LENGTH(by_status))
        return with(statuses, .code = "other");
    if (!by_status[code])
        by_status[code] = with(statuses, .code = code_text(code, text));
    return by_status[code];
}

void observe_init(void)
{
    for (size_t i = 0; i < LENGTH(observed); i++) {
        struct observed *o = &observed[i];
        o->duration = with(durations, .method = o->method, .path = o->path);
        for (int c = 0; o->codes[c]; c++)
            o->by_code[c] = counter_of(o->method, o->path, o->codes[c]);
    }
    for (size_t i = 0; i < LENGTH(methods); i++)
        now_by_method[i] = with(in_progress, .method = methods[i]);
    for (size_t i = 0; i < LENGTH(known_codes); i++)
        counter_of_status(known_codes[i]);
}

static gauge *gauge_of(const char *method)
{
    size_t i = 0;
    while (i < LENGTH(methods) - 1 && strcmp(methods[i], method) != 0)
        i++;
    return now_by_method[i];
}

void observe_request(struct http_exchange *x, void *router)
{
    struct notes *notes = http_notes(x);
    notes->in_progress = gauge_of(http_request_method(x));
    gauge_inc(notes->in_progress);
    http_router_handle(x, router);
}

static const struct observed *find(const char *method, const char *path)
{
    for (size_t i = 0; i < LENGTH(observed); i++)
        if (strcmp(observed[i].method, method) == 0 && strcmp(observed[i].path, path) == 0)
            return &observed[i];
    return NULL;
}

static void count(const struct observed *o, int status)
{
    for (int c = 0; o->codes[c]; c++) {
        if (o->codes[c] == status) {
            counter_inc(o->by_code[c]);
            return;
        }
    }
    counter_inc(counter_of(o->method, o->path, status));
}

/* A stranger must not choose how many series there are: a method that the table lacks is "other",
 * which every path has. */
void observe_answer(struct http_exchange *x, int status, double seconds, void *router)
{
    const char *path = http_route(x);
    const struct notes *notes = http_notes(x);
    const struct observed *o = find(http_request_method(x), path);
    (void)router;
    o = o ? o : find("other", path);
    o = o ? o : find("other", "other");
    count(o, status);
    counter_inc(counter_of_status(status));
    histogram_observe(o->duration, seconds);
    if (notes->in_progress)
        gauge_dec(notes->in_progress);
}
