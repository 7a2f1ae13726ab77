/*
 * Doubles as text: the fewest digits that read back as the same number, laid out as Go and
 * OpenMetrics do (1.0, 0.005, 1e-05, 1.5e+06), so that the same bound has the same label
 * everywhere.
 *
 * The locale may write 0,5: only the digits are taken from printf, the point is set here.
 */
#include "metrics/internal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIGITS = 17, LARGEST_POSITIONAL = 6, SMALLEST_POSITIONAL = -4 };

/* |v| = 0.d1d2d3… × 10^(exponent + 1) */
struct decimal {
    char digits[MAX_DIGITS];
    int n;
    int exponent;
};

/* Out of "d.ddde±xx" with whatever point. */
static void take_apart(const char *text, struct decimal *d)
{
    d->n = 0;
    for (; *text != 'e'; text++)
        if (*text >= '0' && *text <= '9')
            d->digits[d->n++] = *text;
    d->exponent = atoi(text + 1);
    while (d->n > 1 && d->digits[d->n - 1] == '0')
        d->n--;
}

static void shortest(double v, struct decimal *d)
{
    char text[48];
    int at_least = v < DBL_MIN ? 1 : 15; /* 15 digits always survive, but not below DBL_MIN */
    for (int digits = at_least; digits <= MAX_DIGITS; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, v);
        if (strtod(text, NULL) == v)
            break;
    }
    take_apart(text, d);
}

static char *scientific(char *p, const struct decimal *d)
{
    *p++ = d->digits[0];
    if (d->n > 1) {
        *p++ = '.';
        memcpy(p, d->digits + 1, (size_t)d->n - 1);
        p += d->n - 1;
    }
    return p + sprintf(p, "e%c%02d", d->exponent < 0 ? '-' : '+', abs(d->exponent));
}

static char *positional(char *p, const struct decimal *d)
{
    int before = d->exponent + 1; /* digits before the point */
    if (before <= 0)
        *p++ = '0';
    for (int i = 0; i < before; i++)
        *p++ = i < d->n ? d->digits[i] : '0';
    *p++ = '.';
    for (int i = before; i < 0; i++)
        *p++ = '0';
    if (before >= d->n)
        *p++ = '0';
    for (int i = before > 0 ? before : 0; i < d->n; i++)
        *p++ = d->digits[i];
    return p;
}

static size_t special(char *out, double v)
{
    const char *text = isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf";
    return (size_t)(stpcpy(out, text) - out);
}

size_t metric_number_bound(char out[static METRIC_NUMBER_MAX], double v)
{
    if (!isfinite(v))
        return special(out, v);
    char *p = out;
    if (signbit(v))
        *p++ = '-';
    struct decimal d;
    shortest(fabs(v), &d);
    bool wide = d.exponent < SMALLEST_POSITIONAL || d.exponent >= LARGEST_POSITIONAL;
    return (size_t)((wide ? scientific(p, &d) : positional(p, &d)) - out);
}

/* Whole numbers that a double holds exactly, the usual case, need no search for digits. */
static size_t whole(char *out, double v)
{
    char digits[20];
    char *p = digits + sizeof digits;
    uint64_t n = (uint64_t)fabs(v);
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    if (v < 0)
        *--p = '-';
    size_t len = (size_t)(digits + sizeof digits - p);
    memcpy(out, p, len);
    return len;
}

size_t metric_number_value(char out[static METRIC_NUMBER_MAX], double v)
{
    const double exact = 9007199254740992; /* 2^53 */
    if (fabs(v) < exact && v == (double)(int64_t)v && !(v == 0 && signbit(v)))
        return whole(out, v);
    return metric_number_bound(out, v);
}
