/* /health and /ready; see builtin.h. */
#include "http/builtin.h"

#include "base/log.h"
#include "metrics/lint.h"

static const struct http_builtin *builtin;

#ifdef WORKSHOP_DEBUG
static void warn(void *ctx, const struct metrics_finding *f)
{
    (void)ctx;
    log_warn("a metric is not named as is the custom", LOG_STR("metric", f->name),
             LOG_STR("advice", f->text), LOG_STR("file", f->file), LOG_INT("line", f->line));
}
#endif

void http_builtin_setup(const struct http_builtin *setup)
{
#ifdef WORKSHOP_DEBUG
    metrics_lint(NULL, setup->odd_names, warn, NULL);
#endif
    builtin = setup;
}

void http_health(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    http_reply_text(x, 200, "OK");
}

/* Appends each dependency's state; whether all that are needed are up. */
static bool write_dependencies(struct buf *json)
{
    bool ready = true;
    for (const struct http_dependency *d = builtin->dependencies; d && d->name; d++) {
        bool up = d->up(d->ctx);
        ready = ready && (up || d->optional);
        buf_printf(json, "%s\"%s\":\"%s\"", d == builtin->dependencies ? "" : ",", d->name,
                   up ? "up" : "down");
    }
    return ready;
}

void http_ready(struct http_exchange *x, void *ctx)
{
    struct buf names = {0}, json = {0};
    (void)ctx;
    bool ready = write_dependencies(&names) && !loop_stopping(builtin->loop);
    buf_printf(&json, "{\"ready\":%s,\"dependencies\":{", ready ? "true" : "false");
    buf_append(&json, buf_data(&names), buf_len(&names));
    buf_text(&json, "}}");
    json.failed = json.failed || names.failed;
    buf_free(&names);
    http_reply(x, &(struct http_response){.status = ready ? 200 : 503,
                                          .content_type = "application/json",
                                          .take = &json});
}
