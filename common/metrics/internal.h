/* What the files of this room tell each other; nobody else includes it. */
#ifndef METRICS_INTERNAL_H
#define METRICS_INTERNAL_H

#include "metrics/metrics.h"
#include "metrics/point.h"

/* What every type of metric can do: the rest of the room is the same for all four. */
struct metric_ops {
    const char *name; /* as TYPE spells it */
    size_t size;      /* of the struct with its metric_child */
    /* Bytes that a child of this family needs behind its struct, a multiple of 8; NULL: none. */
    size_t (*extra)(const struct metric_family *f);
    /* Sets up a zeroed child; `extra` points to those bytes. */
    void (*init)(struct metric_child *child, void *extra);
    void (*reset)(struct metric_child *child);                 /* all values to 0 */
    void (*observe)(struct metric_child *child, double value); /* for TIME; NULL: cannot */
    /* The child's values now; see point.h. 0 or ERR_NOMEM. */
    int (*read)(const struct metric_child *child, struct metric_scratch *scratch,
                struct metric_point *point);
};
extern const struct metric_ops metric_counter_ops, metric_gauge_ops, metric_histogram_ops,
    metric_summary_ops;
const struct metric_ops *metric_ops_of(const struct metric_family *f);

/* One a format. Their appends to `out` may fail for want of memory: the caller looks at buf_ok. */
struct metric_encoder {
    const char *content_type;
    /* The family with all its shown children; 0 or ERR_NOMEM. */
    int (*write_family)(struct buf *out, const struct metric_family *f,
                        struct metric_scratch *scratch);
    void (*write_end)(struct buf *out); /* NULL: the last family is the end */
};
extern const struct metric_encoder metric_text_encoder; /* text.c */

/* check.c: is the spec a good declaration? 0 or ERR_INVALID with a text. */
int metric_spec_check(const struct metric_spec *spec, struct err *err);
/* Would the two be one name, or partly so, in an exposition? */
bool metric_specs_clash(const struct metric_spec *a, const struct metric_spec *b);

/* children.c */
int metric_children_init(struct metric_family *f);
void metric_children_free(struct metric_family *f);
/* The text of each label value of a child. */
void metric_child_values(const struct metric_child *child,
                         const char *values[static METRICS_MAX_LABELS]);
static inline bool metric_child_shown(const struct metric_child *child)
{
    return atomic_load_explicit(&child->shown, memory_order_acquire);
}
static inline void metric_child_show(struct metric_child *child, bool shown)
{
    atomic_store_explicit(&child->shown, shown, memory_order_release);
}
#define METRIC_EACH_CHILD(c, f)                                                                    \
    for (struct metric_child *c = atomic_load_explicit(&(f)->first, memory_order_acquire); c;      \
         c = atomic_load_explicit(&c->next, memory_order_acquire))

/* histogram.c: computes the bounds. 0, ERR_NOMEM, or ERR_INVALID with a text. */
int metric_bounds_init(struct metric_family *f, struct err *err);
/* Room for n_bounds + 1 cumulative counts; returns their last, the count. */
uint64_t metric_histogram_read(const struct histogram *h, uint64_t *cumulative);

/* summary.c */
void metric_window_init(struct metric_family *f);
void metric_window_drop(struct metric_family *f);
void metric_summary_free(struct summary *s);
/* All of the ascending quantiles at once. */
void metric_summary_read(const struct summary *s, const double *quantiles, double *values,
                         unsigned n);

/* utf8.c: of a repaired copy each wrong byte is U+FFFD; the caller frees it; NULL: no memory. */
bool metric_utf8_valid(const char *text);
char *metric_utf8_repaired(const char *text);

/* process.c: the hook that the default registry begins with. */
metrics_hook_fn metrics_process_collect;

/* number.c: a double in the fewest digits that read back as the same, whatever the locale.
 * `value`: 3 for 3.0. `bound`: 3.0, as le and quantile are spelt. Returns the length. */
enum { METRIC_NUMBER_MAX = 32 };
size_t metric_number_value(char out[static METRIC_NUMBER_MAX], double v);
size_t metric_number_bound(char out[static METRIC_NUMBER_MAX], double v);

/* Relaxed access to cells. */
static inline uint64_t cell_get(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}
static inline void cell_set(_Atomic uint64_t *cell, uint64_t v)
{
    atomic_store_explicit(cell, v, memory_order_relaxed);
}
static inline double cell_get_double(const _Atomic double *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}
static inline void cell_set_double(_Atomic double *cell, double v)
{
    atomic_store_explicit(cell, v, memory_order_relaxed);
}
/* By the one writer of the cell. */
static inline void cell_add_own(_Atomic uint64_t *cell, uint64_t n)
{
    cell_set(cell, cell_get(cell) + n);
}
static inline void cell_add_own_double(_Atomic double *cell, double v)
{
    cell_set_double(cell, cell_get_double(cell) + v);
}
/* By any thread. */
static inline void cell_add(_Atomic uint64_t *cell, uint64_t n)
{
    atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
}
static inline void cell_add_double(_Atomic double *cell, double v)
{
    double old = cell_get_double(cell);
    while (!atomic_compare_exchange_weak_explicit(cell, &old, old + v, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

#endif
