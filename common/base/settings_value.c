/*
 * What texts the types of settings take; see settings_value.h. Stricter than strtol and strtod,
 * which let pass leading space, hexadecimal and "nan": a typing error must not become a number.
 */
#include "base/settings_value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_MAX = 255 };

static bool is_bounded(const struct setting *s)
{
    return s->max > s->min;
}

static bool in_bounds(const struct setting *s, double value)
{
    return value >= s->min && (!is_bounded(s) || value <= s->max);
}

/* Decimal digits with at most a minus before them, all of the `len` bytes. */
static int parse_int(const char *text, size_t len, int64_t *out)
{
    char digits[24];
    bool negative = len > 0 && text[0] == '-';
    if (len >= sizeof digits || len == negative)
        return ERR_INVALID;
    memcpy(digits, text, len);
    digits[len] = '\0';
    if (strspn(digits + negative, "0123456789") != len - negative)
        return ERR_INVALID;
    errno = 0;
    *out = strtoll(digits, NULL, 10);
    return errno ? ERR_INVALID : OK;
}

static int assign_int(const struct setting *s, const char *text)
{
    int64_t value;
    if (parse_int(text, strlen(text), &value) != OK || !in_bounds(s, (double)value))
        return ERR_INVALID;
    *(int64_t *)s->target = value;
    return OK;
}

static int assign_number(const struct setting *s, const char *text)
{
    char *end;
    size_t len = strlen(text);
    if (len == 0 || strspn(text, "0123456789.eE+-") != len || text[0] == '+')
        return ERR_INVALID;
    double value = strtod(text, &end);
    if (end != text + len || !isfinite(value) || !in_bounds(s, value))
        return ERR_INVALID;
    *(double *)s->target = value;
    return OK;
}

static int assign_range(const struct setting *s, const char *text)
{
    struct setting_range r;
    size_t low = strcspn(text, "-");
    const char *high = text[low] ? text + low + 1 : text;
    if (parse_int(text, low, &r.low) != OK || parse_int(high, strlen(high), &r.high) != OK)
        return ERR_INVALID;
    if (r.low > r.high || !in_bounds(s, (double)r.low) || !in_bounds(s, (double)r.high))
        return ERR_INVALID;
    *(struct setting_range *)s->target = r;
    return OK;
}

static int assign_flag(const struct setting *s, const char *text)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return ERR_INVALID;
    *(bool *)s->target = yes;
    return OK;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (const char *c = choices; *c; c += strcspn(c, "|"), c += *c == '|')
        if (strcspn(c, "|") == len && memcmp(c, text, len) == 0)
            return true;
    return false;
}

static int assign_text(const struct setting *s, const char *text)
{
    if (!*text || (s->choices && !is_choice(s->choices, text)))
        return ERR_INVALID;
    *(const char **)s->target = text;
    return OK;
}

static int assign_address(const struct setting *s, const char *text)
{
    char host[HOST_MAX + 1];
    int port;
    if (settings_split_address(text, host, &port) != OK)
        return ERR_INVALID;
    *(const char **)s->target = text;
    return OK;
}

static void clear(const struct setting *s)
{
    switch (s->type) {
    case SETTING_TEXT:
    case SETTING_ADDRESS:
        *(const char **)s->target = NULL;
        break;
    case SETTING_INT:
        *(int64_t *)s->target = 0;
        break;
    case SETTING_NUMBER:
        *(double *)s->target = 0;
        break;
    case SETTING_RANGE:
        *(struct setting_range *)s->target = (struct setting_range){0};
        break;
    case SETTING_FLAG:
        *(bool *)s->target = false;
        break;
    }
}

int setting_assign(const struct setting *s, const char *text)
{
    static int (*const assign[])(const struct setting *, const char *) = {
        [SETTING_TEXT] = assign_text,     [SETTING_INT] = assign_int,
        [SETTING_NUMBER] = assign_number, [SETTING_RANGE] = assign_range,
        [SETTING_FLAG] = assign_flag,     [SETTING_ADDRESS] = assign_address,
    };
    if (text)
        return assign[s->type](s, text);
    clear(s);
    return OK;
}

static void describe_bounds(const struct setting *s, const char *what, char *out, size_t size)
{
    if (is_bounded(s))
        snprintf(out, size, "%s between %.15g and %.15g", what, s->min, s->max);
    else
        snprintf(out, size, "%s of %.15g or more", what, s->min);
}

void setting_describe(const struct setting *s, char *out, size_t size)
{
    switch (s->type) {
    case SETTING_TEXT:
        if (s->choices)
            snprintf(out, size, "one of %s", s->choices);
        else
            snprintf(out, size, "a text of one character or more");
        break;
    case SETTING_INT:
        describe_bounds(s, "a whole number", out, size);
        break;
    case SETTING_NUMBER:
        describe_bounds(s, "a number", out, size);
        break;
    case SETTING_RANGE:
        describe_bounds(s, "whole milliseconds, as 100 or 100-500,", out, size);
        break;
    case SETTING_FLAG:
        snprintf(out, size, "true or false");
        break;
    case SETTING_ADDRESS:
        snprintf(out, size, "HOST:PORT or [V6]:PORT with a port of 0 to 65535");
        break;
    }
}

/* A host is copied without looking it up: only what can be no host is refused. */
static int copy_host(const char *from, size_t len, bool bracketed, char *host)
{
    const char *never = bracketed ? "[]/@ " : "[]:/@ ";
    if (len == 0 || len > HOST_MAX)
        return ERR_INVALID;
    for (size_t i = 0; i < len; i++)
        if (from[i] <= ' ' || from[i] > '~' || strchr(never, from[i]))
            return ERR_INVALID;
    memcpy(host, from, len);
    host[len] = '\0';
    return OK;
}

int settings_split_address(const char *text, char *host, int *port)
{
    const char *colon = strrchr(text, ':');
    int64_t number;
    if (!colon || parse_int(colon + 1, strlen(colon + 1), &number) != OK)
        return ERR_INVALID;
    if (number < 0 || number > 65535 || colon[1] == '-')
        return ERR_INVALID;
    bool bracketed = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    int rc = copy_host(text + bracketed, (size_t)(colon - text) - 2 * bracketed, bracketed, host);
    if (rc == OK)
        *port = (int)number;
    return rc;
}
