/*
 * What promlint (`promtool check metrics`) would say of the declared metrics: not wrong, or the
 * program would have stopped, but against the customs of
 * https://prometheus.io/docs/practices/naming.
 *
 *     metrics_lint(NULL, allowed, print, NULL);   // at start, in a debug build
 */
#ifndef METRICS_LINT_H
#define METRICS_LINT_H

#include "metrics/metrics.h"

struct metrics_finding {
    const char *file; /* where it was declared */
    int line;
    const char *name; /* of the family */
    const char *text; /* what promlint says */
};

/* Calls `fn` (may be NULL) for each finding, families by name, and returns how many there are.
 * `registry` NULL: the default one. `allowed` ends with NULL (may be NULL): families that are not
 * looked at. What `fn` is handed is valid during the call, under the registry's lock: it must not
 * register metrics or write an exposition. */
typedef void metrics_finding_fn(void *ctx, const struct metrics_finding *finding);
unsigned metrics_lint(struct metrics_registry *registry, const char *const allowed[],
                      metrics_finding_fn *fn, void *ctx);

/* The same, as lines "file:line: metric "name": text" on stderr. */
unsigned metrics_lint_print(struct metrics_registry *registry, const char *const allowed[]);

#endif
