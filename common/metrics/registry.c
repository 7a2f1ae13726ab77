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
    return f->ops ? f->ops : ops[f->spec.type];
}

void metric_timer_stop(struct metric_timer *timer)
{
    const struct metric_ops *ops = metric_ops_of(timer->metric->family);
    assert(ops->observe);
    ops->observe(timer->metric, clock_seconds(timer->start, clock_now()));
}

/* ---- Registering ---------------------------------------------------------------------------- */

const struct metric_family *metric_families_clash(const struct metric_families *families,
                                                  const struct metric_spec *spec)
{
    for (unsigned i = 0; i < families->n; i++)
        if (metric_specs_clash(&families->at[i]->spec, spec))
            return families->at[i];
    return NULL;
}

static bool room_for_one(struct metric_families *families)
{
    unsigned room = families->room ? 2 * families->room : 16;
    if (families->n < families->room)
        return true;
    struct metric_family **at = realloc(families->at, room * sizeof *at);
    if (!at)
        return false;
    families->at = at;
    families->room = room;
    return true;
}

/* Sorted by name, so that an exposition does not depend on the order of linking. */
int metric_families_insert(struct metric_families *families, struct metric_family *f)
{
    if (!room_for_one(families))
        return ERR_NOMEM;
    unsigned i = families->n++;
    for (; i && strcmp(families->at[i - 1]->spec.name, f->spec.name) > 0; i--)
        families->at[i] = families->at[i - 1];
    families->at[i] = f;
    return OK;
}

static bool take_out(struct metric_families *families, const struct metric_family *f)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < families->n; i++)
        if (families->at[i] != f)
            families->at[kept++] = families->at[i];
    bool was_there = kept < families->n;
    families->n = kept;
    if (kept == 0) { /* a registry has no end of its own: with its last family it holds nothing */
        free(families->at);
        *families = (struct metric_families){0};
    }
    return was_there;
}

static int add(struct metrics_registry *r, struct metric_family *f, struct err *err)
{
    const struct metric_family *other = metric_families_clash(&r->families, &f->spec);
    if (other)
        return err_set(err, ERR_INVALID, "the name is taken by \"%s\" of %s:%d", other->spec.name,
                       other->spec.file, other->spec.line);
    if (metric_families_insert(&r->families, f) != OK)
        return err_set(err, ERR_NOMEM, "out of memory");
    atomic_fetch_add(&f->registries, 1);
    return OK;
}

int metric_family_register(struct metrics_registry *r, struct metric_family *f, struct err *err)
{
    pthread_mutex_lock(&r->lock);
    int rc = add(r, f, err);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

void metric_family_unregister(struct metrics_registry *r, struct metric_family *f)
{
    pthread_mutex_lock(&r->lock);
    if (take_out(&r->families, f))
        atomic_fetch_sub(&f->registries, 1);
    pthread_mutex_unlock(&r->lock);
}

int metric_family_prepare(struct metric_family *f, struct err *err)
{
    int rc = f->spec.type == METRIC_HISTOGRAM ? metric_buckets_init(f, err) : OK;
    if (rc == OK && f->spec.type == METRIC_HISTOGRAM)
        rc = metric_native_init(f, err);
    if (rc == OK && (rc = metric_children_init(f)) != OK)
        err_set(err, rc, "out of memory");
    return rc;
}

/* A name that is taken is the first thing to say, so it is looked for before anything is made. */
int metric_family_begin(struct metric_family *f, struct err *err)
{
    struct metrics_registry *r = f->registry;
    pthread_mutex_lock(&r->lock);
    bool prepared = !metric_families_clash(&r->families, &f->spec);
    int rc = prepared ? metric_family_prepare(f, err) : OK;
    if (rc == OK)
        rc = add(r, f, err);
    pthread_mutex_unlock(&r->lock);
    if (rc == OK && f->spec.type == METRIC_SUMMARY)
        metric_window_init(f);
    return rc;
}

void metric_register_or_abort(struct metric_family *f)
{
    struct err err;
    if (metric_spec_check(&f->spec, &err) == OK && metric_family_begin(f, &err) == OK)
        return;
    fprintf(stderr, "%s:%d: metric \"%s\": %s\n", f->spec.file, f->spec.line,
            f->spec.name ? f->spec.name : "", err.text);
    abort();
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
