/*
 * An exposition from the registry's side: collect hooks, then the families by name; see metrics.h.
 * How a family is written is the affair of one file a format.
 */
#include "metrics/internal.h"

#include <math.h>
#include <string.h>

static const struct metric_encoder *const encoders[] = {
    [METRICS_TEXT] = &metric_text_encoder,
    [METRICS_OPENMETRICS] = &metric_openmetrics_encoder,
    [METRICS_PROTOBUF] = &metric_protobuf_encoder,
};

void metric_scratch_free(struct metric_scratch *scratch)
{
    metric_native_scratch_free(scratch->native);
    metric_exemplar_scratch_free(scratch->exemplars);
}

static const struct metric_encoder *encoder_of(enum metrics_format format)
{
    return format < sizeof encoders / sizeof *encoders ? encoders[format] : NULL;
}

static bool is_wanted(const struct metric_family *f, const struct metrics_exposition *what)
{
    for (unsigned i = 0; i < what->n_names; i++)
        if (metric_spec_takes_name(&f->spec, what->names[i]))
            return true;
    return what->n_names == 0;
}

/* Asks for the values that functions tell; what they do not know is left out. */
static void call_back(struct metrics_registry *r)
{
    METRIC_EACH_FAMILY(f, &r->families)
    {
        if (!f->spec.read)
            continue;
        double value = f->spec.read(f->spec.ctx);
        metric_child_show(f->first, !isnan(value));
        if (f->spec.type == METRIC_GAUGE)
            gauge_set((struct gauge *)f->first, value);
        else if (!isnan(value))
            counter_mirror((struct counter *)f->first, value);
    }
}

/* The next by name of two sorted lists. */
static const struct metric_family *next(const struct metric_families *a, unsigned *i,
                                        const struct metric_families *b, unsigned *k)
{
    if (*i == a->n)
        return *k < b->n ? b->at[(*k)++] : NULL;
    bool first = *k == b->n || strcmp(a->at[*i]->spec.name, b->at[*k]->spec.name) < 0;
    return first ? a->at[(*i)++] : b->at[(*k)++];
}

static void write_families(const struct metrics_sink *collected,
                           const struct metrics_exposition *what, struct buf *out)
{
    const struct metric_encoder *e = encoder_of(what->format);
    const struct metric_families *registered = &collected->registry->families;
    struct metric_scratch scratch = {0};
    const struct metric_family *f;
    unsigned i = 0, k = 0;
    while (buf_ok(out) && (f = next(registered, &i, &collected->families, &k)))
        if (is_wanted(f, what) && e->write_family(out, f, what, &scratch) != OK)
            out->failed = true;
    if (e->write_end)
        e->write_end(out);
    metric_scratch_free(&scratch);
}

static void write_registry(struct metrics_registry *r, const struct metrics_exposition *what,
                           struct buf *out)
{
    struct metrics_sink collected = {.registry = r};
    for (unsigned i = 0; i < r->n_hooks; i++)
        r->hooks[i].fn(r->hooks[i].ctx);
    call_back(r);
    if (metric_collect(&collected) == OK)
        write_families(&collected, what, out);
    else
        out->failed = true;
    metric_collect_end(&collected);
}

int metrics_write(struct metrics_registry *r, const struct metrics_exposition *what,
                  struct buf *out)
{
    size_t before = buf_len(out);
    if (!encoder_of(what->format))
        return ERR_INVALID;
    metrics_tick(clock_now());
    pthread_mutex_lock(&r->lock); /* against registering; updates and with() do not take it */
    write_registry(r, what, out);
    pthread_mutex_unlock(&r->lock);
    if (buf_ok(out))
        return OK;
    out->end = out->start + before;
    return ERR_NOMEM;
}

const char *metrics_content_type(enum metrics_format format)
{
    const struct metric_encoder *e = encoder_of(format);
    return e ? e->content_type : NULL;
}

int metrics_registry_write_text(struct metrics_registry *r, struct buf *out)
{
    return metrics_write(r, &(struct metrics_exposition){.format = METRICS_TEXT}, out);
}

int metrics_write_text(struct buf *out)
{
    return metrics_registry_write_text(&metrics_default, out);
}
