/*
 * The preprocessor behind the declaring macros of metrics.h; included by it.
 *
 * A declaration is a static struct, a static family, and a constructor that registers the family.
 * A _VEC is a struct whose two members of no size carry types alone: `labels` lets with() use a
 * designated initialiser, so that a misspelt label does not compile, and `child` gives its result
 * the right type.
 */
#ifndef METRICS_DECLARE_H
#define METRICS_DECLARE_H

#include <stddef.h>

/* Ahead of all constructors that give no priority, so that those may use metrics. */
#ifndef METRICS_PRIORITY
#define METRICS_PRIORITY 102
#endif

#define METRIC_CAT(a, b)  METRIC_CAT_(a, b)
#define METRIC_CAT_(a, b) a##b

/* How many arguments, 0 to 10. */
#define METRIC_N(...)                                                  METRIC_N_(0 __VA_OPT__(, ) __VA_ARGS__, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0)
#define METRIC_N_(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, n, ...) n

/* m(a), m(b), … */
#define METRIC_EACH(m, ...)        METRIC_CAT(METRIC_EACH_, METRIC_N(__VA_ARGS__))(m, __VA_ARGS__)
#define METRIC_EACH_1(m, a)        m(a)
#define METRIC_EACH_2(m, a, ...)   m(a), METRIC_EACH_1(m, __VA_ARGS__)
#define METRIC_EACH_3(m, a, ...)   m(a), METRIC_EACH_2(m, __VA_ARGS__)
#define METRIC_EACH_4(m, a, ...)   m(a), METRIC_EACH_3(m, __VA_ARGS__)
#define METRIC_EACH_5(m, a, ...)   m(a), METRIC_EACH_4(m, __VA_ARGS__)
#define METRIC_EACH_6(m, a, ...)   m(a), METRIC_EACH_5(m, __VA_ARGS__)
#define METRIC_EACH_7(m, a, ...)   m(a), METRIC_EACH_6(m, __VA_ARGS__)
#define METRIC_EACH_8(m, a, ...)   m(a), METRIC_EACH_7(m, __VA_ARGS__)
#define METRIC_LABEL_MEMBER(label) *label
#define METRIC_LABEL_NAME(label)   #label

/* The assertion takes the semicolon after the declaration, and catches an empty help early. */
#define METRIC_REGISTER(var, family, help_)                                                        \
    __attribute__((constructor(METRICS_PRIORITY))) static void var##_register(void)                \
    {                                                                                              \
        metric_register_or_abort(&(family));                                                       \
    }                                                                                              \
    _Static_assert(sizeof(help_) > 1, "a metric needs a help text")

/* `more` is the rest of the spec, in parentheses; so is a type that is not just named. */
#define METRIC_UNWRAP(...) __VA_ARGS__
#define METRIC_SINGLE(registry, type, var, kind, name, help, ...)                                  \
    METRIC_SINGLE_OF(registry, (struct type), var, child, kind, name, help, __VA_ARGS__)
#define METRIC_SINGLE_OF(registry_, type_, var, child_, kind, name_, help_, ...)                   \
    static METRIC_UNWRAP type_ var;                                                                \
    static struct metric_family var##_family = {                                                   \
        .spec = {.type = kind,                                                                     \
                 .name = name_,                                                                    \
                 .help = help_,                                                                    \
                 .file = __FILE__,                                                                 \
                 .line = __LINE__,                                                                 \
                 __VA_ARGS__},                                                                     \
        .registry = &(registry_),                                                                  \
        .single = &var.child_,                                                                     \
        .lock = PTHREAD_MUTEX_INITIALIZER,                                                         \
    };                                                                                             \
    METRIC_REGISTER(var, var##_family, help_)

#define METRIC_VEC(registry, type, var, kind, name, help, more, ...)                               \
    METRIC_VEC_OF(registry, (struct type), var, kind, name, help, more, __VA_ARGS__)
#define METRIC_VEC_OF(registry_, type_, var, kind, name_, help_, more, ...)                        \
    static struct {                                                                                \
        struct metric_family family;                                                               \
        struct {                                                                                   \
            const char METRIC_EACH(METRIC_LABEL_MEMBER, __VA_ARGS__);                              \
        } labels[0];                                                                               \
        METRIC_UNWRAP type_ child[0];                                                              \
    } var = {                                                                                      \
        .family = {                                                                                \
            .spec = {.type = kind,                                                                 \
                     .name = name_,                                                                \
                     .help = help_,                                                                \
                     .labels = (const char *const[]){METRIC_EACH(METRIC_LABEL_NAME, __VA_ARGS__)}, \
                     .n_labels = METRIC_N(__VA_ARGS__),                                            \
                     .file = __FILE__,                                                             \
                     .line = __LINE__,                                                             \
                     METRIC_UNWRAP more},                                                          \
            .registry = &(registry_),                                                              \
            .lock = PTHREAD_MUTEX_INITIALIZER,                                                     \
        }};                                                                                        \
    METRIC_REGISTER(var, var.family, help_)

#define COUNTER_IN(registry, var, name, help)                                                      \
    METRIC_SINGLE(registry, counter, var, METRIC_COUNTER, name, help)
#define COUNTER_VEC_IN(registry, var, name, help, ...)                                             \
    METRIC_VEC(registry, counter, var, METRIC_COUNTER, name, help, (), __VA_ARGS__)
#define GAUGE_IN(registry, var, name, help)                                                        \
    METRIC_SINGLE(registry, gauge, var, METRIC_GAUGE, name, help)
#define GAUGE_VEC_IN(registry, var, name, help, ...)                                               \
    METRIC_VEC(registry, gauge, var, METRIC_GAUGE, name, help, (), __VA_ARGS__)
#define HISTOGRAM_IN(registry, var, name, help, buckets_)                                          \
    METRIC_SINGLE(registry, histogram, var, METRIC_HISTOGRAM, name, help, .buckets = buckets_)
#define HISTOGRAM_VEC_IN(registry, var, name, help, buckets_, ...)                                 \
    METRIC_VEC(registry, histogram, var, METRIC_HISTOGRAM, name, help, (.buckets = buckets_),      \
               __VA_ARGS__)
/* QUANTILES and WINDOW are in parentheses, which is how they are told from labels. */
#define SUMMARY_IN(registry, var, name, help, ...)                                                 \
    METRIC_SINGLE(registry, summary, var, METRIC_SUMMARY, name, help,                              \
                  METRIC_SUMMARY_SPEC(__VA_ARGS__))
#define METRIC_SUMMARY_SPEC(...)                                                                   \
    METRIC_CAT(METRIC_SUMMARY_SPEC_, METRIC_N(__VA_ARGS__))(__VA_ARGS__)
#define METRIC_SUMMARY_SPEC_0()           .quantiles = NULL
#define METRIC_SUMMARY_SPEC_1(q)          .quantiles = q
#define METRIC_SUMMARY_SPEC_2(q, window_) .quantiles = q, .window = window_
#define SUMMARY_VEC_IN(registry, var, name, help, first, ...)                                      \
    METRIC_CAT(METRIC_SUMMARY_VEC_, METRIC_IN_PARENTHESES(first))                                  \
    (registry, var, name, help, first __VA_OPT__(, ) __VA_ARGS__)
#define METRIC_SUMMARY_VEC_0(registry, var, name, help, ...)                                       \
    METRIC_VEC(registry, summary, var, METRIC_SUMMARY, name, help, (), __VA_ARGS__)
#define METRIC_SUMMARY_VEC_1(registry, var, name, help, quantiles, window, ...)                    \
    METRIC_VEC(registry, summary, var, METRIC_SUMMARY, name, help,                                 \
               (METRIC_SUMMARY_SPEC(quantiles, window)), __VA_ARGS__)
#define METRIC_IN_PARENTHESES(x)       METRIC_SECOND(METRIC_EATEN x, 0, 0)
#define METRIC_EATEN(...)              0, 1
#define METRIC_SECOND(...)             METRIC_SECOND_(__VA_ARGS__)
#define METRIC_SECOND_(a, second, ...) second
#define GAUGE_CALLBACK_IN(registry, var, name, help, fn, ctx_)                                     \
    METRIC_SINGLE(registry, gauge, var, METRIC_GAUGE, name, help, .read = fn, .ctx = ctx_)
#define COUNTER_CALLBACK_IN(registry, var, name, help, fn, ctx_)                                   \
    METRIC_SINGLE(registry, counter, var, METRIC_COUNTER, name, help, .read = fn, .ctx = ctx_)
#define INFO_IN(registry, var, name, help, ...)                                                    \
    METRIC_VEC(registry, info, var, METRIC_INFO, name, help, (), __VA_ARGS__)

/* A state set of a declaration knows its states by the members of a struct of no size. */
#define METRIC_STATE_MEMBER(state) state
#define METRIC_STATESET_TYPE(...)                                                                  \
    struct {                                                                                       \
        struct stateset set;                                                                       \
        struct {                                                                                   \
            char METRIC_EACH(METRIC_STATE_MEMBER, __VA_ARGS__);                                    \
        } states[0];                                                                               \
    }
#define METRIC_STATESET_SPEC(...)                                                                  \
    .states = (const char *const[]){METRIC_EACH(METRIC_LABEL_NAME, __VA_ARGS__)},                  \
    .n_states = METRIC_N(__VA_ARGS__)
#define METRIC_STATE(s, state) ((unsigned)offsetof(__typeof__(*(s)->states), state))
#define STATESET_IN(registry, var, name, help, states)                                             \
    METRIC_SINGLE_OF(registry, (METRIC_STATESET_TYPE states), var, set.child, METRIC_STATESET,     \
                     name, help, METRIC_STATESET_SPEC states)
#define STATESET_VEC_IN(registry, var, name, help, states, ...)                                    \
    METRIC_VEC_OF(registry, (METRIC_STATESET_TYPE states), var, METRIC_STATESET, name, help,       \
                  (METRIC_STATESET_SPEC states), __VA_ARGS__)

#define METRIC_BUCKETS(...)                                                                        \
    (&(const struct metric_buckets){.kind = BUCKETS_LISTED,                                        \
                                    .at = (const double[]){__VA_ARGS__},                           \
                                    .n = sizeof((const double[]){__VA_ARGS__}) / sizeof(double)})
#define METRIC_BUCKETS_LINEAR(start_, width, count)                                                \
    (&(const struct metric_buckets){                                                               \
        .kind = BUCKETS_ARE_LINEAR, .start = start_, .step = width, .n = count})
#define METRIC_BUCKETS_EXPONENTIAL(start_, factor, count)                                          \
    (&(const struct metric_buckets){                                                               \
        .kind = BUCKETS_ARE_EXPONENTIAL, .start = start_, .step = factor, .n = count})
#define METRIC_BUCKETS_NATIVE(...)                                                                 \
    (&(const struct metric_buckets){.native = &(const struct metric_native){__VA_ARGS__}})
#define METRIC_QUANTILES(...)                                                                      \
    (&(const struct metric_quantiles){.at = (const double[]){__VA_ARGS__},                         \
                                      .n =                                                         \
                                          sizeof((const double[]){__VA_ARGS__}) / sizeof(double)})

#define METRIC_EXEMPLAR(...)                                                                       \
    ((struct metric_exemplar){.pairs = (const char *const[]){__VA_ARGS__},                         \
                              .n = METRIC_N(__VA_ARGS__) / 2 +                                     \
                                   0 * sizeof(struct {                                             \
                                       _Static_assert(METRIC_N(__VA_ARGS__) % 2 == 0,              \
                                                      "each name needs a value");                  \
                                       int unused;                                                 \
                                   })})

#define METRIC_TEXTS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
/* What a pointer points to begins with a family, or with a child that knows its own. */
#define METRIC_FAMILY_OF(metric)                                                                   \
    _Generic((metric), struct counter *                                                            \
             : metric_child_family, struct gauge *                                                 \
             : metric_child_family, struct histogram *                                             \
             : metric_child_family, struct summary *                                               \
             : metric_child_family, struct stateset *                                              \
             : metric_child_family, default                                                        \
             : metric_self)((void *)(metric))

#define METRIC_VALUES(vec, ...) ((const char *const *)&(__typeof__(*(vec).labels)){__VA_ARGS__})
#define METRIC_ALL_LABELS(vec, ...)                                                                \
    _Static_assert(METRIC_N(__VA_ARGS__) == sizeof *(vec).labels / sizeof(char *),                 \
                   "every label of the metric must be given, each once")
#define METRIC_WITH_(vec, ...)                                                                     \
    ({                                                                                             \
        METRIC_ALL_LABELS(vec, __VA_ARGS__);                                                       \
        (__typeof__(&*(vec).child))metric_family_with(&(vec).family,                               \
                                                      METRIC_VALUES(vec, __VA_ARGS__));            \
    })
#define METRIC_WITHOUT_(vec, ...)                                                                  \
    ({                                                                                             \
        METRIC_ALL_LABELS(vec, __VA_ARGS__);                                                       \
        metric_family_without(&(vec).family, METRIC_VALUES(vec, __VA_ARGS__));                     \
    })

#define METRIC_INFO_SET(vec, ...)                                                                  \
    ({                                                                                             \
        METRIC_ALL_LABELS(vec, __VA_ARGS__);                                                       \
        metric_info_set(&(vec).family, METRIC_VALUES(vec, __VA_ARGS__));                           \
    })
#define METRIC_BUILD_INFO(name, version_)                                                          \
    INFO(metric_build_info, name, "What was built.", version, compiler);                           \
    __attribute__((constructor)) static void metric_build_info_set(void)                           \
    {                                                                                              \
        METRIC_INFO_SET(metric_build_info, .version = version_, .compiler = __VERSION__);          \
    }                                                                                              \
    _Static_assert(1, "")

/* A loop of one turn, whose variable observes when it goes out of scope. */
#define METRIC_TIMER METRIC_CAT(metric_timer_, __LINE__)
#define METRIC_TIME_(metric)                                                                       \
    for (struct metric_timer METRIC_TIMER                                                          \
         __attribute__((cleanup(metric_timer_stop))) = METRIC_TIMER_OF(metric);                    \
         !METRIC_TIMER.done; METRIC_TIMER.done = true)
/* The same, whose variable takes one off the gauge when it goes out of scope. */
#define METRIC_PROGRESS METRIC_CAT(metric_progress_, __LINE__)
#define METRIC_IN_PROGRESS_(gauge_)                                                                \
    for (struct metric_progress METRIC_PROGRESS                                                    \
         __attribute__((cleanup(metric_progress_end))) = metric_progress_begin(gauge_);            \
         !METRIC_PROGRESS.done; METRIC_PROGRESS.done = true)
#define METRIC_TIMER_OF(timed)                                                                     \
    {                                                                                              \
        .metric = &(timed)->child, .start = clock_now(),                                           \
    }

#endif
