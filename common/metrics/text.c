/*
 * Prometheus's text format 0.0.4.
 *
 *     # HELP name text
 *     # TYPE name type
 *     name{label="value",le="0.5"} 12
 */
#include "metrics/lines.h"
#include "metrics/series.h"

static void write_header(struct buf *out, const struct metric_family *f)
{
    buf_text(out, "# HELP ");
    buf_text(out, f->spec.name);
    buf_char(out, ' ');
    metric_text_escaped(out, f->spec.help, false);
    buf_text(out, "\n# TYPE ");
    buf_text(out, f->spec.name);
    buf_char(out, ' ');
    buf_text(out, metric_ops_of(f)->name);
    buf_char(out, '\n');
}

static int write_family(struct buf *out, const struct metric_family *f,
                        struct metric_scratch *scratch)
{
    write_header(out, f);
    return metric_lines_write(out, f, scratch, false);
}

const struct metric_encoder metric_text_encoder = {
    .content_type = METRICS_TEXT_CONTENT_TYPE,
    .write_family = write_family,
};
