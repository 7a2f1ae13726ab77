/* The backend: takes jobs from the queue, stores what they order, and generates some itself. */
#include "backend/app.h"
#include "base/log.h"

static struct app app;

static const struct setting table[] = {
    {"listen", "LISTEN", SETTING_ADDRESS, &app.settings.listen, "127.0.0.1:5001",
     "address to serve /metrics, /health and /ready on"},
    {"database-url", "DATABASE_URL", SETTING_TEXT, &app.settings.database_url,
     "postgres://demo:demo@127.0.0.1:5432/demo", "PostgreSQL"},
    {"redis-url", "REDIS_URL", SETTING_TEXT, &app.settings.redis_url, "redis://127.0.0.1:6379/0",
     "Redis"},
    {"amqp-url", "AMQP_URL", SETTING_TEXT, &app.settings.amqp_url,
     "amqp://guest:guest@127.0.0.1:5672/", "RabbitMQ"},
    {"queue-type", "QUEUE_TYPE", SETTING_TEXT, &app.settings.queue_type, "classic",
     "type of the queue; the frontend's must be the same", .choices = "classic|quorum"},
    {"prefetch", NULL, SETTING_INT, &app.settings.prefetch, "2000",
     "unacknowledged messages at most", .min = 1, .max = 65535},
    {"workers", NULL, SETTING_INT, &app.settings.workers, "20",
     "\"hello\" jobs that sleep at the same time, at most", .min = 1, .max = 10000},
    {"job-delay", NULL, SETTING_RANGE, &app.settings.job_delay, "0",
     "milliseconds that a \"hello\" job takes, such as 100-500", .max = 60000},
    {"generators", NULL, SETTING_INT, &app.settings.generators, "1",
     "generators of orders; 0 for none", .max = 1000},
    {"retention", NULL, SETTING_INT, &app.settings.retention_s, "3600",
     "seconds that a row, and the Idempotency-Key with it, is kept", .min = 1, .max = 31536000},
    {"database-connections", NULL, SETTING_INT, &app.settings.database_connections, "2",
     "connections to PostgreSQL", .min = 1, .max = 64},
    {"db-fault-ratio", NULL, SETTING_NUMBER, &app.settings.db_fault_ratio, "0",
     "share of batches that fail on purpose, 0 to 1, to practise on", .max = 1},
    {"log-format", "LOG_FORMAT", SETTING_TEXT, &app.settings.log_format, "auto",
     "form of the log; auto: text on a terminal, else JSON", .choices = "auto|text|json"},
    {"log-level", "LOG_LEVEL", SETTING_TEXT, &app.settings.log_level, "info", "least level logged",
     .choices = "debug|info|warn|error"},
    {"log-rate", "LOG_RATE", SETTING_INT, &app.settings.log_rate, "100",
     "lines a second about jobs, at most; 0 for none", .max = 1000000},
    {NULL},
};

int main(int argc, char **argv)
{
    /* Settings; --help, --version and bad values end here. */
    int asked = settings_or_exit(table, argc, argv, "backend", "the worker of the workshop");

    /* For a container's health check: ask the running one. */
    if (asked == SETTINGS_HEALTHCHECK)
        return http_healthcheck(app.settings.listen);

    /* The log first, so that whatever follows can say what is wrong. */
    log_setup_texts("backend", app.settings.log_format, app.settings.log_level);

    /* The parts, then the clients that feed them. */
    int rc = app_start(&app);
    if (rc != OK)
        return rc == ERR_INVALID ? 2 : 1; /* 2: a setting is wrong */

    /* Until a signal; then what was promised is finished. */
    return loop_run(&app.loop);
}
