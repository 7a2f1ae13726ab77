/* Doubles to decimal digits; see shortest.h. */
#include "metrics/shortest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

typedef unsigned __int128 u128;

/* ---- Powers of ten -------------------------------------------------------------------------- */

/* The powers that doubles need, each as its first 128 bits, rounded up. */
enum { POWER_MIN = -292, POWER_MAX = 324 };
static u128 powers[POWER_MAX - POWER_MIN + 1];
static atomic_bool powers_are_there;

/* A whole number of WORDS * 64 bits, the lowest first; enough for 5^324, and for 2^831 / 5^292 to
 * have 128 bits and more. */
enum { WORDS = 13 };

static void times_5(uint64_t big[WORDS])
{
    u128 carry = 0;
    for (int i = 0; i < WORDS; i++) {
        carry += (u128)big[i] * 5;
        big[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

/* 2^64 is 5 times this plus 1, which spares the division of 128 bits. */
static void divide_by_5(uint64_t big[WORDS])
{
    const uint64_t fifth = UINT64_MAX / 5;
    uint64_t rest = 0;
    for (int i = WORDS - 1; i >= 0; i--) {
        uint64_t low = big[i] % 5 + rest;
        big[i] = big[i] / 5 + rest * fifth + low / 5;
        rest = low % 5;
    }
}

/* The first 128 bits; `more` says whether any of those behind is set. */
static u128 first_bits(const uint64_t big[WORDS], bool *more)
{
    int i = WORDS - 1;
    while (!big[i])
        i--;
    int shift = __builtin_clzll(big[i]);
    uint64_t second = i > 0 ? big[i - 1] : 0, third = i > 1 ? big[i - 2] : 0;
    u128 bits = ((u128)big[i] << 64 | second) << shift;
    if (shift)
        bits |= third >> (64 - shift);
    *more = third << shift;
    for (i -= 3; i >= 0; i--)
        *more |= big[i] != 0;
    return bits;
}

/* The powers of two in those of ten only move the point, which is not kept. A quotient has bits
 * without end, so it is always rounded up. */
static void make_powers(void)
{
    uint64_t product[WORDS] = {1}, quotient[WORDS] = {[WORDS - 1] = (uint64_t)1 << 63};
    bool more;
    for (int k = 0; k <= POWER_MAX; k++, times_5(product)) {
        u128 bits = first_bits(product, &more);
        powers[k - POWER_MIN] = bits + more;
    }
    for (int k = -1; k >= POWER_MIN; k--) {
        divide_by_5(quotient);
        powers[k - POWER_MIN] = first_bits(quotient, &more) + 1;
    }
    atomic_store_explicit(&powers_are_there, true, memory_order_release);
}

static __attribute__((cold, noinline)) void make_powers_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_powers);
}

/* ---- Logarithms, rounded down; good for all exponents that doubles have ---------------------- */

static int log2_of_power_of_10(int k)
{
    return k * 1741647 >> 19; /* log2(10) * 2^19 */
}

/* Of 2^q, or where the neighbour below is nearer, of 3/4 * 2^q. */
static int log10_of_power_of_2(int q, bool nearer)
{
    return (q * 1262611 - (nearer ? 524031 : 0)) >> 22; /* log10(2) * 2^22, log10(4/3) * 2^22 */
}

/* ---- The search, exact ---------------------------------------------------------------------- */

/* mantissa * 2^q, whose neighbour below may be nearer than that above. Times 10^-k, which is power
 * * 2^(h - 128 - q), the neighbours are from one to ten apart. */
struct scale {
    u128 power;
    int k, h;
};

static struct scale scale_of(int q, bool nearer)
{
    int k = log10_of_power_of_2(q, nearer);
    return (struct scale){powers[-k - POWER_MIN], k, q + log2_of_power_of_10(-k) + 1};
}

/* power * n / 2^128, whose lowest bit tells also whether there was a fraction ("round to odd"), so
 * that comparing it with whole numbers comes out right. */
static uint64_t scaled(u128 power, uint64_t n)
{
    u128 low = (u128)(uint64_t)power * n;
    u128 high = (u128)(uint64_t)(power >> 64) * n + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* All in quarters of the last digit: the number, and the ends of what reads back as it. */
struct interval {
    uint64_t value, lower, upper;
};

/* `step` is 1, or 10 for a digit less. Sets `digits` where one multiple alone is inside. */
static bool only_one_inside(const struct interval *in, uint64_t step, uint64_t *digits)
{
    uint64_t below = in->value / 4 / step * step;
    bool is_inside = in->lower <= below * 4;
    bool next_is_inside = (below + step) * 4 <= in->upper;
    *digits = below + (next_is_inside ? step : 0);
    return is_inside != next_is_inside;
}

static uint64_t search(const struct interval *in)
{
    uint64_t digits;
    if (in->value >= 40 && only_one_inside(in, 10, &digits))
        return digits;
    if (only_one_inside(in, 1, &digits))
        return digits;
    uint64_t below = in->value / 4, half = in->value % 4; /* both or none: the nearest, or even */
    return below + (half > 2 || (half == 2 && below & 1));
}

/* The ends themselves read back where the mantissa is even. */
static __attribute__((noinline)) struct metric_decimal exactly(uint64_t mantissa, int q,
                                                               bool nearer)
{
    struct scale scale = scale_of(q, nearer);
    uint64_t four = mantissa << 2, odd = mantissa & 1;
    const struct interval in = {
        .value = scaled(scale.power, four << scale.h),
        .lower = scaled(scale.power, (four - 2 + nearer) << scale.h) + odd,
        .upper = scaled(scale.power, (four + 2) << scale.h) - odd,
    };
    return (struct metric_decimal){search(&in), scale.k};
}

/* ---- The search, fast ----------------------------------------------------------------------- */

static bool are_close(uint64_t a, uint64_t b)
{
    const uint64_t error = 8; /* more than the sum of what was rounded off */
    return a - b + error <= 2 * error;
}

/* One product instead of three, and no branch that depends on the number: `rest` is the distance
 * from the multiple of ten below, `reach` half the distance of the neighbours, both in 2^-60. They
 * are good to a few units; where that does not decide, the exact way does. */
static struct metric_decimal quickly(uint64_t mantissa, int q)
{
    const uint64_t ten = (uint64_t)10 << 60, half = (uint64_t)1 << 63;
    struct scale scale = scale_of(q, false);
    uint64_t n = mantissa << scale.h, power = (uint64_t)(scale.power >> 64);
    u128 product = (u128)power * n + (uint64_t)((u128)(uint64_t)scale.power * n >> 64);
    uint64_t digits = (uint64_t)(product >> 64), fraction = (uint64_t)product;
    uint64_t tens = digits / 10 * 10;
    uint64_t rest = (digits - tens) << 60 | fraction >> 4, reach = power >> (5 - scale.h);
    if (are_close(rest, reach) || are_close(ten - rest, reach) || are_close(fraction, half))
        return exactly(mantissa, q, false);
    digits += fraction > half;
    digits += (tens - digits) & -(uint64_t)(rest < reach);
    digits += (tens + 10 - digits) & -(uint64_t)(ten - rest < reach);
    return (struct metric_decimal){digits, scale.k};
}

struct metric_decimal metric_shortest(double v)
{
    uint64_t bits;
    if (!atomic_load_explicit(&powers_are_there, memory_order_acquire))
        make_powers_once();
    memcpy(&bits, &v, sizeof bits);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1), hidden = (uint64_t)1 << 52;
    int exponent = (int)(bits >> 52);
    if (fraction && exponent)
        return quickly(hidden | fraction, exponent - 1075);
    return exponent ? exactly(hidden, exponent - 1075, exponent > 1)
                    : exactly(fraction, -1074, false);
}
