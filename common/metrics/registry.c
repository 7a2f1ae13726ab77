/* Registries, and the errors that updates cannot return; see metrics.h. */
#define METRICS_PRIORITY 101 /* this file's metric is there before start() binds its children */
#include "metrics/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

COUNTER_VEC(errors, "metrics_errors_total",
            "Updates of metrics that made no sense and were ignored.", reason);

struct metrics_registry metrics_default = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .n_hooks = 1,
    .hooks = {{metrics_process_collect, NULL}},
};

static const char *const reasons[] = {
#define METRIC_ERROR_REASON(name, reason) [METRIC_ERROR_##name] = reason,
    METRIC_ERROR_MAP(METRIC_ERROR_REASON)
#undef METRIC_ERROR_REASON
};

__attribute__((constructor(METRICS_PRIORITY + 1))) static void start(void)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        (void)METRIC_WITH(errors, .reason = reasons[i]);
}

void metric_error(enum metric_error reason)
{
    counter_inc(METRIC_WITH(errors, .reason = reasons[reason]));
}

const struct metric_ops *metric_ops_of(const struct metric_family *f)
{
    static const struct metric_ops *const ops[] = {
        [METRIC_COUNTER] = &metric_counter_ops,     [METRIC_GAUGE] = &metric_gauge_ops,
        [METRIC_HISTOGRAM] = &metric_histogram_ops, [METRIC_SUMMARY] = &metric_summary_ops,
        [METRIC_INFO] = &metric_info_ops,           [METRIC_STATESET] = &metric_stateset_ops,
    };
    return ops[f->spec.type];
}

void metric_timer_stop(struct metric_timer *timer)
{
    const struct metric_ops *ops = metric_ops_of(timer->metric->family);
    assert(ops->observe);
    ops->observe(timer->metric, clock_seconds(timer->start, clock_now()));
}

/* ---- Registering ---------------------------------------------------------------------------- */

static int clash(struct metrics_registry *r, const struct metric_spec *spec, struct err *err)
{
    for (const struct metric_family *f = r->families; f; f = f->next)
        if (metric_specs_clash(&f->spec, spec))
            return err_set(err, ERR_INVALID, "the name is taken by \"%s\" of %s:%d", f->spec.name,
                           f->spec.file, f->spec.line);
    return OK;
}

/* Sorted by name, so that an exposition does not depend on the order of linking. */
static void insert(struct metrics_registry *r, struct metric_family *f)
{
    struct metric_family **at = &r->families;
    while (*at && strcmp((*at)->spec.name, f->spec.name) < 0)
        at = &(*at)->next;
    f->next = *at;
    *at = f;
}

static int prepare(struct metric_family *f, struct err *err)
{
    int rc = f->spec.type == METRIC_HISTOGRAM ? metric_buckets_init(f, err) : OK;
    if (rc == OK && f->spec.type == METRIC_HISTOGRAM)
        rc = metric_native_init(f, err);
    if (rc == OK && (rc = metric_children_init(f)) != OK)
        err_set(err, rc, "out of memory");
    return rc;
}

static int add(struct metric_family *f, struct err *err)
{
    pthread_mutex_lock(&f->registry->lock);
    int rc = clash(f->registry, &f->spec, err);
    if (rc == OK)
        rc = prepare(f, err);
    if (rc == OK)
        insert(f->registry, f);
    pthread_mutex_unlock(&f->registry->lock);
    if (rc == OK && f->spec.type == METRIC_SUMMARY)
        metric_window_init(f);
    return rc;
}

void metric_register_or_abort(struct metric_family *f)
{
    struct err err;
    if (metric_spec_check(&f->spec, &err) == OK && add(f, &err) == OK)
        return;
    fprintf(stderr, "%s:%d: metric \"%s\": %s\n", f->spec.file, f->spec.line,
            f->spec.name ? f->spec.name : "", err.text);
    abort();
}

/* ---- Families made at run time -------------------------------------------------------------- */

/* A family and copies of all that its spec points to. */
struct dynamic_family {
    struct metric_family family;
    struct metric_buckets buckets, classic;
    struct metric_native native;
    struct metric_quantiles quantiles;
};

static void *copy(const void *from, size_t n, bool *complete)
{
    void *to = malloc(n ? n : 1);
    if (!to)
        *complete = false;
    return to ? memcpy(to, from, n) : NULL;
}

static char *copy_text(const char *text, bool *complete)
{
    return copy(text, strlen(text) + 1, complete);
}

static const char *const *copy_texts(const char *const *texts, unsigned n, bool *complete)
{
    const char **copies = calloc(n + 1, sizeof *copies);
    *complete &= copies != NULL;
    for (unsigned i = 0; copies && i < n; i++)
        copies[i] = copy_text(texts[i], complete);
    return copies;
}

static void free_texts(const char *const *texts, unsigned n)
{
    for (unsigned i = 0; texts && i < n; i++)
        free((void *)texts[i]);
    free((void *)texts);
}

static const struct metric_buckets *copy_classic(struct metric_buckets *to,
                                                 const struct metric_buckets *from, bool *complete)
{
    if (!from)
        return NULL;
    *to = *from;
    if (to->kind == BUCKETS_LISTED)
        to->at = copy(from->at, to->n * sizeof(double), complete);
    return to;
}

static const struct metric_buckets *copy_buckets(struct dynamic_family *d,
                                                 const struct metric_buckets *from, bool *complete)
{
    if (!from || !from->native)
        return copy_classic(&d->buckets, from, complete);
    d->native = *from->native;
    d->native.classic = copy_classic(&d->classic, from->native->classic, complete);
    d->buckets.native = &d->native;
    return &d->buckets;
}

static void copy_numbers(struct dynamic_family *d, const struct metric_spec *spec, bool *complete)
{
    d->family.spec.buckets = copy_buckets(d, spec->buckets, complete);
    if (spec->quantiles) {
        d->quantiles.n = spec->quantiles->n;
        d->quantiles.at = copy(spec->quantiles->at, d->quantiles.n * sizeof(double), complete);
        d->family.spec.quantiles = &d->quantiles;
    }
}

static void free_classic(const struct metric_buckets *b)
{
    if (b->kind == BUCKETS_LISTED)
        free((void *)b->at);
}

static void dynamic_free(struct dynamic_family *d)
{
    struct metric_spec *spec = &d->family.spec;
    metric_children_free(&d->family);
    pthread_mutex_destroy(&d->family.lock);
    free_texts(spec->labels, spec->n_labels);
    free_texts(spec->states, spec->n_states);
    free((void *)spec->name);
    free((void *)spec->help);
    free_classic(&d->buckets);
    free_classic(&d->classic);
    free((void *)d->quantiles.at);
    metric_buckets_free(&d->family);
    free(d->family.native);
    free(d);
}

/* NULL: no memory. */
static struct dynamic_family *dynamic_new(const struct metric_spec *spec)
{
    struct dynamic_family *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    bool complete = true;
    d->family.spec = *spec;
    d->family.spec.name = copy_text(spec->name, &complete);
    d->family.spec.help = copy_text(spec->help, &complete);
    d->family.spec.file = "(made at run time)";
    d->family.spec.labels = copy_texts(spec->labels, spec->n_labels, &complete);
    d->family.spec.states = copy_texts(spec->states, spec->n_states, &complete);
    d->family.spec.buckets = NULL;
    d->family.spec.quantiles = NULL;
    copy_numbers(d, spec, &complete);
    pthread_mutex_init(&d->family.lock, NULL);
    if (complete)
        return d;
    dynamic_free(d);
    return NULL;
}

int metric_family_new(struct metrics_registry *registry, const struct metric_spec *spec,
                      struct metric_family **out, struct err *err)
{
    int rc = metric_spec_check(spec, err);
    if (rc != OK)
        return rc;
    struct dynamic_family *d = dynamic_new(spec);
    if (!d)
        return err_set(err, ERR_NOMEM, "out of memory");
    d->family.registry = registry;
    rc = add(&d->family, err);
    if (rc != OK)
        dynamic_free(d);
    else
        *out = &d->family;
    return rc;
}

void metric_family_free(struct metric_family *f)
{
    pthread_mutex_lock(&f->registry->lock);
    struct metric_family **at = &f->registry->families;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    pthread_mutex_unlock(&f->registry->lock);
    if (f->spec.type == METRIC_SUMMARY)
        metric_window_drop(f);
    dynamic_free((struct dynamic_family *)f);
}

/* ---- Hooks ---------------------------------------------------------------------------------- */

int metrics_registry_collect_hook(struct metrics_registry *r, metrics_hook_fn *fn, void *ctx)
{
    int rc = ERR_FULL;
    pthread_mutex_lock(&r->lock);
    if (r->n_hooks < METRICS_MAX_HOOKS) {
        r->hooks[r->n_hooks].fn = fn;
        r->hooks[r->n_hooks++].ctx = ctx;
        rc = OK;
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}

void metrics_registry_collect_unhook(struct metrics_registry *r, metrics_hook_fn *fn, void *ctx)
{
    pthread_mutex_lock(&r->lock);
    for (unsigned i = 0; i < r->n_hooks; i++)
        if (r->hooks[i].fn == fn && r->hooks[i].ctx == ctx) {
            r->hooks[i] = r->hooks[--r->n_hooks];
            break;
        }
    pthread_mutex_unlock(&r->lock);
}

int metrics_collect_hook(metrics_hook_fn *fn, void *ctx)
{
    return metrics_registry_collect_hook(&metrics_default, fn, ctx);
}

void metrics_collect_unhook(metrics_hook_fn *fn, void *ctx)
{
    metrics_registry_collect_unhook(&metrics_default, fn, ctx);
}
