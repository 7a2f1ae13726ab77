/*
 * UUIDs; see uuid.h. Version 7, most significant bit first:
 *
 *     48 bits milliseconds | 4 bits 0111 | 12 bits counter | 2 bits 10 | 62 bits random
 *
 * The counter starts at a random value below 2048 in each millisecond. One that is full, and a
 * clock that was set back, borrow the next millisecond, so that ids ascend in any case.
 */
#include "contract/uuid.h"

#include "base/clock.h"
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { POOL_WORDS = 32, COUNTER_MAX = 0xfff, COUNTER_SEED = 0x7ff };

/* 64 random bits; one system call for 32 of them. */
static uint64_t random_bits(void)
{
    static uint64_t pool[POOL_WORDS];
    static size_t left;
    if (left == 0) {
        /* Up to 256 bytes come whole or not at all; without them ids could collide. */
        if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool) {
            log_error("no randomness", LOG_ERR(-errno));
            abort();
        }
        left = POOL_WORDS;
    }
    return pool[--left];
}

static void next_tick(uint64_t *ms, uint64_t *counter)
{
    static uint64_t last_ms, last_counter;
    uint64_t now = clock_wall_ms();
    if (now <= last_ms && last_counter < COUNTER_MAX) {
        last_counter++;
    } else {
        last_ms = now > last_ms ? now : last_ms + 1;
        last_counter = random_bits() & COUNTER_SEED;
    }
    *ms = last_ms;
    *counter = last_counter;
}

/* The `digits` low hexadecimal digits of `value`. */
static char *put_hex(char *p, uint64_t value, int digits)
{
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        *p++ = "0123456789abcdef"[value >> shift & 0xf];
    return p;
}

void uuid_v7(char out[UUID_SIZE])
{
    uint64_t ms, counter, low = random_bits();
    next_tick(&ms, &counter);
    out = put_hex(out, ms >> 16, 8);
    *out++ = '-';
    out = put_hex(out, ms, 4);
    *out++ = '-';
    out = put_hex(out, 0x7000 | counter, 4);
    *out++ = '-';
    out = put_hex(out, 0x8000 | (low >> 48 & 0x3fff), 4);
    *out++ = '-';
    *put_hex(out, low, 12) = '\0';
}

bool uuid_valid(const char *text, size_t len)
{
    if (len != UUID_LEN)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

int uuid_normalise(const char *text, size_t len, char out[UUID_SIZE])
{
    if (!uuid_valid(text, len))
        return ERR_INVALID;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    out[len] = '\0';
    return OK;
}
