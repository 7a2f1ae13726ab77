/*
 * Prometheus's text format 0.0.4, out of points (point.h).
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

static void write_value(struct buf *out, const struct metric_point *p)
{
    const struct sample s = {p->child, "", NULL, 0};
    if (p->whole)
        write_count(out, &s, p->count);
    else
        write_double(out, &s, p->value);
}

static void write_sum_and_count(struct buf *out, const struct metric_point *p)
{
    write_double(out, &(struct sample){p->child, "_sum", NULL, 0}, p->value);
    write_count(out, &(struct sample){p->child, "_count", NULL, 0}, p->count);
}

static void write_histogram(struct buf *out, const struct metric_point *p)
{
    const double *bounds = p->child->family->bounds;
    for (unsigned i = 0; i < p->n; i++)
        write_count(out, &(struct sample){p->child, "_bucket", "le", bounds[i]}, p->cumulative[i]);
    write_sum_and_count(out, p);
}

static void write_summary(struct buf *out, const struct metric_point *p)
{
    const struct metric_quantiles *q = p->child->family->spec.quantiles;
    for (unsigned i = 0; i < p->n; i++)
        write_double(out, &(struct sample){p->child, "", "quantile", q->at[i]}, p->quantiles[i]);
    write_sum_and_count(out, p);
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

static int write_family(struct buf *out, const struct metric_family *f,
                        struct metric_scratch *scratch)
{
    static void (*const write[])(struct buf *, const struct metric_point *) = {
        [METRIC_COUNTER] = write_value,
        [METRIC_GAUGE] = write_value,
        [METRIC_HISTOGRAM] = write_histogram,
        [METRIC_SUMMARY] = write_summary,
    };
    const struct metric_ops *ops = metric_ops_of(f);
    struct metric_point point;
    int rc = OK;
    write_header(out, f);
    METRIC_EACH_CHILD(child, f)
    if (rc == OK && metric_child_shown(child) && (rc = ops->read(child, scratch, &point)) == OK)
        write[f->spec.type](out, &point);
    return rc;
}

const struct metric_encoder metric_text_encoder = {
    .content_type = METRICS_TEXT_CONTENT_TYPE,
    .write_family = write_family,
};
