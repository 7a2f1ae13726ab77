/*
 * Prometheus's text format 0.0.4.
 *
 *     # HELP name text
 *     # TYPE name type
 *     name{label="value",le="0.5"} 12
 */
#include "metrics/lines.h"
#include "metrics/series.h"

/* What is newer than the format is a gauge in it. */
static const char *type_of(const struct metric_family *f)
{
    bool newer = f->spec.type == METRIC_INFO || f->spec.type == METRIC_STATESET;
    return (newer ? &metric_gauge_ops : metric_ops_of(f))->name;
}

static void write_header(struct buf *out, const struct metric_family *f)
{
    buf_text(out, "# HELP ");
    buf_text(out, f->spec.name);
    buf_char(out, ' ');
    metric_text_escaped(out, f->spec.help, false);
    buf_text(out, "\n# TYPE ");
    buf_text(out, f->spec.name);
    buf_char(out, ' ');
    buf_text(out, type_of(f));
    buf_char(out, '\n');
}

static int write_family(struct buf *out, const struct metric_family *f,
                        const struct metrics_exposition *what, struct metric_scratch *scratch)
{
    write_header(out, f);
    return metric_lines_write(out, f, what, scratch);
}

const struct metric_encoder metric_text_encoder = {
    .content_type = METRICS_TEXT_CONTENT_TYPE,
    .write_family = write_family,
};
