/*
 * A failure that repeats is told when it begins, when it changes, and then every few seconds: a
 * client that tries again ten times a second must not fill the log with one sentence.
 */
#ifndef BASE_COMPLAINT_H
#define BASE_COMPLAINT_H

#include <stdbool.h>
#include <stdint.h>

#define COMPLAINT_REPEAT_MS 5000

/* Zero-initialised is silent. */
struct complaint {
    char text[160]; /* what was told last, cut */
    uint64_t told_ms;
};

/* Whether to log `text` now; remembers it if so. */
bool complaint_due(struct complaint *complaint, const char *text, uint64_t now_ms);

/* All is well again: the next failure is told at once. */
void complaint_clear(struct complaint *complaint);

#endif
