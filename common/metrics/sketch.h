/* What summary.c and window.c are for each other. */
#ifndef METRICS_SKETCH_H
#define METRICS_SKETCH_H

#include "metrics/internal.h"

/* How often the bins of one octave were counted in since the start, over all threads. False: never,
 * and `counts` is as it was. */
bool metric_octave_counts(const struct summary *s, unsigned octave,
                          uint64_t counts[static METRIC_OCTAVE]);
/* The value that a bin stands for; `bin` counts through all octaves. */
double metric_bin_middle(unsigned bin);

/* As if nothing had been observed; without memory the window stays as it is. */
void metric_window_forget(struct summary *s);
/* Frees what the window keeps of a child. */
void metric_window_end(struct summary *s);

#endif
