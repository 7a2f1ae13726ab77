/* The children of a family: found without a lock, made under one; see model.h. */
#include "metrics/internal.h"
#include "metrics/series.h"
#include "metrics/table.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 8 };
static const char OVERFLOW_VALUE[] = "overflow";

/* ---- Making children ------------------------------------------------------------------------ */

static unsigned cells_of(const struct metric_family *f)
{
    const struct metric_ops *ops = metric_ops_of(f);
    return ops->cells ? ops->cells(f) : 0;
}

/* `child` is zeroed. 0 or ERR_NOMEM. */
static int child_init(struct metric_family *f, struct metric_child *child, const struct key *key)
{
    const struct metric_ops *ops = metric_ops_of(f);
    if (cells_of(f) && !(child->cells = metric_cells_alloc(cells_of(f))))
        return ERR_NOMEM;
    child->family = f;
    child->hash = key->hash;
    if (ops->init)
        ops->init(child);
    return OK;
}

static struct metric_child *child_alloc(struct metric_family *f, const struct key *key)
{
    size_t size = metric_ops_of(f)->size;
    struct metric_child *child = calloc(1, size + key->n * sizeof(char *) + key->len);
    if (!child)
        return NULL;
    if (child_init(f, child, key) != OK) {
        free(child);
        return NULL;
    }
    const char **values = (const char **)((char *)child + size);
    key_write(key, values, (char *)(values + key->n));
    child->values = values;
    return child;
}

static void child_free(struct metric_child *child)
{
    struct metric_family *f = child->family;
    if (metric_ops_of(f)->end)
        metric_ops_of(f)->end(child);
    if (cells_of(f))
        metric_cells_free(child->cells, cells_of(f));
    metric_series_free(child->series);
    metric_series_free(child->pairs);
    free(child);
}

static void append(struct metric_family *f, struct metric_child *child)
{
    if (f->last)
        atomic_store_explicit(&f->last->next, child, memory_order_release);
    else
        atomic_store_explicit(&f->first, child, memory_order_release);
    f->last = child;
    f->made++;
}

/* Hidden, so that the caller says when it is seen. NULL: no memory. */
static struct metric_child *make(struct metric_family *f, const struct key *key)
{
    struct metric_table *t = table_with_room(f);
    struct metric_child *child = t ? child_alloc(f, key) : NULL;
    if (!child)
        return NULL;
    append(f, child);
    table_put(t, child);
    return child;
}

static struct metric_child *overflow(struct metric_family *f, enum metric_error reason)
{
    metric_error(reason);
    return f->overflow;
}

static void begin_showing(struct metric_child *child)
{
    cell_set(&child->created, clock_wall_ms());
    metric_child_show(child, true);
}

static struct metric_child *shown(struct metric_family *f, struct metric_child *child)
{
    if (!metric_child_shown(child)) {
        metric_ops_of(f)->reset(child);
        begin_showing(child);
    }
    return child;
}

/* Finds again, for another thread may have been first, and makes; never NULL. */
static struct metric_child *find_or_make(struct metric_family *f, const struct key *key)
{
    unsigned max = f->spec.max_children ? f->spec.max_children : METRICS_MAX_CHILDREN;
    struct metric_child *child = find(f, key);
    if (!child && f->made > max) /* the overflow child is one more */
        child = overflow(f, METRIC_ERROR_FULL);
    else if (!child)
        child = make(f, key);
    if (!child)
        child = overflow(f, METRIC_ERROR_OUT_OF_MEMORY);
    return shown(f, child);
}

static struct metric_child *find_or_make_locked(struct metric_family *f, const struct key *key)
{
    pthread_mutex_lock(&f->lock);
    struct metric_child *child =
        key ? find_or_make(f, key) : shown(f, overflow(f, METRIC_ERROR_OUT_OF_MEMORY));
    pthread_mutex_unlock(&f->lock);
    return child;
}

/* Such a value is repaired again at each call: dear, but it is an error anyway. */
static struct metric_child *with_repaired(struct metric_family *f, const struct key *raw)
{
    char *copies[METRICS_MAX_LABELS];
    bool complete = true;
    struct key key;
    metric_error(METRIC_ERROR_INVALID_UTF8);
    for (unsigned i = 0; i < raw->n; i++)
        complete &= (copies[i] = metric_utf8_repaired(raw->values[i])) != NULL;
    if (complete)
        key_of(&key, (const char *const *)copies, raw->n);
    struct metric_child *child = find_or_make_locked(f, complete ? &key : NULL);
    for (unsigned i = 0; i < raw->n; i++)
        free(copies[i]);
    return child;
}

static struct metric_child *with_slowly(struct metric_family *f, const struct key *key)
{
    for (unsigned i = 0; i < key->n; i++)
        if (!metric_utf8_valid(key->values[i]))
            return with_repaired(f, key);
    return find_or_make_locked(f, key);
}

static __attribute__((noinline)) struct metric_child *with_texts(struct metric_family *f,
                                                                 const char *const values[])
{
    struct key key;
    key_of(&key, values, f->spec.n_labels);
    for (unsigned i = 0; i < key.n_null; i++)
        metric_error(METRIC_ERROR_NULL_LABEL);
    struct metric_child *child = find(f, &key);
    if (!child || !metric_child_shown(child))
        return with_slowly(f, &key);
    remember(f, values, child);
    return child;
}

struct metric_child *metric_family_with(struct metric_family *f, const char *const values[])
{
    struct metric_child *child = find_again(f, values);
    return child && metric_child_shown(child) ? child : with_texts(f, values);
}

/* ---- Hiding, walking, ending ---------------------------------------------------------------- */

void metric_child_values(const struct metric_child *child,
                         const char *values[static METRICS_MAX_LABELS])
{
    for (unsigned i = 0; i < child->family->spec.n_labels; i++)
        values[i] = child->values[i];
}

static void hide(struct metric_family *f, struct metric_child *child)
{
    pthread_mutex_lock(&f->lock); /* against a with() that is bringing it back */
    metric_child_show(child, false);
    pthread_mutex_unlock(&f->lock);
}

void metric_family_without(struct metric_family *f, const char *const values[])
{
    struct key key;
    key_of(&key, values, f->spec.n_labels);
    struct metric_child *child = find(f, &key);
    if (child)
        hide(f, child);
}

void metric_family_clear(struct metric_family *f)
{
    METRIC_EACH_CHILD(child, f)
    hide(f, child);
}

void metric_family_each(struct metric_family *f, metric_child_fn *fn, void *ctx)
{
    const char *values[METRICS_MAX_LABELS];
    METRIC_EACH_CHILD(child, f)
    {
        if (!metric_child_shown(child))
            continue;
        metric_child_values(child, values);
        fn(ctx, values, child);
    }
}

/* The one child of a declaration without labels lies in static memory. */
static int init_single(struct metric_family *f, const struct key *key)
{
    if (child_init(f, f->single, key) != OK)
        return ERR_NOMEM;
    append(f, f->single);
    table_put(f->table, f->single);
    begin_showing(f->single);
    return OK;
}

int metric_children_init(struct metric_family *f)
{
    const char *values[METRICS_MAX_LABELS];
    struct key key;
    for (unsigned i = 0; i < f->spec.n_labels; i++)
        values[i] = OVERFLOW_VALUE;
    key_of(&key, values, f->spec.n_labels);
    f->table = table_new(FIRST_CAPACITY);
    if (!f->table)
        return ERR_NOMEM;
    if (f->single)
        return init_single(f, &key);
    f->overflow = make(f, &key);
    if (f->overflow && f->spec.n_labels == 0) /* made at run time: it is the one child */
        begin_showing(f->overflow);
    return f->overflow ? OK : ERR_NOMEM;
}

void metric_children_free(struct metric_family *f)
{
    for (struct metric_child *child = f->first, *next; child; child = next) {
        next = child->next;
        child_free(child);
    }
    for (struct metric_table *t = f->table, *older; t; t = older) {
        older = t->older;
        free(t);
    }
}
