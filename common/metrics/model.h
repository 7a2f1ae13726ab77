/*
 * What a metric is in memory. Included by metrics.h, because declarations are static and the hot
 * path is inline; nothing here is for users to touch.
 *
 *     registry ── families, by name ── children, in the order of their making, and a hash table
 *
 * A child begins with struct metric_child and goes on with what its type keeps. Children are made
 * once and never freed or reused for other labels while the family lives; that is what makes
 * look-ups, updates and expositions lock-free. Only making a child takes the family's lock.
 *
 * The numbers are not in the child but in cells, of which every thread has a slab of its own: an
 * update is a plain load, add and store that no other thread competes for, and a reader adds up all
 * slabs; see cells.h. A gauge alone has one number that all threads share, for the last one wins.
 */
#ifndef METRICS_MODEL_H
#define METRICS_MODEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    METRICS_MAX_CHILDREN = 2000, /* of one family, counting those that without() hid */
    METRICS_MAX_LABELS = 8,
    METRICS_MAX_BUCKETS = 256, /* of a histogram, +Inf not counted */
    METRICS_MAX_QUANTILES = 32,
    METRICS_MAX_STATES = 64,
    METRICS_MAX_EXEMPLAR_LABELS = 5,
    METRICS_NATIVE_EXEMPLARS = 8, /* of a histogram with native buckets alone */
    METRICS_MAX_HOOKS = 16,
    METRICS_MAX_COLLECTORS = 16,
    METRICS_SLICES = 5, /* of a summary's window; one of them is being filled */
};

/* The bins of a summary; see summary.c. */
enum {
    METRIC_SUB_BITS = 6,
    METRIC_OCTAVE = 1 << METRIC_SUB_BITS, /* bins from a power of two to the next */
    METRIC_OCTAVES = 256,                 /* from -2^64 to 2^64 */
    METRIC_POSITIVE = METRIC_OCTAVES / 2, /* the octave that begins with 0 */
    METRIC_LEAST_EXPONENT = -64,
    METRIC_LOOK_AT_CLOCK = 1024, /* observations */
};

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
    METRIC_SUMMARY,
    METRIC_INFO,
    METRIC_STATESET,
};

/* X(name, value of the label `reason` of metrics_errors_total) */
#define METRIC_ERROR_MAP(X)                                                                        \
    X(NEGATIVE, "negative")           /* a counter may not decrease */                             \
    X(NOT_A_NUMBER, "not_a_number")   /* NaN, or an infinite addition to a counter */              \
    X(NULL_LABEL, "null_label")       /* a label value was NULL */                                 \
    X(INVALID_UTF8, "invalid_utf8")   /* a label value was not UTF-8 */                            \
    X(FULL, "family_full")            /* with() on a family that is full */                        \
    X(OUT_OF_MEMORY, "out_of_memory") /* with() or an observation could not allocate */            \
    X(COLLECTOR, "collector")         /* a collector emitted what makes no sense */                \
    X(EXEMPLAR, "exemplar")           /* an exemplar was too long, or no label set */

enum metric_error {
#define METRIC_ERROR_ENUM(name, reason) METRIC_ERROR_##name,
    METRIC_ERROR_MAP(METRIC_ERROR_ENUM)
#undef METRIC_ERROR_ENUM
};
void metric_error(enum metric_error reason) __attribute__((cold));

union metric_cell {
    _Atomic uint64_t n;
    _Atomic double x;
    _Atomic(struct metric_bin *) bins; /* outside the slab */
};

/* Of a summary. The sum is beside the count that it is added with, and there are many: added to one
 * sum, each observation would wait 3 ns for the one before. */
struct metric_bin {
    _Atomic uint64_t n;
    _Atomic double sum;
};

/* The slab of this thread, or NULL while it has none. */
extern _Thread_local union metric_cell *metric_own_cells __attribute__((tls_model("initial-exec")));

/* What native buckets are like; 0 means what is in brackets. When there are more than max_buckets,
 * a histogram whose last reset is at least min_reset seconds ago begins anew; else the buckets
 * nearest to 0 are merged into the zero bucket, up to max_zero_threshold; and if that is not
 * enough, neighbours are merged, two and two. */
struct metric_native {
    double factor;             /* [1.1] a bucket is at most so much wider than the one before */
    double zero_threshold;     /* [2^-128, the least] what is this near to 0 counts as 0 */
    double max_zero_threshold; /* [2^-30: in seconds, a nanosecond] */
    unsigned max_buckets;      /* [160] */
    double min_reset;          /* [3600] INFINITY: never */
    const struct metric_buckets *classic; /* [none] buckets to have besides */
};
#define METRICS_NATIVE_FACTOR             1.1
#define METRICS_NATIVE_ZERO_THRESHOLD     0x1p-128
#define METRICS_NATIVE_MAX_ZERO_THRESHOLD 0x1p-30
#define METRICS_NATIVE_MAX_BUCKETS        160
#define METRICS_NATIVE_MIN_RESET          3600

struct metric_buckets {
    const struct metric_native *native; /* then all below counts for nothing */
    enum { BUCKETS_LISTED, BUCKETS_ARE_LINEAR, BUCKETS_ARE_EXPONENTIAL } kind;
    const double *at; /* where listed; else computed from: */
    double start, step;
    unsigned n;
};

struct metric_quantiles {
    const double *at;
    unsigned n;
};

/* The value now, or NaN: not known, and so left out. */
typedef double metric_read_fn(void *ctx);

#define METRICS_WINDOW 600

/* What a declaration says. */
struct metric_spec {
    enum metric_type type;
    const char *name, *help;
    const char *const *labels;
    unsigned n_labels;
    unsigned max_children;                    /* 0: METRICS_MAX_CHILDREN */
    const struct metric_buckets *buckets;     /* histogram */
    const struct metric_quantiles *quantiles; /* summary; NULL for none */
    double window;                            /* summary, in seconds; 0: METRICS_WINDOW */
    const char *const *states;                /* state set */
    unsigned n_states;
    metric_read_fn *read; /* counter or gauge without labels: asked at each exposition */
    void *ctx;            /* for `read` */
    const char *file;     /* where it was declared; may be NULL */
    int line;
};

struct metric_child {
    struct metric_family *family;
    const char *const *values; /* of the labels, in the order of the declaration */
    uint64_t hash;
    _Atomic(struct metric_child *) next;
    _Atomic(struct metric_series *) series; /* its names in the text formats; see series.h */
    _Atomic(struct metric_series *) pairs;  /* its labels in protobuf */
    _Atomic uint64_t created;               /* in ms since 1970, or since when it is there again */
    atomic_bool shown;                      /* false: not in the exposition */
    uint32_t cells;                         /* the number of its first cell in each slab */
};

/* Made with the first exemplar that is given; see exemplar.c. */
typedef _Atomic(struct metric_exemplars *) metric_exemplars_ptr;

/* n names and values by turns. */
struct metric_exemplar {
    const char *const *pairs;
    unsigned n;
};

struct counter {
    struct metric_child child; /* cells: what was added as whole numbers, and as doubles */
    _Atomic double base;       /* a mirrored total, or minus what was added before a reset */
    metric_exemplars_ptr exemplars;
};

struct gauge {
    struct metric_child child;
    _Atomic double value;
};

/* Leads from a value to its bucket without a search; see buckets.c. */
struct metric_grid_cell {
    int64_t bound;   /* the bits of the one bound that may be in this cell */
    unsigned bucket; /* that of what is not above it */
};
struct metric_grid {
    const struct metric_grid_cell *cells; /* NULL: the bounds admit no grid */
    int64_t first, last;                  /* cells[0] is number `first`; the last one's index */
    unsigned shift;
};

struct histogram {
    struct metric_child child;
    struct metric_grid grid;
    _Atomic double base; /* minus the sum before a reset */
    metric_exemplars_ptr exemplars;

    /* native buckets, see native.h */
    const struct metric_native_layout *native; /* NULL: none */
    bool classic;                              /* there are classic buckets besides */
    uint32_t zero_cell;
    uint64_t reset_at; /* clock_now, and as a date; both under the family's lock */
    double created;
    _Atomic(_Atomic uint32_t *) sides[2];
};

struct summary {
    struct metric_child child;
    _Atomic double base;                        /* minus the sum before a reset */
    _Atomic uint64_t base_count;                /* the observations before it */
    _Atomic(struct metric_octave *) octaves;    /* all of all threads */
    struct metric_sketch *ends[METRICS_SLICES]; /* the sketch as it was at the end of each slice */
};

struct info {
    struct metric_child child; /* its labels say all */
};

struct stateset {
    struct metric_child child;
    _Atomic uint64_t bits; /* which states hold */
};

struct metric_family {
    struct metric_spec spec;
    struct metrics_registry *registry; /* that it was declared in */
    _Atomic unsigned registries;       /* that it is in */
    const struct metric_ops *ops;      /* NULL: those of its type */
    struct metric_child *single;       /* the one child of a declaration without labels */

    struct metric_family *next_summary; /* of all summaries of all registries */

    /* set at registration, then constant */
    double *bounds; /* histogram; padded with +Inf to a power of two */
    unsigned n_bounds, padded;
    struct metric_native_layout *native;
    struct metric_grid grid;
    uint64_t slice_ns; /* summary */
    struct metric_child *overflow;

    /* readers need no lock, writers do */
    pthread_mutex_t lock;
    _Atomic(struct metric_table *) table;
    _Atomic(struct metric_child *) first;
    struct metric_child *last;
    unsigned made;
    _Atomic uint64_t slice; /* the number of the slice being filled: time / slice_ns */
};

typedef void metrics_hook_fn(void *ctx);

struct metrics_sink;
typedef void metrics_collect_fn(void *ctx, struct metrics_sink *out);

/* Emits families at each exposition; see collector.h. */
struct metrics_collector {
    metrics_collect_fn *collect;
    void *ctx;
};

/* Sorted by name. */
struct metric_families {
    struct metric_family **at;
    unsigned n, room;
};

/* Declare one as `struct metrics_registry mine = METRICS_REGISTRY_INIT;`. */
struct metrics_registry {
    pthread_mutex_t lock; /* over all below */
    struct metric_families families;
    unsigned n_collectors;
    const struct metrics_collector *collectors[METRICS_MAX_COLLECTORS];
    unsigned n_hooks;
    struct {
        metrics_hook_fn *fn;
        void *ctx;
    } hooks[METRICS_MAX_HOOKS];
};
#define METRICS_REGISTRY_INIT                                                                      \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                          \
    }

extern struct metrics_registry metrics_default;

/* What TIME() keeps on the stack. */
struct metric_timer {
    struct metric_child *metric; /* of a histogram, summary or gauge */
    uint64_t start;
    bool done;
};
void metric_timer_stop(struct metric_timer *timer);

/* What IN_PROGRESS() keeps on the stack. */
struct metric_progress {
    struct gauge *gauge;
    bool done;
};
struct metric_progress metric_progress_begin(struct gauge *gauge);
void metric_progress_end(struct metric_progress *progress);

/* What the declaring macros call. */
void metric_register_or_abort(struct metric_family *family);
static inline struct metric_family *metric_child_family(void *child)
{
    return ((struct metric_child *)child)->family;
}
static inline struct metric_family *metric_self(void *family)
{
    return (struct metric_family *)family;
}

#endif
