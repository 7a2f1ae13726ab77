/* Rendering the names of series, and keeping them; see series.h. */
#include "metrics/series.h"

#include <stdlib.h>

/* ---- Rendering ------------------------------------------------------------------------------ */

void metric_text_escaped(struct buf *out, const char *text, bool quotes)
{
    for (;;) {
        size_t plain = strcspn(text, quotes ? "\\\n\"" : "\\\n");
        buf_append(out, text, plain);
        text += plain;
        if (!*text)
            return;
        buf_char(out, '\\');
        buf_char(out, *text == '\n' ? 'n' : *text);
        text++;
    }
}

void metric_text_label(struct buf *out, const char *before, const char *name, const char *value)
{
    buf_text(out, before);
    buf_text(out, name);
    buf_text(out, "=\"");
    metric_text_escaped(out, value, true);
    buf_char(out, '"');
}

/* `extra` is the label that the type adds, or NULL. */
static void render_labels(struct buf *out, const struct metric_child *child, const char *extra,
                          const char *extra_value)
{
    const struct metric_spec *spec = &child->family->spec;
    const char *values[METRICS_MAX_LABELS];
    const char *before = "{";
    metric_child_values(child, values);
    for (unsigned i = 0; i < spec->n_labels; i++, before = ",")
        metric_text_label(out, before, spec->labels[i], values[i]);
    if (extra) {
        metric_text_label(out, before, extra, extra_value);
        before = ",";
    }
    if (*before == ',')
        buf_char(out, '}');
}

static void render(struct buf *out, const struct metric_child *child, const char *suffix,
                   const char *extra, const char *extra_value)
{
    buf_text(out, child->family->spec.name);
    buf_text(out, suffix);
    render_labels(out, child, extra, extra_value);
    buf_char(out, ' ');
}

static void render_bound(struct buf *out, const struct metric_child *child, const char *suffix,
                         const char *label, double bound)
{
    char number[METRIC_NUMBER_MAX + 1];
    number[metric_number_bound(number, bound)] = '\0';
    render(out, child, suffix, label, number);
}

/* The series before _sum. */
static unsigned parts_of(const struct metric_family *f)
{
    if (f->spec.type == METRIC_HISTOGRAM)
        return f->n_bounds + 1;
    if (f->spec.type == METRIC_STATESET)
        return f->spec.n_states;
    return f->spec.quantiles ? f->spec.quantiles->n : 0;
}

static bool has_sum(const struct metric_family *f)
{
    return f->spec.type == METRIC_HISTOGRAM || f->spec.type == METRIC_SUMMARY;
}

static unsigned count_of(const struct metric_family *f)
{
    if (f->spec.type == METRIC_STATESET)
        return parts_of(f);
    return has_sum(f) ? parts_of(f) + 2 : 1;
}

void metric_series_render(struct buf *out, const struct metric_child *child, unsigned i)
{
    const struct metric_family *f = child->family;
    if (f->spec.type == METRIC_STATESET)
        render(out, child, "", f->spec.name, f->spec.states[i]);
    else if (!has_sum(f))
        render(out, child, "", NULL, NULL);
    else if (i >= parts_of(f))
        render(out, child, i == parts_of(f) ? "_sum" : "_count", NULL, NULL);
    else if (f->spec.type == METRIC_HISTOGRAM)
        render_bound(out, child, "_bucket", "le", f->bounds[i]);
    else
        render_bound(out, child, "", "quantile", f->spec.quantiles->at[i]);
}

void metric_series_render_created(struct buf *out, const struct metric_child *child)
{
    buf_append(out, child->family->spec.name, metric_family_name_len(child->family));
    buf_text(out, "_created");
    render_labels(out, child, NULL, NULL);
    buf_char(out, ' ');
}

/* ---- Keeping -------------------------------------------------------------------------------- */

static struct metric_series not_kept; /* of a child that has too much of it */

static struct metric_series *copy(const size_t *ends, unsigned n, const char *text)
{
    size_t len = ends[n - 1];
    struct metric_series *series =
        malloc(sizeof *series + n * sizeof *series->ends + len + METRIC_SERIES_BLOCK);
    if (!series)
        return NULL;
    series->n = (uint16_t)n;
    for (unsigned i = 0; i < n; i++)
        series->ends[i] = (uint16_t)ends[i];
    memcpy(&series->ends[n], text, len);
    return series;
}

const struct metric_series *metric_series_keep(_Atomic(struct metric_series *) *at,
                                               const size_t *ends, unsigned n, const char *text)
{
    struct metric_series *there = NULL;
    struct metric_series *made = ends[n - 1] <= METRIC_SERIES_MAX ? copy(ends, n, text) : &not_kept;
    if (!made || atomic_compare_exchange_strong_explicit(at, &there, made, memory_order_acq_rel,
                                                         memory_order_acquire))
        return made;
    metric_series_free(made);
    return there;
}

/* Behind the end of `out`, where there will be room for it in the end anyway. */
const struct metric_series *metric_series_render_all(struct buf *out, struct metric_child *child)
{
    size_t ends[METRICS_MAX_BUCKETS + 3];
    unsigned n = count_of(child->family);
    size_t before = buf_len(out);
    for (unsigned i = 0; i < n; i++) {
        metric_series_render(out, child, i);
        ends[i] = buf_len(out) - before;
    }
    out->end -= ends[n - 1];
    return buf_ok(out) ? metric_series_keep(&child->series, ends, n, buf_tail(out)) : NULL;
}

void metric_series_free(struct metric_series *series)
{
    if (series != &not_kept)
        free(series);
}
