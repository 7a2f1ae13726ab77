/*
 * GET /stats: the kind of page that services had before Prometheus, made by the program itself:
 * counts since the start, rates over the last minute, and a mean. The exporter lab reads it.
 *
 * {"requestCounters":{"200":n,…},"requestRates":{"200":n_a_second,…},
 *  "duration":{"count":n,"sum":seconds,"average":seconds}}
 */
#ifndef FRONTEND_STATS_H
#define FRONTEND_STATS_H

struct http_exchange;

/* A handler. */
void stats_get(struct http_exchange *x, void *app);

/* Notes one answer. */
void stats_add(int code, double seconds);

#endif
