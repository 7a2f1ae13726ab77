/* traffic: makes HTTP requests at a target, and tells how it answered. The table of contents. */
#include "base/log.h"
#include "http/builtin.h"
#include "traffic/app.h"

#include <stdio.h>

static void setup_log(const struct options *options)
{
    enum log_format format = LOG_TEXT;
    enum log_level level = LOG_INFO;
    if (log_format_parse(options->log_format, &format) != OK ||
        log_level_parse(options->log_level, &level) != OK)
        log_warn("the log keeps its defaults"); /* the table of settings lets no other text pass */
    log_setup("traffic", format, level);
}

static int cannot_start(const struct err *err)
{
    fprintf(stderr, "traffic: %s\n", err->text);
    return err->code == ERR_INVALID ? 2 : 1;
}

int main(int argc, char **argv)
{
    static struct app app;
    struct options options;
    struct err err;

    int asked = options_or_exit(&options, argc, argv); /* flags, environment, defaults */
    if (asked == SETTINGS_HEALTHCHECK)
        return http_healthcheck(options.listen); /* of the one that runs already */
    setup_log(&options);                         /* to standard error */
    if (app_start(&app, &options, &err) != OK)   /* /metrics, the scenario, the live line */
        return cannot_start(&err);
    int code = loop_run(&app.loop); /* until its duration is over, or Ctrl-C */
    code = app_report(&app, code);  /* summary, JSON, exit code */
    app_free(&app);
    return code;
}
