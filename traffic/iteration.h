/*
 * One request of a scenario, from its beginning to what came of it. Counted in the tally, in the
 * Prometheus series and, where asked for, in the ledger. Iterations are made at the start and used
 * again and again, so that no memory is allocated a request.
 */
#ifndef TRAFFIC_ITERATION_H
#define TRAFFIC_ITERATION_H

#include "base/err.h"
#include "contract/uuid.h"
#include "traffic/mix.h"
#include "traffic/random.h"

#include <stdint.h>

struct scenario;
struct user;
struct iteration_series;

struct iteration {
    struct scenario *scenario;
    struct iteration *next_free;
    const struct call *call;
    uint64_t intended; /* clock_now: what its latency counts from */
    struct user *user;
    char uuid[UUID_SIZE]; /* of a POST with a key, else empty */
};

/* Makes room for `max` iterations in flight, and the series, with 0. 0 or ERR_NOMEM. */
int iterations_init(struct scenario *s, uint32_t max) MUST_CHECK;

/* Begins a request chosen with `random`; its latency counts from `intended`. 0: the executor's
 * `answered` will be called with `user`. ERR_FULL: as many as possible are in flight, nothing
 * was counted. Another negative code: it could not be sent, which is counted as an error. */
int iteration_begin(struct scenario *s, struct random *random, uint64_t intended,
                    struct user *user) MUST_CHECK;

/* Counts arrivals that were not begun. */
void iterations_drop(struct scenario *s, uint64_t count);

void iterations_free(struct scenario *s);

#endif
