/*
 * The log: one line an event, to standard error, as text for people or JSON for Loki.
 *
 *     log_info("listening", LOG_STR("address", address), LOG_INT("connections", n));
 *
 * The message is constant text, all that varies is a field: so that events can be counted and
 * searched. Every line carries time, level, service and message. Fields live only during the call.
 * A line leaves in one write(2); one that would block for ever is not retried: what was not written
 * is counted, and told in the next line that is (the loop must not hang on its log).
 * Lines that come with each request need a budget besides (base/budget.h).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
    const char *key; /* NULL ends a list */
    const char *text;
    size_t len;
    double number;
    enum { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_DOUBLE } type;
    long long integer;
};

#define LOG_STR(k, v)                                                                              \
    (struct log_field)                                                                             \
    {                                                                                              \
        .key = (k), .text = (v), .len = (size_t)-1, .type = LOG_FIELD_TEXT                         \
    }
#define LOG_BYTES(k, v, n)                                                                         \
    (struct log_field)                                                                             \
    {                                                                                              \
        .key = (k), .text = (v), .len = (n), .type = LOG_FIELD_TEXT                                \
    }
#define LOG_INT(k, v)                                                                              \
    (struct log_field)                                                                             \
    {                                                                                              \
        .key = (k), .integer = (v), .type = LOG_FIELD_INT                                          \
    }
#define LOG_DBL(k, v)                                                                              \
    (struct log_field)                                                                             \
    {                                                                                              \
        .key = (k), .number = (v), .type = LOG_FIELD_DOUBLE                                        \
    }
/* An error code as its name and text. */
#define LOG_ERR(code) LOG_STR("error", err_text(code))

#define LOG_AT(level, message, ...)                                                                \
    log_write(level, message, (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})
#define log_debug(message, ...) LOG_AT(LOG_DEBUG, message __VA_OPT__(, ) __VA_ARGS__)
#define log_info(message, ...)  LOG_AT(LOG_INFO, message __VA_OPT__(, ) __VA_ARGS__)
#define log_warn(message, ...)  LOG_AT(LOG_WARN, message __VA_OPT__(, ) __VA_ARGS__)
#define log_error(message, ...) LOG_AT(LOG_ERROR, message __VA_OPT__(, ) __VA_ARGS__)

/* Call once, before the first line; `service` must live for ever. Defaults: text, LOG_INFO. */
void log_setup(const char *service, enum log_format format, enum log_level level);

/* Whether a level is on, for events whose fields are dear to make. */
bool log_enabled(enum log_level level);

void log_write(enum log_level level, const char *message, const struct log_field *fields);

/* log_setup with the settings' texts, which must be valid ones (the table's .choices). */
void log_setup_texts(const char *service, const char *format, const char *level);

/* Texts of settings: 0 or ERR_INVALID. A format of "auto" is text on a terminal and JSON elsewhere:
 * people look there, and machines here. */
int log_level_parse(const char *text, enum log_level *out) MUST_CHECK;
int log_format_parse(const char *text, enum log_format *out) MUST_CHECK;

#endif
