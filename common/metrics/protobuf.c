/*
 * Prometheus's protobuf format: a stream of io.prometheus.client.MetricFamily, each with its length
 * before it. The only format with native histograms. The fields are those of metrics.proto in
 * github.com/prometheus/client_model.
 *
 * The label pairs of a child are the same at every scrape and are kept as series are (series.h).
 */
#include "metrics/series.h"
#include "metrics/wire.h"

#include <math.h>

#define CONTENT_TYPE                                                                               \
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

/* Tags, by message. */
enum {
    FAMILY_NAME = WIRE_MESSAGE(1),
    FAMILY_HELP = WIRE_MESSAGE(2),
    FAMILY_TYPE = WIRE_VARINT(3),
    FAMILY_METRIC = WIRE_MESSAGE(4),

    METRIC_LABEL = WIRE_MESSAGE(1),
    METRIC_GAUGE_VALUE = WIRE_MESSAGE(2),
    METRIC_COUNTER_VALUE = WIRE_MESSAGE(3),
    METRIC_SUMMARY_VALUE = WIRE_MESSAGE(4),
    METRIC_HISTOGRAM_VALUE = WIRE_MESSAGE(7),

    LABEL_NAME = WIRE_MESSAGE(1),
    LABEL_VALUE = WIRE_MESSAGE(2),

    VALUE = WIRE_DOUBLE(1), /* of counters and gauges */
    COUNTER_EXEMPLAR = WIRE_MESSAGE(2),
    COUNTER_CREATED = WIRE_MESSAGE(3),

    COUNT = WIRE_VARINT(1), /* of histograms and summaries */
    SUM = WIRE_DOUBLE(2),

    SUMMARY_QUANTILE = WIRE_MESSAGE(3),
    SUMMARY_CREATED = WIRE_MESSAGE(4),
    QUANTILE_AT = WIRE_DOUBLE(1),
    QUANTILE_VALUE = WIRE_DOUBLE(2),

    HISTOGRAM_BUCKET = WIRE_MESSAGE(3),
    BUCKET_CUMULATIVE_COUNT = WIRE_VARINT(1),
    BUCKET_UPPER_BOUND = WIRE_DOUBLE(2),
    BUCKET_EXEMPLAR = WIRE_MESSAGE(3),

    HISTOGRAM_SCHEMA = WIRE_VARINT(5),
    HISTOGRAM_ZERO_THRESHOLD = WIRE_DOUBLE(6),
    HISTOGRAM_ZERO_COUNT = WIRE_VARINT(7),
    HISTOGRAM_NEGATIVE_SPAN = WIRE_MESSAGE(9),
    HISTOGRAM_NEGATIVE_DELTA = WIRE_VARINT(10),
    HISTOGRAM_POSITIVE_SPAN = WIRE_MESSAGE(12),
    HISTOGRAM_POSITIVE_DELTA = WIRE_VARINT(13),
    HISTOGRAM_CREATED = WIRE_MESSAGE(15),
    HISTOGRAM_EXEMPLAR = WIRE_MESSAGE(16),
    SPAN_OFFSET = WIRE_VARINT(1),
    SPAN_LENGTH = WIRE_VARINT(2),

    EXEMPLAR_LABEL = WIRE_MESSAGE(1),
    EXEMPLAR_VALUE = WIRE_DOUBLE(2),
    EXEMPLAR_TIME = WIRE_MESSAGE(3),

    TIME_SECONDS = WIRE_VARINT(1),
    TIME_NANOSECONDS = WIRE_VARINT(2),
};

/* ---- Labels --------------------------------------------------------------------------------- */

static void write_pair(struct buf *out, unsigned tag, const char *name, const char *value)
{
    struct wire_message pair = wire_begin(out, tag);
    wire_text(out, LABEL_NAME, name);
    wire_text(out, LABEL_VALUE, value);
    wire_end(out, pair);
}

static void render_pairs(struct buf *out, const struct metric_child *child)
{
    const struct metric_spec *spec = &child->family->spec;
    const char *values[METRICS_MAX_LABELS];
    metric_child_values(child, values);
    for (unsigned i = 0; i < spec->n_labels; i++)
        write_pair(out, METRIC_LABEL, spec->labels[i], values[i]);
}

static void write_labels(struct buf *out, struct metric_child *child)
{
    const struct metric_series *kept = atomic_load_explicit(&child->pairs, memory_order_acquire);
    size_t before = buf_len(out);
    if (kept && kept->n) {
        buf_append(out, metric_series_text(kept), kept->ends[0]);
        return;
    }
    render_pairs(out, child);
    size_t len = buf_len(out) - before;
    if (!kept && buf_ok(out))
        metric_series_keep(&child->pairs, &len, 1, buf_tail(out) - len);
}

/* ---- Exemplars ------------------------------------------------------------------------------ */

static void write_time(struct buf *out, unsigned tag, double seconds)
{
    struct wire_message time = wire_begin(out, tag);
    double whole = floor(seconds);
    wire_u64(out, TIME_SECONDS, (uint64_t)(int64_t)whole);
    wire_u64(out, TIME_NANOSECONDS, (uint64_t)((seconds - whole) * 1e9));
    wire_end(out, time);
}

/* `e` may be NULL. */
static void write_exemplar(struct buf *out, unsigned tag, const struct metric_exemplar_view *e)
{
    if (!e || e->n == 0)
        return;
    struct wire_message exemplar = wire_begin(out, tag);
    for (unsigned i = 0; i < e->n; i++)
        write_pair(out, EXEMPLAR_LABEL, e->pairs[2 * i], e->pairs[2 * i + 1]);
    wire_double(out, EXEMPLAR_VALUE, e->value);
    write_time(out, EXEMPLAR_TIME, e->timestamp);
    wire_end(out, exemplar);
}

/* ---- The types ------------------------------------------------------------------------------ */

static double value_of(const struct metric_point *p)
{
    return p->whole ? (double)p->count : p->value;
}

/* A counter or a gauge. */
static void write_value(struct buf *out, const struct metric_point *p)
{
    wire_double(out, VALUE, value_of(p));
    write_exemplar(out, COUNTER_EXEMPLAR, p->exemplars);
}

static void write_summary(struct buf *out, const struct metric_point *p)
{
    const struct metric_quantiles *q = p->child->family->spec.quantiles;
    wire_u64(out, COUNT, p->count);
    wire_double(out, SUM, p->value);
    for (unsigned i = 0; i < p->n; i++) {
        struct wire_message quantile = wire_begin(out, SUMMARY_QUANTILE);
        wire_double(out, QUANTILE_AT, q->at[i]);
        wire_double(out, QUANTILE_VALUE, p->quantiles[i]);
        wire_end(out, quantile);
    }
}

static void write_buckets(struct buf *out, const struct metric_point *p)
{
    const double *bounds = p->child->family->bounds;
    for (unsigned i = 0; i < p->n; i++) {
        struct wire_message bucket = wire_begin(out, HISTOGRAM_BUCKET);
        wire_u64(out, BUCKET_CUMULATIVE_COUNT, p->cumulative[i]);
        wire_double(out, BUCKET_UPPER_BOUND, bounds[i]);
        write_exemplar(out, BUCKET_EXEMPLAR, p->exemplars ? &p->exemplars[i] : NULL);
        wire_end(out, bucket);
    }
}

static void write_span(struct buf *out, unsigned tag, struct metric_native_span s)
{
    struct wire_message span = wire_begin(out, tag);
    wire_sint(out, SPAN_OFFSET, s.offset);
    wire_u64(out, SPAN_LENGTH, s.length);
    wire_end(out, span);
}

/* Counts as differences, each from the one before. */
static void write_side(struct buf *out, unsigned span, unsigned delta,
                       const struct metric_native_side *side)
{
    for (unsigned i = 0; i < side->n_spans; i++)
        write_span(out, span, side->spans[i]);
    for (unsigned i = 0; i < side->n; i++)
        wire_sint(out, delta, (int64_t)(side->counts[i] - (i ? side->counts[i - 1] : 0)));
}

/* Without a span a reader would take it for a classic one, so an empty one gets a span of nothing.
 */
static void write_native(struct buf *out, const struct metric_native_view *v)
{
    wire_sint(out, HISTOGRAM_SCHEMA, v->schema);
    wire_double(out, HISTOGRAM_ZERO_THRESHOLD, v->zero_threshold);
    wire_u64(out, HISTOGRAM_ZERO_COUNT, v->zero_count);
    write_side(out, HISTOGRAM_NEGATIVE_SPAN, HISTOGRAM_NEGATIVE_DELTA, &v->negative);
    write_side(out, HISTOGRAM_POSITIVE_SPAN, HISTOGRAM_POSITIVE_DELTA, &v->positive);
    if (!v->negative.n_spans && !v->positive.n_spans)
        write_span(out, HISTOGRAM_POSITIVE_SPAN, (struct metric_native_span){0, 0});
}

/* One with native buckets alone has +Inf as its only classic one, which says nothing. */
static void write_histogram(struct buf *out, const struct metric_point *p)
{
    wire_u64(out, COUNT, p->count);
    wire_double(out, SUM, p->value);
    if (!p->native || p->n > 1)
        write_buckets(out, p);
    if (p->native)
        write_native(out, p->native);
    for (unsigned i = 0; p->native && p->exemplars && i < p->n_exemplars; i++)
        write_exemplar(out, HISTOGRAM_EXEMPLAR, &p->exemplars[i]);
}

/* A counter or gauge whose labels are kept, as nearly all are: the lengths are known before. */
static void write_at_once(struct buf *out, const struct metric_series *pairs, unsigned tag,
                          double value)
{
    enum { VALUE_LEN = 1 + sizeof value, REST = 2 + VALUE_LEN };
    size_t labels = pairs->ends[0];
    if (buf_reserve(out, 1 + WIRE_VARINT_MAX + labels + METRIC_SERIES_BLOCK + REST) != OK)
        return;
    char *p = buf_tail(out);
    *p++ = FAMILY_METRIC;
    p += wire_put_varint(p, labels + REST);
    p = metric_series_copy(p, metric_series_text(pairs), labels);
    *p++ = (char)tag;
    *p++ = VALUE_LEN;
    *p++ = VALUE;
    wire_put_double(p, value);
    out->end = (size_t)(p + sizeof value - out->data);
}

/* ---- The whole ------------------------------------------------------------------------------ */

/* How a type is called and written: which field of a metric, what is in it, and which of its fields
 * says since when. Infos and state sets are newer than the format. */
static const struct kind {
    unsigned type, tag;
    void (*write)(struct buf *out, const struct metric_point *p);
    unsigned created;
} kinds[] = {
    [METRIC_COUNTER] = {0, METRIC_COUNTER_VALUE, write_value, COUNTER_CREATED},
    [METRIC_GAUGE] = {1, METRIC_GAUGE_VALUE, write_value},
    [METRIC_SUMMARY] = {2, METRIC_SUMMARY_VALUE, write_summary, SUMMARY_CREATED},
    [METRIC_HISTOGRAM] = {4, METRIC_HISTOGRAM_VALUE, write_histogram, HISTOGRAM_CREATED},
    [METRIC_INFO] = {1, METRIC_GAUGE_VALUE, write_value},
    [METRIC_STATESET] = {1, METRIC_GAUGE_VALUE, write_value},
};

/* When the child began; 0: not to be written. Native buckets may have begun again after that, which
 * a reader must know in any case. */
static double created_of(const struct metric_point *p, const struct kind *kind, bool wanted)
{
    if (kind->write == write_histogram && p->native)
        return p->native->created;
    return wanted && kind->created ? metric_child_created(p->child) : 0;
}

/* `state`: of a state set, the name of one; else NULL. */
static void write_metric(struct buf *out, struct metric_child *child, const char *state,
                         const struct metric_point *p, double created)
{
    const struct kind *kind = &kinds[child->family->spec.type];
    struct wire_message metric = wire_begin(out, FAMILY_METRIC);
    write_labels(out, child);
    if (state)
        write_pair(out, METRIC_LABEL, child->family->spec.name, state);
    struct wire_message value = wire_begin(out, kind->tag);
    kind->write(out, p);
    if (created > 0)
        write_time(out, kind->created, created);
    wire_end(out, value);
    wire_end(out, metric);
}

/* A metric of its own for each state. */
static void write_states(struct buf *out, struct metric_child *child, const struct metric_point *p)
{
    for (unsigned i = 0; i < p->n; i++) {
        const struct metric_point state = {.child = child, .value = p->states[i]};
        write_metric(out, child, child->family->spec.states[i], &state, 0);
    }
}

static int write_child(struct buf *out, struct metric_child *child, bool created,
                       struct metric_scratch *scratch)
{
    const struct metric_family *f = child->family;
    const struct kind *kind = &kinds[f->spec.type];
    const struct metric_series *pairs = atomic_load_explicit(&child->pairs, memory_order_acquire);
    struct metric_point point;
    if (metric_ops_of(f)->read(child, scratch, &point) != OK)
        return ERR_NOMEM;
    if (f->spec.type == METRIC_STATESET)
        write_states(out, child, &point);
    else if (pairs && pairs->n && kind->write == write_value && !created && !point.exemplars)
        write_at_once(out, pairs, kind->tag, value_of(&point));
    else
        write_metric(out, child, NULL, &point, created_of(&point, kind, created));
    return OK;
}

static int write_family(struct buf *out, const struct metric_family *f,
                        const struct metrics_exposition *what, struct metric_scratch *scratch)
{
    const unsigned usual = 3; /* bytes of the length of a family that is dear to move */
    struct wire_message family = wire_begin_bare(out, usual);
    int rc = OK;
    wire_text(out, FAMILY_NAME, f->spec.name);
    wire_text(out, FAMILY_HELP, f->spec.help);
    wire_u64(out, FAMILY_TYPE, kinds[f->spec.type].type);
    METRIC_EACH_CHILD(child, f)
    if (rc == OK && metric_child_shown(child))
        rc = write_child(out, child, what->created, scratch);
    wire_end(out, family);
    return rc;
}

const struct metric_encoder metric_protobuf_encoder = {
    .content_type = CONTENT_TYPE,
    .write_family = write_family,
};
