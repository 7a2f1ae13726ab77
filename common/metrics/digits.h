/*
 * Whole numbers as decimal digits, eight at a time: a register of 64 bits is split into two halves
 * of four digits, those into four quarters of two, those into eight bytes of one. No loop and
 * hardly a branch, so numbers of different lengths cost the same.
 */
#ifndef METRICS_DIGITS_H
#define METRICS_DIGITS_H

#include <stdint.h>
#include <string.h>

enum { DIGITS_ROOM = 24 }; /* what digits_u64 may touch: 20 digits, written in eights */
#define DIGITS_EIGHT   100000000u
#define DIGITS_SIXTEEN 10000000000000000u
#define DIGITS_ASCII   0x3030303030303030u

/* Moves what is left of a division to the place behind its quotient, in each part of a word:
 * quotient + (n - quotient * base) << bits. */
static inline uint64_t digits_split(uint64_t n, uint64_t quotient, uint64_t base, unsigned bits)
{
    return (n << bits) - quotient * ((base << bits) - 1);
}

/* The digits of n < 10^8, the first one in the lowest byte, each as 0 to 9. The products stand for
 * divisions, and are exact for what is left of n there. */
static inline uint64_t digits_eight(uint32_t n)
{
    uint64_t fours = digits_split(n, n / 10000, 10000, 32);
    uint64_t twos = digits_split(fours, (fours * 10486 >> 20) & 0x0000007f0000007fu, 100, 16);
    return digits_split(twos, (twos * 103 >> 10) & 0x000f000f000f000fu, 10, 8);
}

/* Lowest byte first, whatever the machine's own order. */
static inline void digits_store(char *to, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(to, &word, sizeof word);
}

static inline void digits_store_eight(char *to, uint64_t n)
{
    digits_store(to, digits_eight((uint32_t)n) | DIGITS_ASCII);
}

/* n < 10^8 without leading zeros; returns the length. */
static inline unsigned digits_short(char *to, uint64_t n)
{
    uint64_t word = digits_eight((uint32_t)n);
    unsigned zeros = (unsigned)__builtin_ctzll(word | (uint64_t)1 << 56) / 8; /* 0 is one digit */
    digits_store(to, (word | DIGITS_ASCII) >> 8 * zeros);
    return 8 - zeros;
}

/* The same for n < 10^4, which most numbers on a page are, in half the steps. */
static inline unsigned digits_shortest(char *to, uint32_t n)
{
    uint32_t twos = (uint32_t)digits_split(n, n / 100, 100, 16);
    uint32_t word = (uint32_t)digits_split(twos, (twos * 103 >> 10) & 0x000f000fu, 10, 8);
    unsigned zeros = (unsigned)__builtin_ctz(word | (uint32_t)1 << 24) / 8;
    digits_store(to, (word | (uint32_t)DIGITS_ASCII) >> 8 * zeros);
    return 4 - zeros;
}

/* Without leading zeros. Returns the length; `to` has room for DIGITS_ROOM bytes. */
static inline unsigned digits_u64(char *to, uint64_t n)
{
    unsigned len;
    if (n < 10000)
        return digits_shortest(to, (uint32_t)n);
    if (n < DIGITS_EIGHT)
        return digits_short(to, n);
    if (n < DIGITS_SIXTEEN) {
        len = digits_short(to, n / DIGITS_EIGHT);
    } else {
        len = digits_short(to, n / DIGITS_SIXTEEN) + 8;
        digits_store_eight(to + len - 8, n / DIGITS_EIGHT % DIGITS_EIGHT);
    }
    digits_store_eight(to + len, n % DIGITS_EIGHT);
    return len + 8;
}

#endif
