/*
 * The page of statistics, and what is said of it: a page of the kind that services had before they
 * had metrics, such as the frontend's /stats.
 *
 *     {"requestCounters":{"200":381,"404":2},"duration":{"count":383,"sum":91.407}, …}
 *
 * becomes syseng_http_requests_total{code}, syseng_http_request_duration_seconds (a summary without
 * quantiles) and syseng_up 1. All or nothing: of a page with one absurd number none is believed,
 * and syseng_up 0 is all that is said. Rates and averages in it are left alone: Prometheus makes
 * better ones from the counts. It is the source that counts: what fell there falls here too, and
 * Prometheus sees that it was started anew.
 */
#ifndef EXPORTER_STATISTICS_H
#define EXPORTER_STATISTICS_H

#include "base/err.h"
#include "exporter/verdict.h"

#include <stdint.h>

enum { STATISTICS_CODE_MIN = 100, STATISTICS_CODE_MAX = 599 }; /* status codes that exist */

struct statistics {
    bool up; /* and only then the rest says anything */
    bool has[STATISTICS_CODE_MAX + 1];
    double requests[STATISTICS_CODE_MAX + 1];
    uint64_t count;
    double sum; /* seconds */
};

/* Reads the page; where the verdict is not VERDICT_OK, everything is forgotten. */
struct verdict statistics_take(struct statistics *statistics, const char *json, size_t len);

void statistics_forget(struct statistics *statistics);

/* Has the metrics' pages say what `statistics` holds when they are written. It must outlive them.
 * 0, or ERR_FULL with `err`. */
int statistics_register(struct statistics *statistics, struct err *err) MUST_CHECK;

#endif
