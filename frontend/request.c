/* A request's trace and its line; see request.h. */
#include "frontend/request.h"

#include "frontend/app.h"

#include <string.h>

struct notes {
    struct trace trace; /* none yet while its span is 0 */
    char message_id[UUID_SIZE];
    bool known; /* some log tells of it */
};
_Static_assert(sizeof(struct notes) <= HTTP_NOTES_BYTES, "an exchange has no room for it");

static const struct http_span *field_of(const struct http_exchange *x, const char *name)
{
    const struct http_message *request = http_request(x);
    return request ? http_header(request, name) : NULL;
}

const struct trace *request_trace(struct app *app, struct http_exchange *x)
{
    struct notes *notes = http_notes(x);
    if (notes->trace.span == 0) {
        const struct http_span *theirs = field_of(x, "traceparent");
        recorder_join(&app->recorder, theirs ? theirs->data : NULL, theirs ? theirs->len : 0,
                      &notes->trace);
    }
    return &notes->trace;
}

void request_published(struct http_exchange *x, const char message_id[UUID_SIZE])
{
    struct notes *notes = http_notes(x);
    memcpy(notes->message_id, message_id, UUID_SIZE);
}

static bool is_for_machines(const struct http_exchange *x)
{
    const char *route = http_route(x);
    return strcmp(route, "/metrics") == 0 || strcmp(route, "/health") == 0 ||
           strcmp(route, "/ready") == 0;
}

const char *request_headers(struct http_exchange *x, void *router)
{
    static const char name[] = "traceresponse: ";
    static char line[sizeof name - 1 + TRACEPARENT_LEN + sizeof "\r\n"];
    if (is_for_machines(x))
        return NULL;
    memcpy(line, name, sizeof name - 1);
    traceparent_write(request_trace(((struct http_router *)router)->ctx, x),
                      line + sizeof name - 1);
    memcpy(line + sizeof line - sizeof "\r\n", "\r\n", sizeof "\r\n");
    return line;
}

/* The line ------------------------------------------------------------------------------------ */

/* All that the client sent and that is shown: escaped and cut by the log, and never a label. */
static size_t their_fields(const struct http_exchange *x, struct log_field *out)
{
    const struct http_message *request = http_request(x);
    const struct http_span *id = field_of(x, "x-request-id");
    size_t n = 0;
    if (request)
        out[n++] = LOG_BYTES("target", request->target.data, request->target.len);
    if (id)
        out[n++] = LOG_BYTES("request_id", id->data, id->len < 128 ? id->len : 128);
    return n;
}

static void write_line(struct recorder *r, struct http_exchange *x, int status, double seconds)
{
    const struct notes *notes = http_notes(x);
    struct trace_texts texts;
    struct log_field fields[8 + TRACE_FIELDS + 1];
    size_t n = 0;
    fields[n++] = LOG_STR("method", http_request_method(x));
    fields[n++] = LOG_STR("endpoint", http_route(x));
    fields[n++] = LOG_INT("status", status);
    fields[n++] = LOG_DBL("seconds", seconds);
    n += trace_fields(&notes->trace, &texts, fields + n);
    if (notes->message_id[0])
        fields[n++] = LOG_STR("message_id", notes->message_id);
    n += their_fields(x, fields + n);
    if (r->silent)
        fields[n++] = LOG_INT("silent_before", (long long)r->silent);
    fields[n].key = NULL;
    r->silent = 0;
    log_write(status >= 500 ? LOG_WARN : LOG_INFO, "request", fields);
}

void request_ended(struct app *app, struct http_exchange *x, int status, double seconds)
{
    if (is_for_machines(x))
        return;
    const struct trace *trace = request_trace(app, x);
    bool line = recorder_wants(&app->recorder, trace, status >= 500 || seconds > SLOW_REQUEST_S);
    if (line)
        write_line(&app->recorder, x, status, seconds);
    ((struct notes *)http_notes(x))->known = line || trace->sampled;
}

const struct trace *request_known_trace(struct http_exchange *x)
{
    const struct notes *notes = http_notes(x);
    return notes->known ? &notes->trace : NULL;
}
