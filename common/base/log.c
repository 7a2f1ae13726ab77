/*
 * The log; see log.h.
 *
 * A blocking standard error whose reader is stuck (a pipe, a terminal stopped by Ctrl-S) would hang
 * the loop, and O_NONBLOCK would change it for every process that shares it. So each write is
 * preceded by a poll that does not wait: a pipe that polls writable takes PIPE_BUF bytes at once.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { LOG_TEXT_MAX = 2048 }; /* bytes of one field's text; the rest is cut */

static struct {
    const char *service;
    enum log_format format;
    enum log_level level;
    atomic_uint dropped; /* lines since the last that was written */
    atomic_bool torn;    /* a line was written without its end */
} logger = {.level = LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_labels[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};

void log_setup(const char *service, enum log_format format, enum log_level level)
{
    logger.service = service;
    logger.format = format;
    logger.level = level;
}

bool log_enabled(enum log_level level)
{
    return level >= logger.level;
}

int log_level_parse(const char *text, enum log_level *out)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
        if (strcasecmp(text, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return OK;
        }
    return ERR_INVALID;
}

int log_format_parse(const char *text, enum log_format *out)
{
    bool json = strcasecmp(text, "json") == 0;
    if (strcasecmp(text, "auto") == 0)
        json = !isatty(STDERR_FILENO);
    else if (!json && strcasecmp(text, "text") != 0)
        return ERR_INVALID;
    *out = json ? LOG_JSON : LOG_TEXT;
    return OK;
}

/* Local time for people, UTC for machines. */
static void put_time(struct buf *line)
{
    uint64_t ms = clock_wall_ms();
    time_t seconds = (time_t)(ms / 1000);
    struct tm t;
    char text[32];
    if (logger.format == LOG_JSON)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &t));
    else
        strftime(text, sizeof text, "%H:%M:%S", localtime_r(&seconds, &t));
    buf_printf(line, "%s.%03u%s", text, (unsigned)(ms % 1000),
               logger.format == LOG_JSON ? "Z" : "");
}

static void put_quoted(struct buf *line, const char *text, size_t len)
{
    bool cut = len > LOG_TEXT_MAX;
    buf_char(line, '"');
    buf_json_escaped(line, text, cut ? LOG_TEXT_MAX : len);
    buf_text(line, cut ? "…\"" : "\"");
}

/* Whether a value reads without quotes in the text form. */
static bool is_bare(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~' || strchr("\"\\=", text[i]))
            return false;
    return len > 0 && len <= LOG_TEXT_MAX;
}

static void put_text(struct buf *line, const char *text, size_t len)
{
    if (!text)
        buf_text(line, "null");
    else if (logger.format == LOG_TEXT && is_bare(text, len))
        buf_append(line, text, len);
    else
        put_quoted(line, text, len);
}

static void put_value(struct buf *line, const struct log_field *f)
{
    if (f->type == LOG_FIELD_INT)
        buf_printf(line, "%lld", f->integer);
    else if (f->type == LOG_FIELD_DOUBLE)
        buf_printf(line, isfinite(f->number) ? "%.6g" : "null", f->number);
    else
        put_text(line, f->text, f->text && f->len == SIZE_MAX ? strlen(f->text) : f->len);
}

static void put_field(struct buf *line, const struct log_field *f)
{
    if (logger.format == LOG_JSON) {
        buf_char(line, ',');
        put_quoted(line, f->key, strlen(f->key));
        buf_char(line, ':');
    } else {
        buf_char(line, ' ');
        buf_text(line, f->key);
        buf_char(line, '=');
    }
    put_value(line, f);
}

static void put_head(struct buf *line, enum log_level level, const char *message)
{
    const char *service = logger.service ? logger.service : program_invocation_short_name;
    bool json = logger.format == LOG_JSON;
    buf_text(line, json ? "{\"time\":\"" : "");
    put_time(line);
    if (!json) {
        buf_printf(line, " %s %s  %s", level_labels[level], service, message);
        return;
    }
    buf_printf(line, "\",\"level\":\"%s\"", level_names[level]);
    put_field(line, &LOG_STR("service", service));
    put_field(line, &LOG_STR("message", message));
}

/* Writes what standard error takes without waiting. False where it did not take all. */
static bool write_now(const char *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
        size_t part = n - done < PIPE_BUF ? n - done : PIPE_BUF;
        bool ready = poll(&fd, 1, 0) == 1 && fd.revents & POLLOUT;
        ssize_t wrote = ready ? write(STDERR_FILENO, bytes + done, part) : -1;
        if (wrote < 0 && ready && errno == EINTR)
            continue;
        if (wrote <= 0) {
            atomic_store(&logger.torn, done > 0 || atomic_load(&logger.torn));
            return false;
        }
        done += (size_t)wrote;
        atomic_store(&logger.torn, done < n);
    }
    return true;
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    if (!log_enabled(level))
        return;
    struct buf line = {0};
    unsigned dropped = atomic_exchange(&logger.dropped, 0);
    buf_text(&line, atomic_load(&logger.torn) ? "\n" : "");
    put_head(&line, level, message);
    for (const struct log_field *f = fields; f->key; f++)
        put_field(&line, f);
    if (dropped)
        put_field(&line, &LOG_INT("dropped_lines", dropped));
    buf_text(&line, logger.format == LOG_JSON ? "}\n" : "\n");
    if (!buf_ok(&line) || !write_now(buf_data(&line), buf_len(&line)))
        atomic_fetch_add(&logger.dropped, dropped + 1);
    buf_free(&line);
}

void log_setup_texts(const char *service, const char *format, const char *level)
{
    enum log_format parsed_format = LOG_TEXT;
    enum log_level parsed_level = LOG_INFO;
    int rc = log_format_parse(format, &parsed_format);
    assert(rc == OK && "the settings' table lets no other text through");
    rc = log_level_parse(level, &parsed_level);
    assert(rc == OK && "the settings' table lets no other text through");
    (void)rc;
    log_setup(service, parsed_format, parsed_level);
}
