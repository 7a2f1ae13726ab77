/*
 * For the tests of a program that has metrics.
 *
 *     assert(metric_value(NULL, "jobs_total{queue=\"mail\"}") == 3);
 *
 *     char *why = metrics_expect(NULL, "# HELP jobs_total Jobs finished.\n"
 *                                      "# TYPE jobs_total counter\n"
 *                                      "jobs_total{queue=\"mail\"} 3\n", "jobs_total");
 *     if (why) { fputs(why, stderr); free(why); abort(); }
 *
 * Both make an exposition in the text format 0.0.4, so they see what Prometheus would see, after
 * the collect hooks. The registry NULL is the default one.
 */
#ifndef METRICS_TESTING_H
#define METRICS_TESTING_H

#include "metrics/metrics.h"

/* The value of a sample, which is written as in the text format, but with its labels in any order:
 * "name", "name_bucket{le=\"0.5\"}". NaN where there is none (or it is NaN), or no memory. */
double metric_value(struct metrics_registry *registry, const char *series);

/* Compares the exposition of the named families, all where none is named, with the text, line by
 * line. NULL: they are the same. Else a text for people, which the caller frees:
 *
 *       jobs_total{queue="mail"} 3
 *     - jobs_total{queue="post"} 1
 *     + jobs_total{queue="post"} 2
 *
 * where "-" is what was expected and "+" is what is there. */
#define metrics_expect(registry, expected, ...)                                                    \
    metrics_expect_(registry, expected, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
char *metrics_expect_(struct metrics_registry *registry, const char *expected,
                      const char *const names[]) MUST_CHECK;

#endif
