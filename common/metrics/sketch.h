/* What summary.c and window.c share: the numbering of the bins. */
#ifndef METRICS_SKETCH_H
#define METRICS_SKETCH_H

#include "metrics/internal.h"

enum {
    SKETCH_SUB_BITS = 6,
    SKETCH_OCTAVE = 1 << SKETCH_SUB_BITS,                 /* bins of an octave */
    SKETCH_OCTAVES = 256,                                 /* from -2^64 to 2^64 */
    SKETCH_POSITIVE = SKETCH_OCTAVES / 2 * SKETCH_OCTAVE, /* the bin of 0 */
};

/* Adds up the bins of one octave over all threads, since the start. False: there are none, and
 * `bins` is as it was. */
bool metric_sketch_octave(const struct summary *s, unsigned octave,
                          uint64_t bins[static SKETCH_OCTAVE]);
/* The value that a bin stands for. */
double metric_sketch_middle(unsigned bin);

/* As if nothing had been observed; without memory the window stays as it is. */
void metric_window_forget(struct summary *s);
/* Frees what the window keeps of a child. */
void metric_window_end(struct summary *s);

#endif
