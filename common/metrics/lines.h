/*
 * What the two text formats share: lines of samples, out of points (point.h).
 *
 *     latency_seconds_bucket{method="GET",le="0.5"} 12 # {trace_id="4bf9"} 0.43 1700000000.5
 *
 * OpenMetrics has the exemplar behind the number, and forbids what 0.0.4 does not: in it, a
 * histogram with a bucket below 0, or whose sum is, has no _sum and no _count; a summary has no
 * negative _sum and no negative quantile. On demand it says when each child began.
 */
#ifndef METRICS_LINES_H
#define METRICS_LINES_H

#include "metrics/internal.h"

/* All shown children of the family. 0 or ERR_NOMEM; appends may fail as well: see buf_ok. */
int metric_lines_write(struct buf *out, const struct metric_family *f,
                       const struct metrics_exposition *what, struct metric_scratch *scratch);

#endif
