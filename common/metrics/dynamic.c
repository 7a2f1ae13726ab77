/* Families whose spec is known at run time only: copies of all that it points to; see metrics.h. */
#include "metrics/buckets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

void metric_family_drop(struct metric_family *f)
{
    struct dynamic_family *d = (struct dynamic_family *)f;
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

struct metric_family *metric_family_copy(const struct metric_spec *spec)
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
        return &d->family;
    metric_family_drop(&d->family);
    return NULL;
}

int metric_family_new(struct metrics_registry *registry, const struct metric_spec *spec,
                      struct metric_family **out, struct err *err)
{
    int rc = metric_spec_check(spec, err);
    if (rc != OK)
        return rc;
    struct metric_family *f = metric_family_copy(spec);
    if (!f)
        return err_set(err, ERR_NOMEM, "out of memory");
    f->registry = registry;
    rc = metric_family_begin(f, err);
    if (rc != OK)
        metric_family_drop(f);
    else
        *out = f;
    return rc;
}

void metric_family_free(struct metric_family *f)
{
    metric_family_unregister(f->registry, f);
    assert(atomic_load(&f->registries) == 0); /* metrics_unregister comes first */
    if (f->spec.type == METRIC_SUMMARY)
        metric_window_drop(f);
    metric_family_drop(f);
}
