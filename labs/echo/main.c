/* The echo server: answers a gRPC call with what it was sent, and tells of it at /metrics. */
#include "base/log.h"
#include "echo/app.h"

static struct app app;

static const struct setting table[] = {
    {"listen", "LISTEN", SETTING_ADDRESS, &app.settings.listen, "127.0.0.1:50051",
     "address to serve gRPC on"},
    {"metrics-listen", "METRICS_LISTEN", SETTING_ADDRESS, &app.settings.metrics_listen,
     "127.0.0.1:50052", "address to serve /metrics, /health and /ready on, over HTTP/1.1"},
    {"error-ratio", "ERROR_RATIO", SETTING_NUMBER, &app.echo.error_ratio, "0",
     "share of the calls that fail with INTERNAL", .max = 1},
    {"delay", "DELAY", SETTING_RANGE, &app.echo.delay, "0",
     "milliseconds that an answer takes, such as 5-50", .max = 60000},
    {"max-message", NULL, SETTING_INT, &app.settings.max_message, "4194304",
     "bytes of a request at most; past it RESOURCE_EXHAUSTED", .min = 1, .max = 64 << 20},
    {"log-format", "LOG_FORMAT", SETTING_TEXT, &app.settings.log_format, "auto",
     "form of the log; auto: text on a terminal, else JSON", .choices = "auto|text|json"},
    {"log-level", "LOG_LEVEL", SETTING_TEXT, &app.settings.log_level, "info", "least level logged",
     .choices = "debug|info|warn|error"},
    {NULL},
};

int main(int argc, char **argv)
{
    /* Settings; --help, --version and bad values end here. */
    int asked =
        settings_or_exit(table, argc, argv, "echo", "a gRPC service that says what it was told");

    /* For a container's health check: ask the running one. */
    if (asked == SETTINGS_HEALTHCHECK)
        return http_healthcheck(app.settings.metrics_listen);

    log_setup_texts("echo", app.settings.log_format, app.settings.log_level);

    /* The pages over HTTP/1.1, and the service over HTTP/2. */
    int rc = app_start(&app);
    if (rc != OK)
        return rc == ERR_INVALID ? 2 : 1; /* 2: a setting is wrong */

    /* Until a signal; then the calls under way are finished. */
    return loop_run(&app.loop);
}
