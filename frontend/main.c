/* The frontend: serves HTTP, publishes jobs, answers sums from the cache or the database. */
#include "base/log.h"
#include "frontend/app.h"

static struct app app;

static const struct setting table[] = {
    {"listen", "LISTEN", SETTING_ADDRESS, &app.settings.listen, "127.0.0.1:5000",
     "address to serve on"},
    {"database-url", "DATABASE_URL", SETTING_TEXT, &app.settings.database_url,
     "postgres://demo:demo@127.0.0.1:5432/demo", "PostgreSQL"},
    {"redis-url", "REDIS_URL", SETTING_TEXT, &app.settings.redis_url, "redis://127.0.0.1:6379/0",
     "Redis"},
    {"amqp-url", "AMQP_URL", SETTING_TEXT, &app.settings.amqp_url,
     "amqp://guest:guest@127.0.0.1:5672/", "RabbitMQ"},
    {"queue-type", "QUEUE_TYPE", SETTING_TEXT, &app.settings.queue_type, "classic",
     "type of the queue; the backend's must be the same", .choices = "classic|quorum"},
    {"hello-delay", NULL, SETTING_RANGE, &app.settings.hello_delay, "0",
     "milliseconds that GET /hello takes, such as 100-500", .max = 60000},
    {"database-connections", NULL, SETTING_INT, &app.settings.database_connections, "2",
     "connections to PostgreSQL", .min = 1, .max = 64},
    {"publish-window", NULL, SETTING_INT, &app.settings.publish_window, "4096",
     "unconfirmed messages at most; past it requests get 503", .min = 1, .max = 65536},
    {"publish-deadline", NULL, SETTING_INT, &app.settings.publish_deadline_ms, "2000",
     "milliseconds to get a message confirmed; past it the request gets 503", .min = 10,
     .max = 60000},
    {"redis-deadline", NULL, SETTING_INT, &app.settings.redis_deadline_ms, "50",
     "milliseconds to wait for the cache before asking PostgreSQL", .min = 1, .max = 10000},
    {"log-format", "LOG_FORMAT", SETTING_TEXT, &app.settings.log_format, "auto",
     "form of the log; auto: text on a terminal, else JSON", .choices = "auto|text|json"},
    {"log-level", "LOG_LEVEL", SETTING_TEXT, &app.settings.log_level, "info", "least level logged",
     .choices = "debug|info|warn|error"},
    {"log-rate", "LOG_RATE", SETTING_INT, &app.settings.log_rate, "100",
     "lines a second about requests, at most; 0 for none", .max = 1000000},
    {NULL},
};

int main(int argc, char **argv)
{
    /* Settings; --help, --version and bad values end here. */
    int asked = settings_or_exit(table, argc, argv, "frontend", "the HTTP service of the workshop");

    /* For a container's health check: ask the running one. */
    if (asked == SETTINGS_HEALTHCHECK)
        return http_healthcheck(app.settings.listen);

    /* The log first, so that whatever follows can say what is wrong. */
    log_setup_texts("frontend", app.settings.log_format, app.settings.log_level);

    /* RabbitMQ, PostgreSQL, Redis, and the server before them. */
    int rc = app_start(&app);
    if (rc != OK)
        return rc == ERR_INVALID ? 2 : 1; /* 2: a setting is wrong */

    /* Until a signal; then what was promised is finished. */
    return loop_run(&app.loop);
}
