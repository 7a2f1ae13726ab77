/*
 * Counters, gauges, histograms, summaries, infos and state sets for Prometheus: the whole public
 * contract, but for custom collectors (collector.h).
 *
 *     COUNTER(requests, "http_requests_total", "Requests served.");
 *     GAUGE_VEC(jobs, "jobs", "Jobs by queue and state.", queue, state);
 *     HISTOGRAM(latency, "http_seconds", "Latency in seconds.", BUCKETS_DEFAULT);
 *     SUMMARY(rpc, "rpc_seconds", "RPC latency in seconds.", QUANTILES(.5, .9, .99), WINDOW(600));
 *
 *     counter_inc(&requests);
 *     gauge_set(with(jobs, .queue = "mail", .state = "ready"), 17);
 *     TIME(&latency) { work(); }
 *     metrics_write_text(&buf);
 *
 * Rules of use
 * - Declare a metric at the top of the file it measures. It is file-static and registers itself
 *   before main; a wrong declaration aborts there, naming file and line.
 * - with() finds or makes the child for one value of every label. A label that does not exist, or
 *   one left out, does not compile. The pointer is good for ever: bind once, update often. A child
 *   exists, with 0, from its first with() on, so call with() at start for all values you know.
 * - A label value is UTF-8 text that is copied. NULL counts as "", and invalid bytes become U+FFFD;
 *   both are counted as errors. Never use what a stranger may choose: a family holds
 *   METRICS_MAX_CHILDREN children, and all that come later share one, labelled "overflow".
 * - Updates come from any thread, take no lock, are never held up by a scrape, and cannot fail. The
 *   first one of a thread makes its cells, under a lock, and one that is interrupted could be lost;
 *   so none but gauge_set comes from a signal handler.
 * - What makes no sense (adding -1 to a counter, observing NaN) changes nothing and is counted in
 *   metrics_errors_total{reason}; a native histogram alone does count NaN.
 * - A program that observes summaries calls metrics_tick once a second or more often.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "metrics/declare.h"
#include "metrics/model.h"

/* ---- Declaring ------------------------------------------------------------------------------ */

/* At file scope. The _IN forms name another registry than the default one. After the fixed
 * arguments a _VEC takes one to eight label names, as C identifiers. Without a label, `var` is the
 * metric itself: counter_inc(&var). */
#define COUNTER(var, name, help) COUNTER_IN(metrics_default, var, name, help)
#define COUNTER_VEC(var, name, help, ...)                                                          \
    COUNTER_VEC_IN(metrics_default, var, name, help, __VA_ARGS__)
#define GAUGE(var, name, help)              GAUGE_IN(metrics_default, var, name, help)
#define GAUGE_VEC(var, name, help, ...)     GAUGE_VEC_IN(metrics_default, var, name, help, __VA_ARGS__)
#define HISTOGRAM(var, name, help, buckets) HISTOGRAM_IN(metrics_default, var, name, help, buckets)
#define HISTOGRAM_VEC(var, name, help, buckets, ...)                                               \
    HISTOGRAM_VEC_IN(metrics_default, var, name, help, buckets, __VA_ARGS__)
/* A summary is its _sum and _count, unless it is given QUANTILES(…), WINDOW(…) after the help. */
#define SUMMARY(var, name, ...)     SUMMARY_IN(metrics_default, var, name, __VA_ARGS__)
#define SUMMARY_VEC(var, name, ...) SUMMARY_VEC_IN(metrics_default, var, name, __VA_ARGS__)

/* INFO(build, "shop_build_info", "What was built.", version, compiler): always 1, and says in its
 * labels what does not change while the program runs; info_set(build, .version = "1.2", …). The
 * name ends in _info. BUILD_INFO is that very one, set. */
#define INFO(var, name, help, ...) INFO_IN(metrics_default, var, name, help, __VA_ARGS__)
#define BUILD_INFO(name, version)  METRIC_BUILD_INFO(name, version)

/* STATESET(phase, "shop_phase", "What it is doing.", STATES(starting, open, closing)): a series a
 * state, 1 where the state holds; one to eight states, as C identifiers. */
#define STATESET(var, name, help, states) STATESET_IN(metrics_default, var, name, help, states)
#define STATESET_VEC(var, name, help, states, ...)                                                 \
    STATESET_VEC_IN(metrics_default, var, name, help, states, __VA_ARGS__)
#define STATES(...) (__VA_ARGS__)

/* A gauge or counter that `double fn(void *ctx)` tells at each exposition, on its thread and under
 * the registry's lock, so that fn must not register anything. NaN: not known, and left out. */
#define GAUGE_CALLBACK(var, name, help, fn, ctx)                                                   \
    GAUGE_CALLBACK_IN(metrics_default, var, name, help, fn, ctx)
#define COUNTER_CALLBACK(var, name, help, fn, ctx)                                                 \
    COUNTER_CALLBACK_IN(metrics_default, var, name, help, fn, ctx)

/* Upper bounds of a histogram's buckets, ascending; +Inf is added. */
#define BUCKETS(...)                              METRIC_BUCKETS(__VA_ARGS__)
#define BUCKETS_DEFAULT                           BUCKETS(.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10)
#define BUCKETS_LINEAR(start, width, count)       METRIC_BUCKETS_LINEAR(start, width, count)
#define BUCKETS_EXPONENTIAL(start, factor, count) METRIC_BUCKETS_EXPONENTIAL(start, factor, count)

/* Native buckets in the place of those: they come by themselves, 8 an octave, wherever a value
 * falls, so that a quantile is told within 9 % (BUCKETS_NATIVE_WITH(.factor = 1.02): 2 %; it takes
 * the fields of struct metric_native). _AND has classic ones besides. Prometheus must scrape
 * protobuf to see them, with --enable-feature=native-histograms; in text there are _sum and _count,
 * and of buckets +Inf alone. */
#define BUCKETS_NATIVE              BUCKETS_NATIVE_WITH(.factor = METRICS_NATIVE_FACTOR)
#define BUCKETS_NATIVE_AND(buckets) BUCKETS_NATIVE_WITH(.classic = buckets)
#define BUCKETS_NATIVE_WITH(...)    METRIC_BUCKETS_NATIVE(__VA_ARGS__)

/* A summary's quantiles, ascending, each in [0, 1], and the seconds that they look back over. */
#define QUANTILES(...)  METRIC_QUANTILES(__VA_ARGS__)
#define QUANTILES_NONE  (NULL) /* _sum and _count alone */
#define WINDOW(seconds) (seconds)

/* ---- Children ------------------------------------------------------------------------------- */

/* METRIC_WITH(vec, .label = value, …): a pointer to counter, gauge, histogram or summary, as `vec`
 * was declared. Never NULL. METRIC_WITHOUT takes a child out of the exposition; its memory stays,
 * so an old pointer is harmless, and the next with() brings it back with its values at 0. */
#define METRIC_WITH(vec, ...)    METRIC_WITH_(vec, __VA_ARGS__)
#define METRIC_WITHOUT(vec, ...) METRIC_WITHOUT_(vec, __VA_ARGS__)

/* without() for all children: metric_clear(&jobs). */
#define metric_clear(vec) metric_family_clear(&(vec)->family)

/* Calls `fn` for every child in the order of their making: metric_each_child(&jobs, print, ctx).
 * `values` holds the label values in the order of the declaration and is valid during the call;
 * `child` is the counter, gauge, histogram or summary. */
typedef void metric_child_fn(void *ctx, const char *const values[], void *child);
#define metric_each_child(vec, fn, ctx) metric_family_each(&(vec)->family, fn, ctx)

/* ---- Updating and reading ------------------------------------------------------------------- */

/* Adds a number of any type; negative or NaN or infinite is an error. */
#define counter_add(c, n)                                                                          \
    _Generic((n), float                                                                            \
             : counter_add_double, double                                                          \
             : counter_add_double, unsigned                                                        \
             : counter_add_u64, unsigned long                                                      \
             : counter_add_u64, unsigned long long                                                 \
             : counter_add_u64, default                                                            \
             : counter_add_i64)(c, n)
static inline void counter_inc(struct counter *c);
static inline void counter_add_u64(struct counter *c, uint64_t n);
static inline void counter_add_i64(struct counter *c, int64_t n);
void counter_add_double(struct counter *c, double n);
void metric_counter_add_slowly(struct counter *c, uint64_t n); /* on a thread without cells */
double counter_value(const struct counter *c);

/* For a total that somebody else counts (the kernel, libuv), in a collect hook: sets the counter to
 * it. The only writer of that counter. A total below the last one is an error. */
void counter_mirror(struct counter *c, double total);

static inline void gauge_set(struct gauge *g, double value);
static inline void gauge_inc(struct gauge *g);
static inline void gauge_dec(struct gauge *g);
void gauge_add(struct gauge *g, double delta);   /* may be negative */
void gauge_set_to_current_time(struct gauge *g); /* seconds since 1970 */
double gauge_value(const struct gauge *g);

/* A value belongs to the first bucket whose bound is not below it. NaN is an error; native
 * histograms do count it, and their sum is NaN then, as the specification demands. */
void histogram_observe(struct histogram *h, double value);
uint64_t histogram_count(const struct histogram *h);
double histogram_sum(const struct histogram *h);
/* Observations at or below the bound number `i`; i = the number of bounds is +Inf, the count. */
uint64_t histogram_bucket(const struct histogram *h, unsigned i);

/* An update with what it was about, for OpenMetrics and protobuf to show beside the bucket or the
 * counter; the last one given stays:
 *
 *     histogram_observe_exemplar(&latency, .3, EXEMPLAR("trace_id", id));
 *
 * One to five names and values, in UTF-8 and together of 128 code points at most; else the update
 * counts, but the exemplar is an error. All is copied. */
#define EXEMPLAR(...)                     METRIC_EXEMPLAR(__VA_ARGS__)
#define counter_inc_exemplar(c, exemplar) counter_add_exemplar(c, 1, exemplar)
#define counter_add_exemplar(c, n, exemplar)                                                       \
    ({                                                                                             \
        struct counter *metric_c = (c);                                                            \
        __typeof__(n) metric_n = (n);                                                              \
        counter_add(metric_c, metric_n);                                                           \
        metric_counter_exemplar(metric_c, (double)metric_n, exemplar);                             \
    })
void metric_counter_exemplar(struct counter *c, double n, struct metric_exemplar exemplar);
void histogram_observe_exemplar(struct histogram *h, double value, struct metric_exemplar exemplar);

/* NaN is an error; what lies beyond ±2^64 is kept as ±2^64 in the quantiles, below 2^-64 as 0. */
static inline void summary_observe(struct summary *s, double value);
void metric_summary_observe_slowly(struct summary *s, double value);
void metric_summary_look_at_clock(void);
uint64_t summary_count(const struct summary *s); /* since the start, not of the window */
double summary_sum(const struct summary *s);
/* The value at quantile q of the last window, within 0.8 % of it; NaN when there was none. */
double summary_quantile(const struct summary *s, double q);

/* info_set(build, .version = "1.2", …): one value a label, each given, as with() takes them; there
 * is one such child, the last. */
#define METRICS_INFO_SET(vec, ...) METRIC_INFO_SET(vec, __VA_ARGS__)
void metric_info_set(struct metric_family *family, const char *const values[]);

/* stateset_enter(&phase, open): that state holds and no other. stateset_set(&phase, open, true) or
 * false: one of several that may hold. Another name than those of STATES does not compile. */
#define stateset_enter(s, state)   metric_state_enter(&(s)->set, METRIC_STATE(s, state))
#define stateset_set(s, state, on) metric_state_set(&(s)->set, METRIC_STATE(s, state), on)
#define stateset_is(s, state)      metric_state_is(&(s)->set, METRIC_STATE(s, state))
/* The same by number, in the order of the declaration. */
void metric_state_enter(struct stateset *s, unsigned state);
void metric_state_set(struct stateset *s, unsigned state, bool on);
bool metric_state_is(const struct stateset *s, unsigned state);

/* ---- Measuring time, in seconds ------------------------------------------------------------- */

/* METRIC_IN_PROGRESS(&inflight) { … }: the gauge is one higher while the block runs, however it is
 * left, as with METRIC_TIME. */
#define METRIC_IN_PROGRESS(gauge) METRIC_IN_PROGRESS_(gauge)

/* METRIC_TIME(&latency) { … }: observes how long the block took, however it is left: at its end, by
 * return, or by break, which leaves this block only. Takes a histogram, a summary or a gauge. */
#define METRIC_TIME(metric) METRIC_TIME_(metric)

/* Across callbacks: histogram_stop(&latency, w) observes the time since stopwatch_start. */
struct stopwatch {
    uint64_t start; /* clock_now */
};
static inline struct stopwatch stopwatch_start(void)
{
    return (struct stopwatch){clock_now()};
}
static inline double stopwatch_seconds(struct stopwatch w)
{
    return clock_seconds(w.start, clock_now());
}
static inline void histogram_stop(struct histogram *h, struct stopwatch w)
{
    histogram_observe(h, stopwatch_seconds(w));
}
static inline void summary_stop(struct summary *s, struct stopwatch w)
{
    summary_observe(s, stopwatch_seconds(w));
}
static inline void gauge_stop(struct gauge *g, struct stopwatch w)
{
    gauge_set(g, stopwatch_seconds(w));
}

/* Moves the summaries' windows on; `now` is clock_now(). Cheap: call it once a second or more
 * often. Time never runs backwards here: an earlier `now` does nothing. */
void metrics_tick(uint64_t now);

/* ---- Exposition ----------------------------------------------------------------------------- */

#define METRICS_TEXT_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS, METRICS_PROTOBUF };

/* What to write. Zeroed: all families, as text. */
struct metrics_exposition {
    enum metrics_format format;
    /* The families to write, each by its own name, as OpenMetrics calls it, or by one of its
     * samples' names; one that is not there is ignored. n_names 0: all. */
    const char *const *names;
    unsigned n_names;
    /* When each counter, histogram and summary began: OpenMetrics then has a series more of each,
     * called _created; the text format does not know them. */
    bool created;
};

/* Runs the collect hooks, then appends the registry: families by name, children in the order of
 * their making. 0; or ERR_NOMEM, or ERR_INVALID for a format that is not there, and `out` is as it
 * was. */
int metrics_write(struct metrics_registry *registry, const struct metrics_exposition *what,
                  struct buf *out) MUST_CHECK;

/* The Content-Type to send a format with; static memory. NULL: there is no such format. */
const char *metrics_content_type(enum metrics_format format);

/* The format for an Accept field (of several, joined with commas): the one with the highest q, of
 * equal ones the first; the text format where none is accepted. `accept` need not be terminated,
 * and may be NULL with a `len` of 0. */
enum metrics_format metrics_negotiate(const char *accept, size_t len);

/* metrics_write of everything in the text format 0.0.4, without a registry the default one. */
int metrics_write_text(struct buf *out) MUST_CHECK;
int metrics_registry_write_text(struct metrics_registry *registry, struct buf *out) MUST_CHECK;

/* `fn(ctx)` is called at the start of each exposition, on its thread, to set gauges and mirror
 * counters. It must not register metrics or write an exposition. 0 or ERR_FULL
 * (METRICS_MAX_HOOKS). */
int metrics_collect_hook(metrics_hook_fn *fn, void *ctx) MUST_CHECK;
int metrics_registry_collect_hook(struct metrics_registry *registry, metrics_hook_fn *fn,
                                  void *ctx) MUST_CHECK;
/* Takes that pair out again; not from inside a hook. */
void metrics_collect_unhook(metrics_hook_fn *fn, void *ctx);
void metrics_registry_collect_unhook(struct metrics_registry *registry, metrics_hook_fn *fn,
                                     void *ctx);

/* A metric in one more registry, or out of one: metrics_register(&mine, &requests, &err). It takes
 * a metric, a _VEC or a struct metric_family *. 0, ERR_NOMEM, or ERR_INVALID where its name is
 * taken, with a text in `err` (may be NULL). Out of all, it may still be updated. */
#define metrics_register(registry, metric, err)                                                    \
    metric_family_register(registry, METRIC_FAMILY_OF(metric), err)
#define metrics_unregister(registry, metric)                                                       \
    metric_family_unregister(registry, METRIC_FAMILY_OF(metric))
int metric_family_register(struct metrics_registry *registry, struct metric_family *family,
                           struct err *err) MUST_CHECK;
void metric_family_unregister(struct metrics_registry *registry, struct metric_family *family);

/* process_* is in the default registry unless this switches it off. */
void metrics_process_collector(bool on);

/* ---- Names that are known at run time only -------------------------------------------------- */

/* Makes a family from a spec, all of which is copied, and registers it: 0, or ERR_INVALID or
 * ERR_NOMEM with a text in `err` (may be NULL). Without labels, its one child is got with
 * metric_family_with(family, NULL). */
int metric_family_new(struct metrics_registry *registry, const struct metric_spec *spec,
                      struct metric_family **out, struct err *err) MUST_CHECK;
/* Unregisters and frees it; no pointer to it or a child of it may be used any more. */
void metric_family_free(struct metric_family *family);

/* with() and without(): one value a label, in the order of the spec. The typed forms assert that
 * the family is of their type. */
struct metric_child *metric_family_with(struct metric_family *family, const char *const values[]);
void metric_family_without(struct metric_family *family, const char *const values[]);
void metric_family_clear(struct metric_family *family);
void metric_family_each(struct metric_family *family, metric_child_fn *fn, void *ctx);
struct counter *counter_with(struct metric_family *family, const char *const values[]);
struct gauge *gauge_with(struct metric_family *family, const char *const values[]);
struct histogram *histogram_with(struct metric_family *family, const char *const values[]);
struct summary *summary_with(struct metric_family *family, const char *const values[]);
struct info *info_with(struct metric_family *family, const char *const values[]);
struct stateset *stateset_with(struct metric_family *family, const char *const values[]);

/* ---- Short names, for whom they do not collide with others ---------------------------------- */

#ifndef METRICS_NO_SHORT_NAMES
typedef struct counter counter;
typedef struct gauge gauge;
typedef struct histogram histogram;
typedef struct summary summary;
typedef struct info info;
typedef struct stateset stateset;
typedef struct stopwatch stopwatch;
#define with(vec, ...)     METRIC_WITH(vec, __VA_ARGS__)
#define without(vec, ...)  METRIC_WITHOUT(vec, __VA_ARGS__)
#define IN_PROGRESS(gauge) METRIC_IN_PROGRESS(gauge)
#define TIME(metric)       METRIC_TIME(metric)
#define info_set(vec, ...) METRICS_INFO_SET(vec, __VA_ARGS__)
#endif

#include "metrics/inline.h"

#endif
