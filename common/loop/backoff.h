/*
 * How long to wait before the next attempt: exponential with full jitter, and a cap. Pure: the
 * caller brings the randomness, so tests need none.
 */
#ifndef LOOP_BACKOFF_H
#define LOOP_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint32_t first_ms, cap_ms; /* 0 < first_ms <= cap_ms */
    uint32_t attempt;          /* failures since the last success */
};

/* The delay before the next attempt, in milliseconds: uniform in [first/2, min(cap, first · 2^n)],
 * never less than half of first_ms so that a fast refusal does not spin. Counts the attempt. */
uint32_t backoff_next(struct backoff *b, uint32_t random);

/* After a success. */
void backoff_reset(struct backoff *b);

#endif
