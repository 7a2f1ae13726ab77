/*
 * The store: all SQL that writes fruits.
 *
 * Jobs gather in a batch until it is full or STORE_BATCH_MS old. A batch is one transaction: an
 * insert of its rows, which passes over those whose message id is there already, and one of its
 * dead letters. After the commit the cache keys of its fruits are deleted, for the rows passed over
 * too, as the process may have died between the first commit and its DEL. Then the jobs go back to
 * the worker, which acknowledges them.
 *
 * A batch that PostgreSQL refuses for what is in it (SQLSTATE class 22 or 23) is split in halves,
 * until the bad job stands alone and becomes a dead letter. Any other failure says nothing about
 * the messages: the batch is tried again, with a back-off, for as long as it takes.
 *
 * What is held until it is committed has a bound, STORE_BYTES_MAX: past it the consumer is paused.
 *
 * Series: store_batch_size, store_retries_total, store_splits_total, store_held_bytes.
 */
#ifndef BACKEND_STORE_H
#define BACKEND_STORE_H

#include "backend/batch.h"
#include "loop/backoff.h"
#include "postgres/pool.h"

#include <uv.h>

#define STORE_BATCH_MS       5
#define STORE_BYTES_MAX      (8 * 1024 * 1024) /* of bodies, past which nothing more is taken */
#define STORE_RETRY_FIRST_MS 20
#define STORE_RETRY_CAP_MS   500

struct app;

struct store {
    struct app *app;
    struct batch *gathering;    /* the batch that takes jobs, or NULL */
    struct list batches;        /* all others */
    size_t bytes;               /* of the bodies in all of them */
    struct batch_arrays arrays; /* scratch; a submit copies it */
    uv_timer_t gather_timer, retry_timer;
    struct backoff backoff;
    bool stopping, given_up;
};

/* What the pool prepares for this file and retention.c. */
enum { INSERT_FRUITS, INSERT_DEAD_LETTERS, DELETE_EXPIRED };
extern const struct postgres_prepared store_statements[];

void store_start(struct store *s, struct app *app);

/* Takes a job over, its body included. 0, or ERR_NOMEM: then it is still the caller's. */
int store_add(struct store *s, const struct job *job) MUST_CHECK;

/* Whether nothing is gathering, in flight or waiting. */
bool store_idle(const struct store *s);

/* Submits what is gathering, and tries nothing a second time from now on: what the database cannot
 * take goes back to the queue. */
void store_stop(struct store *s);

/* Submits nothing more; for STAGE_CLOSE, before PostgreSQL's client closes. What is left stays
 * unacknowledged, so it goes back to the queue. */
void store_give_up(struct store *s);

/* Closes the timers and frees what is left; no unit may be in flight any more. */
void store_close(struct store *s);

#endif
