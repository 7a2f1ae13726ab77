/*
 * Doubles as text: the fewest digits that read back as the same number, laid out as Go and
 * OpenMetrics do (1.0, 0.005, 1e-05, 1.5e+06), so that the same bound has the same label
 * everywhere, whatever the locale.
 *
 * The digits come in two words of eight, and are stored whole: what is written beyond the end of a
 * number is overwritten or not counted. Hence METRIC_NUMBER_MAX.
 */
#include "metrics/digits.h"
#include "metrics/internal.h"
#include "metrics/shortest.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_DIGITS = 17, LARGEST_POSITIONAL = 5, SMALLEST_POSITIONAL = -4 };

/* d.ddd… × 10^exponent */
struct digits {
    char first;
    uint64_t next, last; /* as digits_store takes them */
    int n;               /* without the zeros at the end */
    int exponent;
};

/* The digits from the second on that are not zero at the end. */
static int significant(uint64_t next, uint64_t last)
{
    if (last)
        return 16 - (int)((unsigned)__builtin_clzll(last) / 8);
    return next ? 8 - (int)((unsigned)__builtin_clzll(next) / 8) : 0;
}

static void take_apart(struct digits *d, struct metric_decimal v)
{
    while (v.digits < DIGITS_SIXTEEN / 10)
        v = (struct metric_decimal){v.digits * 10, v.exponent - 1};
    bool shorter = v.digits < DIGITS_SIXTEEN; /* as likely as not: no branch */
    v.digits += v.digits * 9 & -(uint64_t)shorter;
    uint64_t top = v.digits / DIGITS_EIGHT, first = v.digits / DIGITS_SIXTEEN;
    uint64_t next = digits_eight((uint32_t)(top - first * DIGITS_EIGHT));
    uint64_t last = digits_eight((uint32_t)(v.digits % DIGITS_EIGHT));
    d->first = (char)('0' + first);
    d->next = next | DIGITS_ASCII;
    d->last = last | DIGITS_ASCII;
    d->n = 1 + significant(next, last);
    d->exponent = v.exponent - shorter + MAX_DIGITS - 1;
}

static void put_digits(char *p, const struct digits *d)
{
    *p = d->first;
    digits_store(p + 1, d->next);
    digits_store(p + 9, d->last);
}

static char *put_exponent(char *p, int exponent)
{
    unsigned e = (unsigned)abs(exponent);
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    if (e >= 100)
        *p++ = (char)('0' + e / 100);
    *p++ = (char)('0' + e / 10 % 10);
    *p++ = (char)('0' + e % 10);
    return p;
}

static char *scientific(char *p, const struct digits *d)
{
    put_digits(p + 1, d);
    p[0] = d->first;
    p[1] = '.';
    return put_exponent(p + (d->n > 1 ? d->n + 1 : 1), d->exponent);
}

static char *below_one(char *p, const struct digits *d)
{
    memcpy(p, "0.000000", 8);
    put_digits(p + 1 - d->exponent, d);
    return p + 1 - d->exponent + d->n;
}

/* All digits one place to the right of where they belong; then those before the point go to where
 * they do, and the point into the gap. It lies among the first eight bytes. */
static char *from_one_on(char *p, const struct digits *d)
{
    int before = d->exponent + 1;
    uint64_t mask = ((uint64_t)1 << 8 * before) - 1;
    uint64_t eight = d->next << 8 | (unsigned char)d->first;
    put_digits(p + 1, d);
    digits_store(p, (eight & mask) | (uint64_t)'.' << 8 * before | (eight & ~mask) << 8);
    return p + (d->n > before ? d->n + 1 : before + 2);
}

static size_t special(char *out, double v)
{
    const char *text = isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf";
    return (size_t)(stpcpy(out, text) - out);
}

static char *zero(char *p)
{
    memcpy(p, "0.0", 3);
    return p + 3;
}

/* v > 0 and finite. */
static inline char *positive(char *p, double v)
{
    struct digits d;
    take_apart(&d, metric_shortest(v));
    if (d.exponent < SMALLEST_POSITIONAL || d.exponent > LARGEST_POSITIONAL)
        return scientific(p, &d);
    return d.exponent < 0 ? below_one(p, &d) : from_one_on(p, &d);
}

size_t metric_number_bound(char out[static METRIC_NUMBER_MAX], double v)
{
    if (!isfinite(v))
        return special(out, v);
    *out = '-'; /* where it has a sign; else overwritten */
    char *p = out + !!signbit(v);
    return (size_t)((v == 0 ? zero(p) : positive(p, fabs(v))) - out);
}

/* 0 < v < 2^53. Whole numbers, the usual case, need no search for digits. */
static inline char *magnitude(char *p, double v)
{
    int64_t n = (int64_t)v;
    return (double)n == v ? p + digits_u64(p, (uint64_t)n) : positive(p, v);
}

size_t metric_number_value(char out[static METRIC_NUMBER_MAX], double v)
{
    const double exact = 9007199254740992; /* 2^53 */
    *out = v == 0 ? '0' : '-';
    if (v > 0 && v < exact)
        return (size_t)(magnitude(out, v) - out);
    if (v < 0 && v > -exact)
        return (size_t)(magnitude(out + 1, -v) - out);
    return v == 0 && !signbit(v) ? 1 : metric_number_bound(out, v);
}
