/* Values of scenario files; see plan_value.h. */
#include "traffic/plan_value.h"

#include "base/buf.h"
#include "traffic/lines.h"
#include "traffic/plan.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Complaints ----------------------------------------------------------------------------------- */

void reader_enter(struct reader *r, const char *key)
{
    assert(r->depth < READER_DEPTH_MAX);
    r->path[r->depth++] = key;
}

void reader_leave(struct reader *r)
{
    r->depth--;
}

static int refuse(const struct reader *r, const char *format, va_list args)
{
    char where[120] = "", why[160];
    vsnprintf(why, sizeof why, format, args);
    for (size_t i = 0, len = 0; i < r->depth && len < sizeof where; i++)
        len +=
            (size_t)snprintf(where + len, sizeof where - len, "%s%.40s", i ? "." : "", r->path[i]);
    return err_set(r->err, ERR_INVALID, "%.60s:%zu: %s%s%s", r->file,
                   lines_of(r->text, r->len, r->path, r->depth), where, *where ? ": " : "", why);
}

int reader_refuse(const struct reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = refuse(r, format, args);
    va_end(args);
    return rc;
}

int reader_refuse_key(struct reader *r, const char *key, const char *format, ...)
{
    va_list args;
    reader_enter(r, key);
    va_start(args, format);
    int rc = refuse(r, format, args);
    va_end(args);
    reader_leave(r);
    return rc;
}

/* Values --------------------------------------------------------------------------------------- */

/* NULL with *rc ERR_INVALID or OK where the key is not there. */
static const json_t *find(struct reader *r, const json_t *object, const char *key, bool required,
                          int *rc)
{
    const json_t *value = json_object_get(object, key);
    *rc = value || !required ? OK : reader_refuse(r, "\"%s\" is missing", key);
    return value;
}

int read_text(struct reader *r, const json_t *object, const char *key, bool required,
              const char **out)
{
    int rc;
    const json_t *value = find(r, object, key, required, &rc);
    if (!value)
        return rc;
    if (!json_is_string(value) || json_string_length(value) == 0)
        return reader_refuse_key(r, key, "must be a text that is not empty");
    *out = json_string_value(value);
    return OK;
}

int read_integer(struct reader *r, const json_t *object, const char *key, bool required,
                 int64_t min, int64_t max, int64_t *out)
{
    int rc;
    const json_t *value = find(r, object, key, required, &rc);
    if (!value)
        return rc;
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < min || n > max)
        return reader_refuse_key(r, key, "must be a whole number from %lld to %lld", (long long)min,
                                 (long long)max);
    *out = n;
    return OK;
}

int read_number(struct reader *r, const json_t *object, const char *key, bool required,
                bool positive, double max, double *out)
{
    int rc;
    const json_t *value = find(r, object, key, required, &rc);
    if (!value)
        return rc;
    double n = json_number_value(value);
    if (!json_is_number(value) || n < 0 || n > max || (positive && n <= 0))
        return reader_refuse_key(r, key, "must be a number %s 0, and at most %.0f",
                                 positive ? "above" : "from", max);
    *out = n;
    return OK;
}

static double unit_of(const char **at)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ms", .001}, {"h", 3600}, {"m", 60}, {"s", 1}}; /* "ms" before "m" */
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t len = strlen(units[i].name);
        if (strncmp(*at, units[i].name, len) == 0) {
            *at += len;
            return units[i].seconds;
        }
    }
    return 0;
}

bool seconds_parse(const char *text, double max, double *out)
{
    double sum = 0;
    const char *at = text;
    do {
        char *end;
        if (*at < '0' || *at > '9') /* no sign, blank, "inf" or "nan", which strtod takes */
            return false;
        double n = strtod(at, &end);
        at = end;
        double unit = unit_of(&at);
        if (unit == 0)
            return false;
        sum += n * unit;
    } while (*at);
    *out = sum;
    return sum <= max;
}

int read_seconds(struct reader *r, const json_t *object, const char *key, bool required,
                 bool positive, double *out)
{
    int rc;
    double n = 0;
    const json_t *value = find(r, object, key, required, &rc);
    if (!value)
        return rc;
    if (!json_is_string(value) || !seconds_parse(json_string_value(value), PLAN_SECONDS_MAX, &n) ||
        (positive && n <= 0))
        return reader_refuse_key(r, key, "must be a time such as \"500ms\", \"30s\", \"1h30m\"%s",
                                 positive ? ", above 0" : "");
    *out = n;
    return OK;
}

static bool range_parse(const char *text, struct setting_range *out)
{
    int used = 0;
    long long low = 0, high = 0;
    if (strspn(text, "0123456789-") != strlen(text) || strlen(text) > 20)
        return false;
    if (sscanf(text, "%lld-%lld%n", &low, &high, &used) < 2 || text[used]) {
        used = 0;
        if (sscanf(text, "%lld%n", &low, &used) < 1 || text[used])
            return false;
        high = low;
    }
    *out = (struct setting_range){low, high};
    return low >= 0 && low <= high && high <= PLAN_PAUSE_MAX_MS;
}

int read_range(struct reader *r, const json_t *object, const char *key, struct setting_range *out)
{
    int rc;
    const json_t *value = find(r, object, key, false, &rc);
    if (!value)
        return rc;
    if (!json_is_string(value) || !range_parse(json_string_value(value), out))
        return reader_refuse_key(r, key, "must be milliseconds such as \"100-500\" or \"0\"");
    return OK;
}

static void list_keys(const char *const *known, struct buf *out)
{
    for (size_t i = 0; known[i]; i++)
        buf_printf(out, "%s%s", i ? ", " : "", known[i]);
}

int refuse_others(struct reader *r, json_t *object, const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (known[i])
            continue;
        struct buf keys = {0};
        list_keys(known, &keys);
        int rc = reader_refuse_key(r, key, "is not known here; known: %s", buf_cstr(&keys));
        buf_free(&keys);
        return rc;
    }
    return OK;
}
