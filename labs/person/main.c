/* person: people in memory, over HTTP. The table of contents. */
#include "base/log.h"
#include "person/app.h"

static struct app app;

static const struct setting table[] = {
    {"listen", "LISTEN", SETTING_ADDRESS, &app.settings.listen, "127.0.0.1:7080",
     "address to serve on"},
    {"get-delay", NULL, SETTING_RANGE, &app.settings.get_delay, "0",
     "milliseconds that a read takes, such as 5-50", .max = DELAY_MAX_MS},
    {"list-delay", NULL, SETTING_RANGE, &app.settings.list_delay, "0",
     "milliseconds that a list takes", .max = DELAY_MAX_MS},
    {"post-delay", NULL, SETTING_RANGE, &app.settings.post_delay, "0",
     "milliseconds that a creation takes", .max = DELAY_MAX_MS},
    {"put-delay", NULL, SETTING_RANGE, &app.settings.put_delay, "0",
     "milliseconds that an update takes", .max = DELAY_MAX_MS},
    {"delete-delay", NULL, SETTING_RANGE, &app.settings.delete_delay, "0",
     "milliseconds that a deletion takes", .max = DELAY_MAX_MS},
    {"people-max", NULL, SETTING_INT, &app.settings.people_max, "100000",
     "people at most; past it POST gets 507", .min = 1, .max = PEOPLE_MAX},
    {"log-format", "LOG_FORMAT", SETTING_TEXT, &app.settings.log_format, "auto",
     "form of the log; auto: text on a terminal, else JSON", .choices = "auto|text|json"},
    {"log-level", "LOG_LEVEL", SETTING_TEXT, &app.settings.log_level, "info", "least level logged",
     .choices = "debug|info|warn|error"},
    {NULL},
};

int main(int argc, char **argv)
{
    /* Settings; --help, --version and bad values end here. */
    int asked = settings_or_exit(table, argc, argv, "person", "people in memory, over HTTP");

    /* For a container's health check: ask the running one. */
    if (asked == SETTINGS_HEALTHCHECK)
        return http_healthcheck(app.settings.listen);

    log_setup_texts("person", app.settings.log_format, app.settings.log_level);

    int rc = app_start(&app);
    if (rc != OK)
        return rc == ERR_INVALID ? 2 : 1; /* 2: a setting is wrong */

    /* Until a signal; then what is being asked is answered. */
    rc = loop_run(&app.loop);
    app_free(&app);
    return rc;
}
