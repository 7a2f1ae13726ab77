/* Lines of samples; see lines.h. */
#include "metrics/lines.h"

#include "metrics/digits.h"
#include "metrics/series.h"

/* So that struct lines is in registers, in the loop over children whose speed matters. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* The lines of one child. */
struct lines {
    struct buf *out;
    struct metric_child *child;
    const struct metric_series *series;
    bool openmetrics;
};

/* ---- One line ------------------------------------------------------------------------------- */

enum { NUMBER_AND_NEWLINE = METRIC_NUMBER_MAX + 1 };
_Static_assert(NUMBER_AND_NEWLINE >= (int)METRIC_SERIES_BLOCK,
               "room for a block behind the series");

/* Where number i was not kept, or nothing was. NULL: no memory. */
static __attribute__((noinline)) char *begin_afresh(struct buf *out,
                                                    const struct metric_child *child, unsigned i)
{
    metric_series_render(out, child, i);
    return buf_reserve(out, NUMBER_AND_NEWLINE) == OK ? buf_tail(out) : NULL;
}

/* Writes the series; returns where its number goes, for which there is room, or NULL. */
static ALWAYS_INLINE char *begin(const struct lines *l, unsigned i)
{
    const struct metric_series *series = l->series;
    if (!series || i >= series->n)
        return begin_afresh(l->out, l->child, i);
    size_t from = i ? series->ends[i - 1] : 0, len = series->ends[i] - from;
    if (buf_room(l->out) < len + NUMBER_AND_NEWLINE &&
        buf_reserve(l->out, len + NUMBER_AND_NEWLINE) != OK)
        return NULL;
    return metric_series_copy(buf_tail(l->out), metric_series_text(series) + from, len);
}

static ALWAYS_INLINE void end(const struct lines *l, char *p)
{
    *p++ = '\n';
    l->out->end = (size_t)(p - l->out->data);
}

static ALWAYS_INLINE void write_count(const struct lines *l, unsigned i, uint64_t value)
{
    char *p = begin(l, i);
    if (p)
        end(l, p + digits_u64(p, value));
}

static ALWAYS_INLINE void write_double(const struct lines *l, unsigned i, double value)
{
    char *p = begin(l, i);
    if (p)
        end(l, p + metric_number_value(p, value));
}

/* ---- Exemplars ------------------------------------------------------------------------------ */

static void write_number(struct buf *out, double value)
{
    char number[METRIC_NUMBER_MAX];
    buf_append(out, number, metric_number_value(number, value));
}

/* Behind the line that was written last. */
static __attribute__((noinline)) void write_exemplar(struct buf *out,
                                                     const struct metric_exemplar_view *e)
{
    if (e->n == 0 || !buf_ok(out))
        return;
    out->end--; /* the newline */
    buf_text(out, " # {");
    for (unsigned i = 0; i < e->n; i++)
        metric_text_label(out, i ? "," : "", e->pairs[2 * i], e->pairs[2 * i + 1]);
    buf_text(out, "} ");
    write_number(out, e->value);
    buf_char(out, ' ');
    write_number(out, e->timestamp);
    buf_char(out, '\n');
}

/* ---- The types ------------------------------------------------------------------------------ */

static ALWAYS_INLINE void write_value(const struct lines *l, const struct metric_point *p)
{
    if (p->whole)
        write_count(l, 0, p->count);
    else
        write_double(l, 0, p->value);
}

static void write_histogram(const struct lines *l, const struct metric_point *p)
{
    bool sums = !l->openmetrics || (p->value >= 0 && l->child->family->bounds[0] >= 0);
    for (unsigned i = 0; i < p->n; i++) {
        write_count(l, i, p->cumulative[i]);
        if (l->openmetrics && p->exemplars)
            write_exemplar(l->out, &p->exemplars[i]);
    }
    if (!sums)
        return;
    write_double(l, p->n, p->value);
    write_count(l, p->n + 1, p->count);
}

static void write_summary(const struct lines *l, const struct metric_point *p)
{
    for (unsigned i = 0; i < p->n; i++)
        if (!l->openmetrics || !(p->quantiles[i] < 0))
            write_double(l, i, p->quantiles[i]);
    if (!l->openmetrics || p->value >= 0)
        write_double(l, p->n, p->value);
    write_count(l, p->n + 1, p->count);
}

static void write_states(const struct lines *l, const struct metric_point *p)
{
    for (unsigned i = 0; i < p->n; i++)
        write_count(l, i, p->states[i]);
}

static void write_parts(const struct lines *l, const struct metric_point *p)
{
    switch (l->child->family->spec.type) {
    case METRIC_COUNTER:
    case METRIC_GAUGE:
    case METRIC_INFO:
        break;
    case METRIC_HISTOGRAM:
        write_histogram(l, p);
        break;
    case METRIC_SUMMARY:
        write_summary(l, p);
        break;
    case METRIC_STATESET:
        write_states(l, p);
        break;
    }
}

/* What OpenMetrics alone has behind a child's lines. A counter that is none there has neither. */
static __attribute__((noinline)) void add_extras(struct buf *out, const struct metric_point *p,
                                                 bool created)
{
    const struct metric_family *f = p->child->family;
    bool is_total = metric_family_is_total(f);
    if (is_total && p->exemplars)
        write_exemplar(out, p->exemplars);
    if (created &&
        (is_total || f->spec.type == METRIC_HISTOGRAM || f->spec.type == METRIC_SUMMARY)) {
        metric_series_render_created(out, p->child);
        write_number(out, metric_child_created(p->child));
        buf_char(out, '\n');
    }
}

int metric_lines_write(struct buf *out, const struct metric_family *f,
                       const struct metrics_exposition *what, struct metric_scratch *scratch)
{
    const bool openmetrics = what->format == METRICS_OPENMETRICS;
    const bool in_parts = f->spec.type == METRIC_HISTOGRAM || f->spec.type == METRIC_SUMMARY ||
                          f->spec.type == METRIC_STATESET;
    const struct metric_ops *ops = metric_ops_of(f);
    struct metric_point point;
    METRIC_EACH_CHILD(child, f)
    {
        if (!metric_child_shown(child))
            continue;
        if (ops->read(child, scratch, &point) != OK)
            return ERR_NOMEM;
        const struct metric_series *series = metric_series_of(out, child);
        if (in_parts)
            write_parts(&(struct lines){out, child, series, openmetrics}, &point);
        else
            write_value(&(struct lines){out, child, series, openmetrics}, &point);
        if (openmetrics && (point.exemplars || what->created))
            add_extras(out, &point, what->created);
    }
    return OK;
}
