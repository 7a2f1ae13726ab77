/* Asking the source; see source.h. */
#include "exporter/source.h"

#include "http/builtin.h"

#include <stdlib.h>

/* What is wrong with an answer before anybody reads its body. */
static struct verdict judge_answer(int status, const struct http_message *response)
{
    if (status == ERR_TIMEOUT)
        return verdict(VERDICT_TIMEOUT, "it did not answer in time");
    if (status == ERR_TOO_LARGE)
        return verdict(VERDICT_TOO_LARGE, "its answer is larger than --size-limit");
    if (status == ERR_PROTOCOL || status == ERR_LOST)
        return verdict(VERDICT_BROKEN, "its answer is broken: %s", err_text(status));
    if (status != OK)
        return verdict(VERDICT_UNREACHABLE, "cannot ask it: %s", err_text(status));
    if (response->status != 200)
        return verdict(VERDICT_STATUS, "it answers %d", response->status);
    return VERDICT_WELL;
}

/* One answer for all who wait; who comes while they are answered waits for the next one. Their
 * pages are written in this turn of the loop, before anything else can be said. */
static void answer(struct source *s)
{
    struct http_exchange *waiting[SOURCE_WAITING_MAX];
    unsigned n = s->n_waiting;
    memcpy(waiting, s->waiting, n * sizeof *waiting);
    s->n_waiting = 0;
    for (unsigned i = 0; i < n; i++)
        http_metrics(waiting[i], NULL);
}

static void settle(struct source *s, int status, const struct http_message *response)
{
    struct verdict v = judge_answer(status, response);
    if (v.kind == VERDICT_OK)
        v = statistics_take(&s->statistics, response->body.data, response->body.len);
    verdicts_note(&s->verdicts, &v);
    answer(s);
    statistics_forget(&s->statistics);
    s->asking = false;
}

static void ask(struct source *s);

static void on_answer(int status, const struct http_message *response, void *source)
{
    struct source *s = source;
    settle(s, status, response);
    if (s->n_waiting)
        ask(s);
}

static void ask(struct source *s)
{
    const struct http_client_request request = {
        .method = "GET", .target = s->target, .headers = "Accept: application/json\r\n"};
    int rc = OK;
    do {
        s->asking = true;
        rc = http_client_send(s->client, &request, on_answer, s);
        if (rc != OK)
            settle(s, rc, NULL);
    } while (rc != OK && s->n_waiting);
}

static void refuse(struct http_exchange *x)
{
    http_reply_error(x, 503, "Too many scrapes wait for the source already");
}

void source_ask(struct source *s, struct http_exchange *x)
{
    if (s->n_waiting == SOURCE_WAITING_MAX) {
        refuse(x);
        return;
    }
    s->waiting[s->n_waiting++] = x;
    if (!s->asking)
        ask(s);
}

/* Opening and closing -------------------------------------------------------------------------- */

/* http://HOST:PORT and /PATH?QUERY; both the caller's to free, NULL for want of memory. */
static void split_uri(const char *uri, char **origin, char **target)
{
    const char *authority = strstr(uri, "://");
    authority = authority ? authority + 3 : uri;
    size_t len = (size_t)(authority - uri) + strcspn(authority, "/?#");
    const char *path = uri + len;
    *origin = strndup(uri, len);
    if (asprintf(target, "%s%s", *path == '/' ? "" : "/", path) < 0)
        *target = NULL;
}

/* The client refuses what is wrong before the path; what would be wrong in a request line is here.
 */
static int check_target(const char *target, struct err *err)
{
    for (const char *c = target; *c; c++)
        if (*c <= ' ' || *c == 127 || *c == '#')
            return err_set(err, ERR_INVALID, "the path %s has a blank or a #, or is not encoded",
                           target);
    return OK;
}

int source_open(struct source *s, struct loop *loop, const char *uri, int timeout_ms,
                size_t size_limit, struct err *err)
{
    char *origin;
    split_uri(uri, &origin, &s->target);
    struct http_client_options options = {
        .url = origin, .connections = 1, .timeout_ms = timeout_ms, .limits.body = size_limit};
    int rc = origin && s->target ? check_target(s->target, err)
                                 : err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    if (rc == OK && !(s->client = http_client_new(loop, &options, err)))
        rc = err->code;
    free(origin);
    if (rc != OK)
        free(s->target);
    return rc;
}

static void on_closed(void *source)
{
    struct source *s = source;
    free(s->target);
    s->closed(s->closed_ctx);
}

void source_close(struct source *s, void (*closed)(void *ctx), void *ctx)
{
    s->closed = closed;
    s->closed_ctx = ctx;
    http_client_close(s->client, on_closed, s);
}
