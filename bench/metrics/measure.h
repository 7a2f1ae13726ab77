/*
 * How the bench of the metrics library measures, and how it says what it found.
 *
 * A figure is the best of many runs of some 2 ms each, with as many operations as that takes:
 * what a busy machine adds, it adds to the others. The loop around the operation, about 0.3 ns, is
 * in it. The peers in bench/peers/metrics_* measure in the same way, with the same values, labels
 * and names; the command prints all of them side by side.
 */
#ifndef METRICS_MEASURE_H
#define METRICS_MEASURE_H

/* Does the operation `n` times. */
typedef void work_fn(unsigned n);

/* Nanoseconds of one operation. */
double measure_ns(work_fn *work);

/* The same with two threads at work at once: nanoseconds on the slower one. */
double measure_two_threads_ns(work_fn *work);

/* The memory of this process that is resident, in bytes; what malloc holds in reserve is not. */
double measure_resident(void);

/* Prints a line `NAME VALUE UNIT`. */
void measure_show(const char *name, double value, const char *unit);

/* Ends the process with a reason where something failed. */
void measure_must(int ok, const char *what);

/* updates.c and exposition.c: measure and print everything of their kind. */
void measure_updates(void);
void measure_exposition(void);

#endif
