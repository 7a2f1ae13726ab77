/*
 * The summary of a run, as text for people and as JSON for machines. Pure: tallies in, bytes out.
 *
 * It says as well whether traffic was itself the limit (no core left, or requests begun late), for
 * then the figures tell of traffic and not of the target.
 */
#ifndef TRAFFIC_REPORT_H
#define TRAFFIC_REPORT_H

#include "base/buf.h"
#include "traffic/scenario.h"

#define REPORT_CPU_LIMIT     0.9     /* of one core */
#define REPORT_LATE_LIMIT_NS 1000000 /* p99 of the schedule's error */

struct report_part {
    const struct scenario_options *options;
    const struct tally *tally;
};

struct report {
    const struct report_part *parts;
    size_t count;
    double cpu; /* used by traffic, 1 being one core all along */
};

/* Append. Out of memory shows in buf_ok(out). */
void report_text(struct buf *out, const struct report *report);
void report_json(struct buf *out, const struct report *report);

/* Whether traffic was the limit of this part. */
bool report_cpu_was_limit(const struct report *report);
bool report_part_was_late(const struct report_part *part);

#endif
