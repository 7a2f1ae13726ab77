/* Putting the parts together; see app.h. */
#include "traffic/app.h"

#include "base/clock.h"
#include "base/log.h"
#include "traffic/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct http_route routes[] = {HTTP_BUILTIN_ROUTES, {NULL}};

/* Starting ----------------------------------------------------------------------------------- */

static double cpu_seconds(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0)
        return 0;
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* The last answer that any part got, or did not get, may tell the truth: one is enough. */
static bool target_up(void *context)
{
    const struct app *app = context;
    for (size_t i = 0; i < app->started_count; i++)
        if (app->scenarios[i].target_up)
            return true;
    return false;
}

static int start_server(struct app *app, struct err *err)
{
    app->dependencies[0] = (struct http_dependency){"target", target_up, app};
    app->builtin = (struct http_builtin){&app->loop, app->dependencies};
    app->router = (struct http_router){routes, app};
    http_builtin_setup(&app->builtin);
    struct http_server_options options = {
        .address = app->options.listen,
        .handler = http_router_handle,
        .ctx = &app->router,
    };
    app->server = http_server_listen(&app->loop, &options, err);
    return app->server ? OK : err->code;
}

static void on_close_ledger(struct loop_part *part)
{
    ledger_close(&LIST_ITEM(part, struct app, close_ledger)->ledger);
    loop_part_done(part);
}

static void on_scenario_over(void *ctx)
{
    struct app *app = ctx;
    if (--app->running == 0)
        loop_stop(&app->loop, 0);
}

/* Before the load, since a summary that cannot be written should not cost an hour of it. */
static int open_json(struct app *app, struct err *err)
{
    const char *path = app->options.json;
    if (!path)
        return OK;
    app->json = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (app->json)
        return OK;
    return err_set(err, ERR_INVALID, "--json: cannot write %s: %s", path, strerror(errno));
}

static int start_scenarios(struct app *app, struct err *err)
{
    app->scenarios = calloc(app->plan.count, sizeof *app->scenarios);
    if (!app->scenarios)
        return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    app->running = app->plan.count;
    int rc = OK;
    while (rc == OK && app->started_count < app->plan.count) {
        size_t i = app->started_count++;
        rc = scenario_start(&app->scenarios[i], &app->loop, &app->plan.parts[i].options,
                            &app->ledger, on_scenario_over, app, err);
    }
    return rc;
}

static int start_load(struct app *app, struct err *err)
{
    int rc = start_scenarios(app, err);
    if (rc != OK || app->options.quiet)
        return rc;
    rc = live_start(&app->live, &app->loop, app->scenarios, app->started_count);
    return rc ? err_set(err, rc, "cannot start the live line: %s", err_text(rc)) : OK;
}

int app_start(struct app *app, const struct options *options, struct err *err)
{
    *app = (struct app){.options = *options, .started = clock_now(), .cpu_before = cpu_seconds()};
    int rc = loop_init(&app->loop);
    if (rc != OK)
        return err_set(err, rc, "cannot start the event loop: %s", err_text(rc));
    rc = options_plan(options, &app->plan, err);
    rc = rc ? rc : ledger_open(&app->ledger, &app->loop, options->log_ids, err);
    rc = rc ? rc : open_json(app, err);
    rc = rc ? rc : start_server(app, err);
    rc = rc ? rc : start_load(app, err);
    if (rc != OK)
        return rc;
    /* Behind the scenario's share in that stage, so that the last answers are noted. */
    loop_on_shutdown(&app->loop, STAGE_CLOSE, "ledger", &app->close_ledger, on_close_ledger);
    log_info("started", LOG_STR("target", app->plan.parts->options.target),
             LOG_STR("executor",
                     app->plan.count > 1 ? "several" : app->plan.parts->options.executor->name),
             LOG_INT("scenarios", (long long)app->plan.count),
             LOG_INT("metrics_port", http_server_port(app->server)));
    return OK;
}

/* Ending ------------------------------------------------------------------------------------- */

static bool write_all(FILE *out, const struct buf *content)
{
    bool ok =
        buf_ok(content) && fwrite(buf_data(content), 1, buf_len(content), out) == buf_len(content);
    ok = fflush(out) == 0 && ok;
    if (!ok)
        fprintf(stderr, "traffic: cannot write the summary: %s\n",
                buf_ok(content) ? strerror(errno) : err_text(ERR_NOMEM));
    return ok;
}

/* Standard output is the JSON's where that is wanted there. */
static bool print_text(const struct app *app, const struct report *report)
{
    struct buf text = {0};
    report_text(&text, report);
    bool ok = write_all(app->json == stdout ? stderr : stdout, &text);
    buf_free(&text);
    return ok;
}

static bool write_json(const struct app *app, const struct report *report)
{
    struct buf json = {0};
    report_json(&json, report);
    bool ok = write_all(app->json, &json);
    buf_free(&json);
    return ok;
}

/* Of all parts together. */
static double error_ratio(const struct report *report)
{
    uint64_t bad = 0, all = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct tally *t = report->parts[i].tally;
        bad += t->errors + t->dropped;
        all += t->requests + t->dropped;
    }
    return all ? (double)bad / (double)all : 0;
}

static bool too_much_failed(const struct app *app, const struct report *report)
{
    double ratio = error_ratio(report);
    if (ratio <= app->options.fail_above)
        return false;
    fprintf(stderr,
            "traffic: the error ratio is %.4g, above --fail-above-error-ratio %.4g (errors and "
            "dropped requests, of all)\n",
            ratio, app->options.fail_above);
    return true;
}

int app_report(struct app *app, int exit_code)
{
    double wall = clock_seconds(app->started, clock_now());
    struct report_part parts[PLAN_PARTS_MAX];
    struct report report = {parts, app->started_count, (cpu_seconds() - app->cpu_before) / wall};
    for (size_t i = 0; i < report.count; i++)
        parts[i] = (struct report_part){&app->scenarios[i].options, &app->scenarios[i].tally};
    bool ok = app->options.quiet || print_text(app, &report);
    ok = (!app->json || write_json(app, &report)) && ok;
    ok = !too_much_failed(app, &report) && ok;
    return exit_code ? exit_code : !ok;
}

void app_free(struct app *app)
{
    for (size_t i = 0; i < app->started_count; i++)
        scenario_free(&app->scenarios[i]);
    free(app->scenarios);
    plan_free(&app->plan);
    if (app->json && app->json != stdout)
        fclose(app->json);
}
