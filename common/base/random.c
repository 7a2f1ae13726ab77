/*
 * xoshiro256++ (Blackman and Vigna): four words of state, so that the ids of hundreds of programs
 * that were each seeded at random do not meet. See random.h.
 */
#include "base/random.h"

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/random.h>
#include <unistd.h>

static _Thread_local struct {
    uint64_t words[4];
    bool seeded;
} generator;

static uint64_t rotated(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

/* All zeroes is the one state that it would never leave. */
static void seed(uint64_t s[4])
{
    ssize_t got = getrandom(s, sizeof generator.words, GRND_NONBLOCK);
    if (got != (ssize_t)sizeof generator.words || (s[0] | s[1] | s[2] | s[3]) == 0) {
        s[0] = clock_now();
        s[1] = clock_wall_ms();
        s[2] = (uint64_t)getpid();
        s[3] = (uint64_t)(uintptr_t)s;
    }
    generator.seeded = true;
}

uint64_t random_u64(void)
{
    uint64_t *s = generator.words;
    if (!generator.seeded)
        seed(s);
    uint64_t result = rotated(s[0] + s[3], 23) + s[0];
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotated(s[3], 45);
    return result;
}
