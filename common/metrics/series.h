/*
 * The series of a child as the text formats name them, which is the same at every scrape:
 *
 *     latency_seconds_bucket{method="GET",le="0.5"} 12
 *     └───────────────── series ──────────────────┘
 *
 * They are rendered at the child's first exposition and kept, so that later ones copy bytes and
 * write a number. That takes their length and four bytes or more, METRIC_SERIES_MAX at most: a
 * child with more, and one that finds no memory, has its series rendered afresh each time. What is
 * written is the same either way.
 *
 * The series of a child have numbers, in the order in which they are written:
 *
 *     counter, gauge   0: the value; an info likewise
 *     state set        0 … n-1: states
 *     histogram        0 … n-1: buckets    n: _sum   n+1: _count
 *     summary          0 … n-1: quantiles  n: _sum   n+1: _count
 */
#ifndef METRICS_SERIES_H
#define METRICS_SERIES_H

#include "metrics/internal.h"

enum {
    METRIC_SERIES_MAX = 32 << 10, /* bytes */
    METRIC_SERIES_BLOCK = 16,     /* that many behind the text may be read */
};

/* Where each ends in the text, which lies behind; each has the space in it that follows. */
struct metric_series {
    uint16_t n; /* 0: they are not kept */
    uint16_t ends[];
};

static inline const char *metric_series_text(const struct metric_series *series)
{
    return (const char *)&series->ends[series->n];
}

/* Copies whole blocks, so there is room for one more on both sides: series are short, and a call is
 * dear. Returns the end. */
static inline char *metric_series_copy(char *to, const char *from, size_t len)
{
    for (size_t i = 0; i < len; i += METRIC_SERIES_BLOCK)
        memcpy(to + i, from + i, METRIC_SERIES_BLOCK);
    return to + len;
}

/* Renders them, which takes room in `out` but leaves its content alone, and keeps them. NULL: no
 * memory. From several threads. */
const struct metric_series *metric_series_render_all(struct buf *out, struct metric_child *child);

/* What is kept of the child, at the first time what metric_series_render_all returns. */
static inline const struct metric_series *metric_series_of(struct buf *out,
                                                           struct metric_child *child)
{
    struct metric_series *series = atomic_load_explicit(&child->series, memory_order_acquire);
    return series ? series : metric_series_render_all(out, child);
}

/* Keeps a copy of the n texts that lie behind each other, the last byte of each just before its
 * end, unless another thread was first. Returns what is kept then, or NULL: no memory. */
const struct metric_series *metric_series_keep(_Atomic(struct metric_series *) *at,
                                               const size_t *ends, unsigned n, const char *text);
void metric_series_free(struct metric_series *series);

/* Appends number i, with a space behind. */
void metric_series_render(struct buf *out, const struct metric_child *child, unsigned i);

/* The series that OpenMetrics has of when a child began. */
void metric_series_render_created(struct buf *out, const struct metric_child *child);

/* Appends a text with \\ and newlines escaped, and on demand ". */
void metric_text_escaped(struct buf *out, const char *text, bool quotes);

/* Appends `before`, name="value". */
void metric_text_label(struct buf *out, const char *before, const char *name, const char *value);

#endif
