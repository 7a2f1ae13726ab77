/*
 * Custom collectors: families that are made for one exposition and freed behind it; see
 * collector.h.
 *
 * They are families like all others, so that encoders see no difference, but their children hold
 * points in the place of cells.
 */
#include "metrics/internal.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct collected {
    struct metric_child child;
    struct metric_point point;
    uint64_t *cumulative;
    bool given;
};

/* ---- The children --------------------------------------------------------------------------- */

static int read_point(const struct metric_child *child, struct metric_scratch *scratch,
                      struct metric_point *point)
{
    (void)scratch;
    *point = ((const struct collected *)child)->point;
    return OK;
}

static void reset(struct metric_child *child)
{
    (void)child;
}

static void end(struct metric_child *child)
{
    free(((struct collected *)child)->cumulative);
}

#define COLLECTED(name_)                                                                           \
    {                                                                                              \
        .name = name_, .size = sizeof(struct collected), .reset = reset, .end = end,               \
        .read = read_point                                                                         \
    }
static const struct metric_ops ops[] = {
    [METRIC_COUNTER] = COLLECTED("counter"),
    [METRIC_GAUGE] = COLLECTED("gauge"),
    [METRIC_HISTOGRAM] = COLLECTED("histogram"),
    [METRIC_SUMMARY] = COLLECTED("summary"),
};

/* ---- Families ------------------------------------------------------------------------------- */

/* A collector's mistake: what it says is left out. */
static void refuse(struct metrics_sink *sink)
{
    metric_error(METRIC_ERROR_COLLECTOR);
    sink->current = NULL;
}

/* One of that very name, which is gone on with if it is of the same kind. */
static struct metric_family *find(const struct metrics_sink *sink, const struct metric_spec *spec)
{
    for (unsigned i = 0; i < sink->families.n; i++)
        if (!strcmp(sink->families.at[i]->spec.name, spec->name))
            return sink->families.at[i];
    return NULL;
}

static bool same_kind(const struct metric_spec *a, const struct metric_spec *b)
{
    bool same = a->type == b->type && a->n_labels == b->n_labels && !a->buckets && !b->buckets;
    for (unsigned i = 0; same && i < a->n_labels; i++)
        same = !strcmp(a->labels[i], b->labels[i]);
    return same;
}

static bool clashes(const struct metrics_sink *sink, const struct metric_spec *spec)
{
    return metric_families_clash(&sink->families, spec) ||
           metric_families_clash(&sink->registry->families, spec);
}

static bool is_emittable(const struct metric_spec *spec)
{
    return spec->type < sizeof ops / sizeof *ops && !spec->read &&
           metric_spec_check(spec, NULL) == OK && !(spec->buckets && spec->buckets->native) &&
           !spec->quantiles;
}

/* Hidden until it is given a value; the one child of a family without labels too. */
static struct metric_family *make(struct metrics_sink *sink, const struct metric_spec *spec)
{
    struct metric_family *f = metric_family_copy(spec);
    if (f) {
        f->spec.max_children = INT_MAX;
        f->ops = &ops[spec->type];
    }
    if (f && metric_family_prepare(f, NULL) == OK &&
        metric_families_insert(&sink->families, f) == OK) {
        metric_child_show(f->first, false);
        return f;
    }
    if (f)
        metric_family_drop(f);
    sink->failed = true;
    return NULL;
}

void metrics_emit_spec(struct metrics_sink *sink, const struct metric_spec *spec)
{
    sink->current = is_emittable(spec) ? find(sink, spec) : NULL;
    if (!is_emittable(spec))
        refuse(sink);
    else if (sink->current && !same_kind(&sink->current->spec, spec))
        refuse(sink);
    else if (!sink->current && clashes(sink, spec))
        refuse(sink);
    else if (!sink->current)
        sink->current = make(sink, spec);
}

/* ---- Values --------------------------------------------------------------------------------- */

static bool is_overflow(const char *const values[], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!values[i] || strcmp(values[i], "overflow") != 0)
            return false;
    return true;
}

/* The child that the values go to, or NULL: a mistake, or no memory. */
static struct collected *child_for(struct metrics_sink *sink, enum metric_type *type,
                                   const char *const values[], unsigned n)
{
    struct metric_family *f = sink->current;
    if (!f)
        return NULL; /* that was counted already */
    *type = f->spec.type;
    if (f->spec.n_labels != n) {
        metric_error(METRIC_ERROR_COLLECTOR);
        return NULL;
    }
    struct collected *c = (struct collected *)metric_family_with(f, values);
    if (&c->child == f->overflow && !is_overflow(values, n))
        sink->failed = true;
    else if (c->given)
        metric_error(METRIC_ERROR_COLLECTOR);
    else
        return c;
    return NULL;
}

static void give(struct collected *c, struct metric_point point)
{
    c->point = point;
    c->point.child = &c->child;
    c->given = true;
}

/* A value that makes no sense is left out, and its child stays hidden. */
static void leave_out(struct collected *c)
{
    metric_error(METRIC_ERROR_COLLECTOR);
    metric_child_show(&c->child, false);
}

void metrics_emit_value(struct metrics_sink *sink, double value, const char *const values[],
                        unsigned n)
{
    enum metric_type type;
    struct collected *c = child_for(sink, &type, values, n);
    if (!c)
        return;
    bool in_parts = type == METRIC_HISTOGRAM || type == METRIC_SUMMARY;
    if (in_parts || (type == METRIC_COUNTER && !(value >= 0)))
        leave_out(c);
    else
        give(c, (struct metric_point){.value = value});
}

void metrics_emit_sum(struct metrics_sink *sink, double sum, uint64_t count,
                      const char *const values[], unsigned n)
{
    enum metric_type type;
    struct collected *c = child_for(sink, &type, values, n);
    if (!c)
        return;
    if (type != METRIC_SUMMARY)
        leave_out(c);
    else
        give(c, (struct metric_point){.value = sum, .count = count});
}

static bool ascend(const uint64_t *cumulative, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if (cumulative[i] < cumulative[i - 1])
            return false;
    return true;
}

void metrics_emit_buckets(struct metrics_sink *sink, double sum, const uint64_t *cumulative,
                          const char *const values[], unsigned n)
{
    enum metric_type type;
    struct collected *c = child_for(sink, &type, values, n);
    if (!c)
        return;
    unsigned buckets = c->child.family->n_bounds + 1;
    if (type != METRIC_HISTOGRAM || !ascend(cumulative, buckets)) {
        leave_out(c);
        return;
    }
    c->cumulative = malloc(buckets * sizeof *c->cumulative);
    if (!c->cumulative) {
        sink->failed = true;
        return;
    }
    memcpy(c->cumulative, cumulative, buckets * sizeof *c->cumulative);
    give(c, (struct metric_point){.value = sum,
                                  .n = buckets,
                                  .cumulative = c->cumulative,
                                  .count = cumulative[buckets - 1]});
}

/* ---- At an exposition ----------------------------------------------------------------------- */

int metric_collect(struct metrics_sink *sink)
{
    struct metrics_registry *r = sink->registry;
    for (unsigned i = 0; i < r->n_collectors; i++) {
        sink->current = NULL;
        r->collectors[i]->collect(r->collectors[i]->ctx, sink);
    }
    return sink->failed ? ERR_NOMEM : OK;
}

void metric_collect_end(struct metrics_sink *sink)
{
    for (unsigned i = 0; i < sink->families.n; i++)
        metric_family_drop(sink->families.at[i]);
    free(sink->families.at);
}

/* ---- Registering ---------------------------------------------------------------------------- */

int metrics_collector_register(struct metrics_registry *r, const struct metrics_collector *c)
{
    int rc = ERR_FULL;
    pthread_mutex_lock(&r->lock);
    if (r->n_collectors < METRICS_MAX_COLLECTORS) {
        r->collectors[r->n_collectors++] = c;
        rc = OK;
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}

/* Those behind it move up: with equal names the order of registering counts. */
void metrics_collector_unregister(struct metrics_registry *r, const struct metrics_collector *c)
{
    unsigned kept = 0;
    pthread_mutex_lock(&r->lock);
    for (unsigned i = 0; i < r->n_collectors; i++)
        if (r->collectors[i] != c)
            r->collectors[kept++] = r->collectors[i];
    r->n_collectors = kept;
    pthread_mutex_unlock(&r->lock);
}
