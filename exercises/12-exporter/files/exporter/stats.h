/*
 * The translation: what the source said, as metrics.
 */
#ifndef EXPORTER_STATS_H
#define EXPORTER_STATS_H

#include <stddef.h>

/* Once, at the start. 0, or a negative code. */
int stats_init(void);

/* At each scrape, right before the page of metrics is written: the source's answer. `body` is JSON,
 * `len` bytes that are not terminated; it is NULL where there is no answer, for the source is down,
 * too slow, or says something else than 200. */
void stats_take(const char *body, size_t len);

#endif
