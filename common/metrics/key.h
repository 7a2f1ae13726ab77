/*
 * Keys: the values of labels, as a look-up has them: pointers to the caller's texts, which are
 * hashed and compared in place.
 */
#ifndef METRICS_KEY_H
#define METRICS_KEY_H

#include "metrics/model.h"

#include <string.h>

struct key {
    const char *values[METRICS_MAX_LABELS];
    size_t lens[METRICS_MAX_LABELS]; /* with the terminators */
    unsigned n;
    unsigned n_null; /* values that were NULL and count as "" */
    size_t len;
    uint64_t hash;
};

static inline uint64_t key_mix(uint64_t hash, uint64_t word)
{
    __uint128_t product = (__uint128_t)(hash ^ word) * 0x9e3779b97f4a7c15u;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t key_load8(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* 1 to 8 bytes as one word, in loads of fixed sizes, which may overlap. */
static inline uint64_t key_load_tail(const char *bytes, size_t n)
{
    uint32_t low, high;
    if (n == 8)
        return key_load8(bytes);
    if (n < 4)
        return (uint64_t)(unsigned char)bytes[0] << 16 |
               (uint64_t)(unsigned char)bytes[n / 2] << 8 | (unsigned char)bytes[n - 1];
    memcpy(&low, bytes, sizeof low);
    memcpy(&high, bytes + n - sizeof high, sizeof high);
    return (uint64_t)high << 32 | low;
}

static inline uint64_t key_hash(uint64_t hash, const char *bytes, size_t n)
{
    hash += n;
    for (; n > 8; bytes += 8, n -= 8)
        hash = key_mix(hash, key_load8(bytes));
    return key_mix(hash, key_load_tail(bytes, n));
}

static inline void key_of(struct key *key, const char *const values[], unsigned n)
{
    key->n = n;
    key->n_null = 0;
    key->len = 0;
    key->hash = 0x243f6a8885a308d3u;
    for (unsigned i = 0; i < n; i++) {
        key->values[i] = values[i] ? values[i] : "";
        key->n_null += !values[i];
        key->lens[i] = strlen(key->values[i]) + 1;
        key->len += key->lens[i];
        key->hash = key_hash(key->hash, key->values[i], key->lens[i]);
    }
}

static inline bool key_is(const struct key *key, const struct metric_child *child)
{
    if (child->hash != key->hash)
        return false;
    for (unsigned i = 0; i < key->n; i++)
        if (strcmp(child->values[i], key->values[i]))
            return false;
    return true;
}

/* Copies the values, and the pointers to the copies behind which `texts` has key->len bytes. */
static inline void key_write(const struct key *key, const char **values, char *texts)
{
    for (unsigned i = 0; i < key->n; texts += key->lens[i++])
        values[i] = memcpy(texts, key->values[i], key->lens[i]);
}

#endif
