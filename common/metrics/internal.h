/* What the files of this room tell each other; nobody else includes it. */
#ifndef METRICS_INTERNAL_H
#define METRICS_INTERNAL_H

#include "metrics/cells.h"
#include "metrics/collector.h"
#include "metrics/metrics.h"
#include "metrics/point.h"

/* What every type of metric can do: the rest of the room is the same for all. */
struct metric_ops {
    const char *name;                                 /* as TYPE spells it */
    size_t size;                                      /* of the struct with its metric_child */
    unsigned (*cells)(const struct metric_family *f); /* that a child needs; NULL: none */
    void (*init)(struct metric_child *child);         /* sets up a zeroed child; NULL: nothing */
    void (*end)(struct metric_child *child);          /* frees what it has; NULL: nothing */
    void (*reset)(struct metric_child *child);        /* all values to 0 */
    void (*observe)(struct metric_child *child, double value); /* for TIME; NULL: cannot */
    /* The child's values now; see point.h. 0 or ERR_NOMEM. */
    int (*read)(const struct metric_child *child, struct metric_scratch *scratch,
                struct metric_point *point);
};
extern const struct metric_ops metric_counter_ops, metric_gauge_ops, metric_histogram_ops,
    metric_summary_ops, metric_info_ops, metric_stateset_ops;
const struct metric_ops *metric_ops_of(const struct metric_family *f);

/* One a format. Their appends to `out` may fail for want of memory: the caller looks at buf_ok. */
struct metric_encoder {
    const char *content_type;
    /* The family with all its shown children; 0 or ERR_NOMEM. */
    int (*write_family)(struct buf *out, const struct metric_family *f,
                        const struct metrics_exposition *what, struct metric_scratch *scratch);
    void (*write_end)(struct buf *out); /* NULL: the last family is the end */
};
extern const struct metric_encoder metric_text_encoder;        /* text.c */
extern const struct metric_encoder metric_openmetrics_encoder; /* openmetrics.c */
extern const struct metric_encoder metric_protobuf_encoder;    /* protobuf.c */

/* openmetrics.c: is it a counter that may be called so there? */
bool metric_family_is_total(const struct metric_family *f);
/* openmetrics.c: how much of the family's name is its name there. */
size_t metric_family_name_len(const struct metric_family *f);

/* registry.c. Families are sorted by name. */
const struct metric_family *metric_families_clash(const struct metric_families *families,
                                                  const struct metric_spec *spec);
int metric_families_insert(struct metric_families *families, struct metric_family *f);
/* Not to be left by break. */
#define METRIC_EACH_FAMILY(f, families)                                                            \
    for (unsigned f##_i = 0; f##_i < (families)->n; f##_i++)                                       \
        for (struct metric_family *f = (families)->at[f##_i]; f; f = NULL)
/* Computes what the spec asks for, and makes the first child. 0, ERR_NOMEM or ERR_INVALID. */
int metric_family_prepare(struct metric_family *f, struct err *err);
/* The same and registers it where it was declared. */
int metric_family_begin(struct metric_family *f, struct err *err);

/* dynamic.c: a family with a copy of all that the spec points to; NULL: no memory. */
struct metric_family *metric_family_copy(const struct metric_spec *spec);
void metric_family_drop(struct metric_family *f); /* which is in no registry */

/* collector.c: what the collectors of one exposition say. Begins as {.registry = r}. */
struct metrics_sink {
    struct metrics_registry *registry;
    struct metric_families families;
    struct metric_family *current; /* NULL: nothing to add values to */
    bool failed;                   /* for want of memory */
};
int metric_collect(struct metrics_sink *sink); /* 0 or ERR_NOMEM; calls for metric_collect_end */
void metric_collect_end(struct metrics_sink *sink);

/* check.c: is the spec a good declaration? 0 or ERR_INVALID with a text. */
int metric_spec_check(const struct metric_spec *spec, struct err *err);
/* Is `name` one of the sample names of `spec`, or the name that OpenMetrics gives its family? */
bool metric_spec_takes_name(const struct metric_spec *spec, const char *name);
bool metric_is_label_name(const char *text);
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
/* In seconds since 1970. */
static inline double metric_child_created(const struct metric_child *child)
{
    return (double)cell_get(&child->created) / 1000;
}
#define METRIC_EACH_CHILD(c, f)                                                                    \
    for (struct metric_child *c = atomic_load_explicit(&(f)->first, memory_order_acquire); c;      \
         c = atomic_load_explicit(&c->next, memory_order_acquire))

/* buckets.c: computes the bounds. 0, ERR_NOMEM, or ERR_INVALID with a text. */
int metric_buckets_init(struct metric_family *f, struct err *err);
void metric_buckets_free(struct metric_family *f);
/* histogram.c */
/* Room for n_bounds + 1 cumulative counts; returns their last, the count. */
uint64_t metric_histogram_read(const struct histogram *h, uint64_t *cumulative);

/* native.c: 0 or ERR_NOMEM; nothing where the family has no native buckets. */
int metric_native_init(struct metric_family *f, struct err *err);
void metric_native_observe(struct histogram *h, double value);
void metric_native_free(struct histogram *h);
uint64_t metric_native_count(const struct histogram *h);
double metric_native_sum(const struct histogram *h);
void metric_native_begin(struct histogram *h); /* its age is 0 now */
void metric_native_reset(struct histogram *h); /* under the family's lock */

/* native_read.c: all of the point, with the classic buckets. 0 or ERR_NOMEM. */
int metric_native_read(const struct histogram *h, struct metric_scratch *scratch,
                       struct metric_point *point);
void metric_native_scratch_free(struct metric_native_scratch *scratch);

/* exemplar.c: of n places. */
void metric_exemplar_keep(metric_exemplars_ptr *at, unsigned n, unsigned place, double value,
                          const struct metric_exemplar *e);
void metric_exemplars_forget(metric_exemplars_ptr *at);
void metric_exemplars_free(metric_exemplars_ptr *at);
/* Into the point; 0 or ERR_NOMEM. */
int metric_exemplars_read(const metric_exemplars_ptr *at, struct metric_scratch *scratch,
                          struct metric_point *point);
void metric_exemplar_scratch_free(struct metric_exemplar_scratch *scratch);

/* window.c */
void metric_window_init(struct metric_family *f);
void metric_window_drop(struct metric_family *f);
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

#endif
