/*
 * A budget of so many events a second, for what may happen a hundred thousand times a second and
 * must not cost or fill anything then, such as lines in the log. It holds at most one second's
 * worth, which a burst may spend at once.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
    double rate; /* a second */
    double left;
    uint64_t filled_at; /* clock_coarse */
};

/* Full; 0 allows nothing. */
void budget_init(struct budget *b, double rate);

/* Spends one and returns true, where more than `reserve` (0 to 1: a share of the rate) is left. The
 * reserve is for those who ask with a smaller one. */
bool budget_take(struct budget *b, double reserve);

#endif
