/*
 * The shortest decimal number that reads back as a given double, and of those the nearest to it.
 *
 * The algorithm is the Schubfach of R. Giulietti ("The Schubfach way to render doubles", 2020): of
 * the decimal numbers with one digit less than could be needed, at most two can lie between the
 * double's neighbours, so that they need only be tried, with one product of 64 by 128 bits each.
 * The powers of ten behind it are computed, exactly, at the first call of the program.
 */
#ifndef METRICS_SHORTEST_H
#define METRICS_SHORTEST_H

#include <stdint.h>

/* digits × 10^exponent; fewer than 18 digits, and there may be zeros at their end. */
struct metric_decimal {
    uint64_t digits;
    int exponent;
};

/* v > 0 and finite. From any thread. */
struct metric_decimal metric_shortest(double v);

#endif
