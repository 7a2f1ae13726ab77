/*
 * OpenMetrics 1.0.0 (github.com/OpenObservability/OpenMetrics, specification/OpenMetrics.md).
 *
 *     # TYPE name type
 *     # UNIT name unit
 *     # HELP name text
 *     name_total{label="value"} 12 # {trace_id="4bf9"} 1 1700000000.5
 *     # EOF
 *
 * The families of counters and infos are named without _total and _info. A counter that does not
 * end in _total cannot be one here, and is of type unknown. The unit is what the name ends in, if
 * that is one of the base units.
 */
#include "metrics/lines.h"
#include "metrics/series.h"

#define CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

static bool ends_in(const char *name, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);
    return len > n && !memcmp(name + len - n, suffix, n);
}

bool metric_family_is_total(const struct metric_family *f)
{
    return f->spec.type == METRIC_COUNTER && ends_in(f->spec.name, strlen(f->spec.name), "_total");
}

size_t metric_family_name_len(const struct metric_family *f)
{
    size_t len = strlen(f->spec.name);
    if (f->spec.type == METRIC_INFO)
        return len - strlen("_info");
    return metric_family_is_total(f) ? len - strlen("_total") : len;
}

/* The unit that the family's name ends in, or NULL. */
static const char *unit_of(const struct metric_family *f)
{
    if (f->spec.type == METRIC_INFO || f->spec.type == METRIC_STATESET)
        return NULL; /* they may have none */
    static const char *const units[] = {"_seconds", "_bytes", "_joules",  "_grams",  "_meters",
                                        "_ratio",   "_volts", "_amperes", "_celsius"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (ends_in(f->spec.name, metric_family_name_len(f), units[i]))
            return units[i] + 1;
    return NULL;
}

static const char *type_of(const struct metric_family *f)
{
    bool unknown = f->spec.type == METRIC_COUNTER && !metric_family_is_total(f);
    return unknown ? "unknown" : metric_ops_of(f)->name;
}

static void begin_comment(struct buf *out, const char *keyword, const struct metric_family *f)
{
    buf_text(out, keyword);
    buf_append(out, f->spec.name, metric_family_name_len(f));
    buf_char(out, ' ');
}

static void write_header(struct buf *out, const struct metric_family *f)
{
    begin_comment(out, "# TYPE ", f);
    buf_text(out, type_of(f));
    if (unit_of(f)) {
        begin_comment(out, "\n# UNIT ", f);
        buf_text(out, unit_of(f));
    }
    begin_comment(out, "\n# HELP ", f);
    metric_text_escaped(out, f->spec.help, true);
    buf_char(out, '\n');
}

static int write_family(struct buf *out, const struct metric_family *f,
                        const struct metrics_exposition *what, struct metric_scratch *scratch)
{
    write_header(out, f);
    return metric_lines_write(out, f, what, scratch);
}

static void write_end(struct buf *out)
{
    buf_text(out, "# EOF\n");
}

const struct metric_encoder metric_openmetrics_encoder = {
    .content_type = CONTENT_TYPE,
    .write_family = write_family,
    .write_end = write_end,
};
