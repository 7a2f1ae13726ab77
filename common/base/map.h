/*
 * A hash map from byte strings to pointers: open addressing, keys copied, values not owned.
 * Zero-initialised is empty. Not for hot paths with attacker-chosen keys without a bound: callers
 * bound the number of keys.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/err.h"

#include <stdint.h>

struct map_entry {
    char *key; /* NULL: never used; terminated, so it can be printed */
    size_t len;
    uint64_t hash;
    void *value; /* NULL with a key: removed */
};

struct map {
    struct map_entry *entries;
    size_t cap;  /* a power of two, or 0 */
    size_t used; /* keys and removed keys */
    size_t count;
};

/* Over all live entries, in no order; the body may not insert. */
#define MAP_FOREACH(e, m)                                                                          \
    for (struct map_entry *e = (m)->entries; (m)->cap && e < (m)->entries + (m)->cap; e++)         \
        if (e->value)

/* The value, or NULL. */
void *map_get(const struct map *m, const char *key, size_t len);

/* Sets the value (not NULL) for a key. 0 or ERR_NOMEM. */
int map_put(struct map *m, const char *key, size_t len, void *value) MUST_CHECK;

/* Removes a key and returns its value, or NULL. */
void *map_remove(struct map *m, const char *key, size_t len);

/* Frees keys and table, not the values. */
void map_free(struct map *m);

/* A good 64-bit hash of bytes, the same in every run. */
uint64_t map_hash(const void *bytes, size_t n);

#endif
