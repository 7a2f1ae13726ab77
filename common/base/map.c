/*
 * The hash map; see map.h. Linear probing. A removed entry keeps its key until the table is built
 * anew, so that probing goes on past it and MAP_FOREACH may remove what it stands on.
 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 8 };

uint64_t map_hash(const void *bytes, size_t n)
{
    static const uint64_t odd = 0x9e3779b97f4a7c15;
    const char *p = bytes;
    uint64_t h = n * odd;
    for (; n; n -= n < 8 ? n : 8, p += 8) {
        uint64_t word = 0;
        memcpy(&word, p, n < 8 ? n : 8);
        h = (h ^ word) * odd;
        h ^= h >> 32;
    }
    h *= 0xff51afd7ed558ccd;
    return h ^ h >> 33;
}

/* The entry that has the key, removed or not; else the free one where it would go. */
static struct map_entry *find(const struct map *m, const char *key, size_t len, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);
    for (;; i = (i + 1) & (m->cap - 1)) {
        struct map_entry *e = &m->entries[i];
        if (!e->key || (e->hash == hash && e->len == len && memcmp(e->key, key, len) == 0))
            return e;
    }
}

/* Copies the live entries into a table that they fill to a half at most. */
static int rebuild(struct map *m)
{
    size_t cap = SMALLEST;
    while (cap < (m->count + 1) * 2)
        cap *= 2;
    struct map fresh = {.entries = calloc(cap, sizeof *fresh.entries), .cap = cap};
    if (!fresh.entries)
        return ERR_NOMEM;
    for (size_t i = 0; i < m->cap; i++) {
        struct map_entry *e = &m->entries[i];
        if (e->value)
            *find(&fresh, e->key, e->len, e->hash) = *e;
        else
            free(e->key);
    }
    fresh.used = fresh.count = m->count;
    free(m->entries);
    *m = fresh;
    return OK;
}

void *map_get(const struct map *m, const char *key, size_t len)
{
    return m->cap ? find(m, key, len, map_hash(key, len))->value : NULL;
}

static int put_new(struct map *m, const char *key, size_t len, uint64_t hash, void *value)
{
    if (m->used + 1 > m->cap / 4 * 3 && rebuild(m) != OK)
        return ERR_NOMEM;
    char *copy = malloc(len + 1);
    if (!copy)
        return ERR_NOMEM;
    memcpy(copy, key, len);
    copy[len] = '\0';
    *find(m, key, len, hash) = (struct map_entry){copy, len, hash, value};
    m->used++;
    m->count++;
    return OK;
}

int map_put(struct map *m, const char *key, size_t len, void *value)
{
    uint64_t hash = map_hash(key, len);
    struct map_entry *e = m->cap ? find(m, key, len, hash) : NULL;
    if (!e || !e->key)
        return put_new(m, key, len, hash, value);
    m->count += !e->value;
    e->value = value;
    return OK;
}

void *map_remove(struct map *m, const char *key, size_t len)
{
    struct map_entry *e = m->cap ? find(m, key, len, map_hash(key, len)) : NULL;
    if (!e || !e->value)
        return NULL;
    void *value = e->value;
    e->value = NULL;
    m->count--;
    return value;
}

void map_free(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        free(m->entries[i].key);
    free(m->entries);
    *m = (struct map){0};
}
