/*
 * Prometheus's text format 0.0.4; see metrics.h. This file reads the model and changes nothing in
 * it, so that other formats can stand beside it.
 *
 *     # HELP name text
 *     # TYPE name type
 *     name{label="value",le="0.5"} 12
 */
#include "metrics/internal.h"

#include <string.h>

/* One line: a child's labels, and perhaps one more that its type adds. */
struct sample {
    const struct metric_child *child;
    const char *suffix;      /* of the name: "_bucket" */
    const char *extra_label; /* "le", "quantile", or NULL */
    double extra_value;
};

static void write_escaped(struct buf *out, const char *text, bool quotes)
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

static void write_label(struct buf *out, char before, const char *name, const char *value)
{
    buf_char(out, before);
    buf_text(out, name);
    buf_text(out, "=\"");
    write_escaped(out, value, true);
    buf_char(out, '"');
}

static void write_labels(struct buf *out, const struct sample *s)
{
    const struct metric_spec *spec = &s->child->family->spec;
    const char *values[METRICS_MAX_LABELS];
    char number[METRIC_NUMBER_MAX];
    char before = '{';
    metric_child_values(s->child, values);
    for (unsigned i = 0; i < spec->n_labels; i++, before = ',')
        write_label(out, before, spec->labels[i], values[i]);
    if (s->extra_label) {
        number[metric_number_bound(number, s->extra_value)] = '\0';
        write_label(out, before, s->extra_label, number);
        before = ',';
    }
    if (before == ',')
        buf_char(out, '}');
}

static void write_start(struct buf *out, const struct sample *s)
{
    buf_text(out, s->child->family->spec.name);
    buf_text(out, s->suffix);
    write_labels(out, s);
    buf_char(out, ' ');
}

static void write_double(struct buf *out, const struct sample *s, double value)
{
    char number[METRIC_NUMBER_MAX];
    write_start(out, s);
    buf_append(out, number, metric_number_value(number, value));
    buf_char(out, '\n');
}

static void write_count(struct buf *out, const struct sample *s, uint64_t value)
{
    write_start(out, s);
    buf_u64(out, value);
    buf_char(out, '\n');
}

/* ---- The types ------------------------------------------------------------------------------ */

static void write_counter(struct buf *out, const struct metric_child *child)
{
    const struct counter *c = (const struct counter *)child;
    const struct sample s = {child, "", NULL, 0};
    if (cell_get_double(&c->fraction) == 0) /* exact beyond 2^53 too */
        write_count(out, &s, cell_get(&c->own) + cell_get(&c->shared));
    else
        write_double(out, &s, counter_value(c));
}

static void write_gauge(struct buf *out, const struct metric_child *child)
{
    write_double(out, &(struct sample){child, "", NULL, 0},
                 gauge_value((const struct gauge *)child));
}

static void write_sum_and_count(struct buf *out, const struct metric_child *child, double sum,
                                uint64_t count)
{
    write_double(out, &(struct sample){child, "_sum", NULL, 0}, sum);
    write_count(out, &(struct sample){child, "_count", NULL, 0}, count);
}

static void write_histogram(struct buf *out, const struct metric_child *child)
{
    const struct histogram *h = (const struct histogram *)child;
    unsigned n = child->family->n_bounds;
    uint64_t cumulative[METRICS_MAX_BUCKETS + 1];
    double sum = histogram_sum(h);
    uint64_t count = metric_histogram_read(h, cumulative);
    for (unsigned i = 0; i <= n; i++)
        write_count(out, &(struct sample){child, "_bucket", "le", h->bounds[i]}, cumulative[i]);
    write_sum_and_count(out, child, sum, count);
}

static void write_summary(struct buf *out, const struct metric_child *child)
{
    const struct summary *s = (const struct summary *)child;
    const struct metric_quantiles *q = child->family->spec.quantiles;
    double values[METRICS_MAX_QUANTILES];
    if (q)
        metric_summary_read(s, q->at, values, q->n);
    for (unsigned i = 0; q && i < q->n; i++)
        write_double(out, &(struct sample){child, "", "quantile", q->at[i]}, values[i]);
    write_sum_and_count(out, child, summary_sum(s), summary_count(s));
}

/* ---- The whole ------------------------------------------------------------------------------ */

static void write_header(struct buf *out, const struct metric_family *f)
{
    buf_text(out, "# HELP ");
    buf_text(out, f->spec.name);
    buf_char(out, ' ');
    write_escaped(out, f->spec.help, false);
    buf_text(out, "\n# TYPE ");
    buf_text(out, f->spec.name);
    buf_char(out, ' ');
    buf_text(out, metric_ops_of(f)->name);
    buf_char(out, '\n');
}

static void write_family(struct buf *out, const struct metric_family *f)
{
    static void (*const write[])(struct buf *, const struct metric_child *) = {
        [METRIC_COUNTER] = write_counter,
        [METRIC_GAUGE] = write_gauge,
        [METRIC_HISTOGRAM] = write_histogram,
        [METRIC_SUMMARY] = write_summary,
    };
    write_header(out, f);
    METRIC_EACH_CHILD(child, f)
    if (metric_child_shown(child))
        write[f->spec.type](out, child);
}

int metrics_registry_write_text(struct metrics_registry *r, struct buf *out)
{
    size_t before = buf_len(out);
    metrics_tick(clock_now());
    pthread_mutex_lock(&r->lock); /* against registering; updates and with() do not take it */
    for (unsigned i = 0; i < r->n_hooks; i++)
        r->hooks[i].fn(r->hooks[i].ctx);
    for (const struct metric_family *f = r->families; f && buf_ok(out); f = f->next)
        write_family(out, f);
    pthread_mutex_unlock(&r->lock);
    if (buf_ok(out))
        return OK;
    out->end = out->start + before;
    return ERR_NOMEM;
}

int metrics_write_text(struct buf *out)
{
    return metrics_registry_write_text(&metrics_default, out);
}
