/*
 * The stats exporter: asks a page of statistics at each scrape, and says the same as metrics.
 *
 *     GET /metrics ──► source.c: GET the page ──► statistics.c: is it true to its form? ──►
 * syseng_*
 */
#include "base/log.h"
#include "exporter/app.h"

static struct app app;

static const struct setting table[] = {
    {"listen", "LISTEN", SETTING_ADDRESS, &app.settings.listen, "127.0.0.1:8081",
     "address to serve /metrics on"},
    {"stats-uri", "STATS_URI", SETTING_TEXT, &app.settings.stats_uri, "http://127.0.0.1:5000/stats",
     "the page of statistics, http://HOST[:PORT]/PATH"},
    {"timeout", NULL, SETTING_INT, &app.settings.timeout_ms, "2000",
     "milliseconds that the source has to answer; less than Prometheus waits for the exporter",
     .min = 10, .max = 60000},
    {"size-limit", NULL, SETTING_INT, &app.settings.size_limit, "65536",
     "bytes of the page at most", .min = 64, .max = 1048576},
    {"log-format", "LOG_FORMAT", SETTING_TEXT, &app.settings.log_format, "auto",
     "form of the log; auto: text on a terminal, else JSON", .choices = "auto|text|json"},
    {"log-level", "LOG_LEVEL", SETTING_TEXT, &app.settings.log_level, "info", "least level logged",
     .choices = "debug|info|warn|error"},
    {NULL},
};

int main(int argc, char **argv)
{
    /* Settings; --help, --version and bad values end here. */
    int asked = settings_or_exit(table, argc, argv, "stats_exporter",
                                 "turns a JSON page of statistics into metrics");

    /* For a container's health check: ask the running one. */
    if (asked == SETTINGS_HEALTHCHECK)
        return http_healthcheck(app.settings.listen);

    log_setup_texts("exporter", app.settings.log_format, app.settings.log_level);

    /* The source's client, and the server before it. The source need not be there. */
    int rc = app_start(&app);
    if (rc != OK)
        return rc == ERR_INVALID ? 2 : 1; /* 2: a setting is wrong */

    /* Until a signal; then those that wait are answered. */
    return loop_run(&app.loop);
}
