/*
 * A unit of work on its way: a copy of its statements and parameters, then the results as they come
 * in, then its end. One allocation, freed when it ended.
 */
#ifndef POSTGRES_UNIT_H
#define POSTGRES_UNIT_H

#include "base/list.h"
#include "metrics/metrics.h"
#include "postgres/pool.h"

struct postgres_unit {
    struct list item; /* in the pool's queue, then in a pipeline */
    postgres_cb cb;
    void *ctx;
    struct histogram *seconds; /* of its first statement */
    uint64_t submitted, sent;  /* clock_now */

    int count;
    struct postgres_step steps[POSTGRES_STEPS_MAX];

    int ended;       /* steps whose results are complete */
    bool has_result; /* of the step `ended`; the NULL behind it is still to come */
    PGresult *results[POSTGRES_STEPS_MAX];
    PGresult *error; /* the first one */
    int failed_step;
};

/* 0 and a copy in *out; or ERR_INVALID, ERR_TOO_LARGE, ERR_NOMEM. */
int postgres_unit_new(const struct postgres_step *steps, int count,
                      struct postgres_unit **out) MUST_CHECK;

/* Takes ownership of one result of the unit. A NULL result ends a step. */
void postgres_unit_result(struct postgres_unit *unit, PGresult *result);

/* Calls back and frees. `status` is 0 where its Sync was answered: an error among its results then
 * makes it ERR_REFUSED. `message` counts with another status. */
void postgres_unit_end(struct postgres_unit *unit, int status, const char *message);

/* All children of this file's series from the start. */
void postgres_unit_bind_metrics(void);

#endif
