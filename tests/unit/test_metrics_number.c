/*
 * Doubles as text, against the slow way: every number must read back the same, and no fewer digits
 * may do. The slow way is what printf's "%.*e" needs; it rounds correctly, so a shorter number that
 * is not the nearest one of its length escapes it, and ours may be shorter by that.
 */
#include "metrics/digits.h"
#include "metrics/internal.h"
#include "metrics_page.h"

enum { RANDOM = 100000, MAX_DIGITS = 17 };

static uint64_t random_bits(void)
{
    static uint64_t x = 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

static double double_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Without the zeros around them. Returns how many. */
static int take_digits(const char *number, char digits[static 40])
{
    int n = 0;
    for (; *number && *number != 'e'; number++)
        if (*number >= '0' && *number <= '9' && (n || *number != '0'))
            digits[n++] = *number;
    while (n && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return n;
}

static int digits_needed(double v)
{
    char text[40];
    for (int n = 1; n < MAX_DIGITS; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, v);
        if (strtod(text, NULL) == v)
            return n;
    }
    return MAX_DIGITS;
}

/* Of all numbers with so many digits, it is the nearest one, unless that does not read back. */
static void assert_nearest(double v, int n, const char *digits)
{
    char rounded[40], its_digits[40];
    snprintf(rounded, sizeof rounded, "%.*e", n - 1, v);
    if (strtod(rounded, NULL) != v)
        return;
    take_digits(rounded, its_digits);
    assert_string_equal(digits, its_digits);
}

static void assert_shortest(double v)
{
    char text[METRIC_NUMBER_MAX + 1], digits[40];
    if (!isfinite(v) || v == 0)
        return;
    text[metric_number_bound(text, v)] = '\0';
    assert_true(strtod(text, NULL) == v);
    int n = take_digits(text, digits);
    assert_in_range(n, 1, digits_needed(v));
    assert_nearest(v, n, digits);
}

static void random_bits_are_written_shortest(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM; i++)
        assert_shortest(double_of(random_bits()));
}

static void latencies_are_written_shortest(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM; i++) {
        double uniform = (double)(random_bits() >> 11) * 0x1p-53;
        assert_shortest(-log(1 - uniform) * .5);
        assert_shortest(round(uniform * 1e9) / 1e9); /* as a clock gives them */
    }
}

/* A power of two is farther from the number above than from that below. */
static void powers_and_their_neighbours_are_written_shortest(void **state)
{
    (void)state;
    for (int e = -1074; e < 1024; e++) {
        assert_shortest(ldexp(1, e));
        assert_shortest(nextafter(ldexp(1, e), INFINITY));
        assert_shortest(nextafter(ldexp(1, e), 0));
    }
    for (int e = -323; e < 309; e++) {
        char power[10];
        snprintf(power, sizeof power, "1e%d", e);
        assert_shortest(strtod(power, NULL));
        assert_shortest(nextafter(strtod(power, NULL), 0));
    }
}

static void short_decimals_are_written_as_they_were(void **state)
{
    (void)state;
    for (int i = 1; i < RANDOM; i++) {
        char text[40], digits[40], ours[METRIC_NUMBER_MAX + 1], our_digits[40];
        uint64_t n = random_bits() % 1000000000000000u; /* 15 digits always survive */
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)n, i % 60 - 40);
        ours[metric_number_bound(ours, strtod(text, NULL))] = '\0';
        take_digits(text, digits);
        take_digits(ours, our_digits);
        assert_string_equal(our_digits, digits);
    }
}

static void assert_whole(uint64_t n)
{
    char text[DIGITS_ROOM + 1], expected[DIGITS_ROOM + 1];
    snprintf(expected, sizeof expected, "%llu", (unsigned long long)n);
    text[digits_u64(text, n)] = '\0';
    assert_string_equal(text, expected);
}

static void whole_numbers_are_written_as_printf_does(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 10100; n++)
        assert_whole(n);
    for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10) {
        assert_whole(power - 1);
        assert_whole(power);
        assert_whole(power * 10 - 1);
    }
    assert_whole(UINT64_MAX);
    for (int i = 0; i < RANDOM; i++)
        assert_whole(random_bits() >> i % 64);
}

/* Each layout with each number of digits, and nothing beyond METRIC_NUMBER_MAX is touched. */
static void no_number_needs_more_room_than_there_is(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM; i++) {
        char text[METRIC_NUMBER_MAX + 1];
        double v = -double_of(random_bits());
        text[METRIC_NUMBER_MAX] = 'x';
        assert_in_range(metric_number_value(text, i % 2 ? v : fmod(v, 1e5)), 1, METRIC_NUMBER_MAX);
        assert_int_equal(text[METRIC_NUMBER_MAX], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bits_are_written_shortest),
        cmocka_unit_test(latencies_are_written_shortest),
        cmocka_unit_test(powers_and_their_neighbours_are_written_shortest),
        cmocka_unit_test(short_decimals_are_written_as_they_were),
        cmocka_unit_test(whole_numbers_are_written_as_printf_does),
        cmocka_unit_test(no_number_needs_more_room_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
