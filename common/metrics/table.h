/*
 * The hash table of a family's children, by the values of their labels. It is open addressing, at
 * most half full, and only ever gains entries, so a reader may look while a writer adds: a slot
 * goes from NULL to its child once. A table that has become too small is replaced and kept, since a
 * reader may still be in it; all old ones together are smaller than the new one. Writers hold the
 * family's lock. Inline, for it is most of what with() costs.
 */
#ifndef METRICS_TABLE_H
#define METRICS_TABLE_H

#include "metrics/internal.h"
#include "metrics/key.h"

#include <stdlib.h>
#include <string.h>

struct metric_table {
    struct metric_table *older;
    size_t capacity;                       /* a power of two */
    _Atomic(struct metric_child *) *again; /* as many, by the addresses of the values */
    _Atomic(struct metric_child *) slots[];
};

static inline struct metric_table *table_of(struct metric_family *f)
{
    return atomic_load_explicit(&f->table, memory_order_acquire);
}

static inline struct metric_child *find(struct metric_family *f, const struct key *key)
{
    struct metric_table *t = table_of(f);
    for (size_t i = key->hash;; i++) {
        struct metric_child *child =
            atomic_load_explicit(&t->slots[i & (t->capacity - 1)], memory_order_acquire);
        if (!child || key_is(key, child))
            return child;
    }
}

static inline struct metric_table *table_new(size_t capacity)
{
    struct metric_table *t = calloc(1, sizeof *t + 2 * capacity * sizeof *t->slots);
    if (t) {
        t->capacity = capacity;
        t->again = t->slots + capacity;
    }
    return t;
}

static inline void table_put(struct metric_table *t, struct metric_child *child)
{
    size_t i = child->hash;
    while (atomic_load_explicit(&t->slots[i & (t->capacity - 1)], memory_order_relaxed))
        i++;
    atomic_store_explicit(&t->slots[i & (t->capacity - 1)], child, memory_order_release);
}

/* A table with room for one more, or NULL. */
static inline struct metric_table *table_with_room(struct metric_family *f)
{
    struct metric_table *old = atomic_load_explicit(&f->table, memory_order_relaxed);
    if (f->made < old->capacity / 2)
        return old;
    struct metric_table *t = table_new(old->capacity * 2);
    if (!t)
        return NULL;
    t->older = old;
    METRIC_EACH_CHILD(child, f)
    table_put(t, child);
    atomic_store_explicit(&f->table, t, memory_order_release);
    return t;
}

/* ---- Finding again --------------------------------------------------------------------------- */

/*
 * Most callers pass the same texts each time, not copies: literals, the names in a
 * table. So a child is found by their addresses, without hashing texts; that the texts are the
 * child's is looked at all the same. One of two places is taken by who comes first, and kept: a
 * caller whose texts change in place finds by the texts, and writes nothing that others read.
 */
static inline size_t place_of(const struct metric_table *t, const char *const values[], unsigned n)
{
    uint64_t hash = 0;
    for (unsigned i = 0; i < n; i++)
        hash = (hash + (uintptr_t)values[i]) * 0x9e3779b97f4a7c15u;
    return (hash >> 32) & (t->capacity - 1);
}

static inline bool has_values(const struct metric_child *child, const char *const values[],
                              unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!values[i] || strcmp(values[i], child->values[i]))
            return false;
    return true;
}

static inline struct metric_child *find_again(struct metric_family *f, const char *const values[])
{
    struct metric_table *t = table_of(f);
    unsigned n = f->spec.n_labels;
    size_t place = place_of(t, values, n);
    for (size_t i = 0; i < 2; i++) {
        struct metric_child *child =
            atomic_load_explicit(&t->again[place ^ i], memory_order_acquire);
        if (child && has_values(child, values, n))
            return child;
    }
    return NULL;
}

static inline void remember(struct metric_family *f, const char *const values[],
                            struct metric_child *child)
{
    struct metric_table *t = table_of(f);
    size_t place = place_of(t, values, f->spec.n_labels);
    for (size_t i = 0; i < 2; i++)
        if (!atomic_load_explicit(&t->again[place ^ i], memory_order_relaxed)) {
            atomic_store_explicit(&t->again[place ^ i], child, memory_order_release);
            return;
        }
}

#endif
