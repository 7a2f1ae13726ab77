/* The two clocks: one to measure with, one to tell the date. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

/* Monotonic nanoseconds: for durations, time-outs and schedules. */
uint64_t clock_now(void);

/* The same as it was at the kernel's last tick, some milliseconds ago, for a tenth of the price. */
uint64_t clock_coarse(void);

/* Seconds from one clock_now to the next. */
static inline double clock_seconds(uint64_t from, uint64_t to)
{
    return (double)(to - from) / (double)NS_PER_S;
}

/* Milliseconds since 1970-01-01 UTC: for logs, message timestamps and UUIDv7. */
uint64_t clock_wall_ms(void);

#endif
