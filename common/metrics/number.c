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

typedef unsigned __int128 u128;

/* The multiple of `step` nearest to part / 2^shift, ties to even. */
static uint64_t round_to(u128 part, int shift, uint64_t step)
{
    uint64_t n = (uint64_t)(part >> shift);
    uint64_t times = n / step;
    u128 rest = part - ((u128)(times * step) << shift);
    u128 half = ((u128)step << shift) >> 1;
    if (rest > half || (rest == half && times & 1))
        times++;
    return times * step;
}

/* Whether n reads back as the number that part / 2^shift is, whose neighbours are 2 * reach away.
 */
static bool reads_back(uint64_t n, u128 part, int shift, u128 reach, bool even)
{
    u128 scaled = (u128)n << shift;
    u128 off = scaled > part ? scaled - part : part - scaled;
    return off < reach || (off == reach && even);
}

static void take_digits(uint64_t n, int scale, struct decimal *d)
{
    for (; n % 10 == 0; n /= 10)
        scale--;
    char digits[20];
    char *p = digits + sizeof digits;
    for (; n; n /= 10)
        *--p = (char)('0' + n % 10);
    d->n = (int)(digits + sizeof digits - p);
    d->exponent = d->n - 1 - scale;
    memcpy(d->digits, p, (size_t)d->n);
}

/* The same as below for 10^-5 <= v < 10^9, where latencies and their sums lie, about ten times
 * as fast. There v = mantissa / 2^shift, and that times 10^scale, which has 17 digits, fits into
 * 128 bits exactly. Digits are dropped for as long as the rest reads back. A power of two is left
 * to the other way: its lower neighbour is nearer. */
static bool shortest_exact(double v, struct decimal *d)
{
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(v, &exponent), 53);
    int shift = 53 - exponent, scale = 16;
    if (v < 1e-5 || v >= 1e9 || mantissa == (uint64_t)1 << 52)
        return false;
    u128 power = 10000000000000000; /* 10^scale */
    for (double x = v; x < 1; x *= 10, scale++)
        power *= 10;
    for (double x = v; x >= 10; x /= 10, scale--)
        power /= 10;
    u128 part = mantissa * power;
    bool even = !(mantissa & 1);
    uint64_t n = round_to(part, shift, 1);
    for (uint64_t step = 10; step <= 10000000000000000; step *= 10) {
        uint64_t shorter = round_to(part, shift, step);
        if (!reads_back(shorter, part, shift, power / 2, even))
            break;
        n = shorter;
    }
    take_digits(n, scale, d);
    return true;
}

static void shortest(double v, struct decimal *d)
{
    char text[48];
    if (shortest_exact(v, d))
        return;
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
