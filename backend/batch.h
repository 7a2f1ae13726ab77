/*
 * A batch of jobs, and what it looks like to PostgreSQL: three arrays for the rows and three for
 * the dead letters. All are text but the bodies, which may be large: binary, they are one copy of
 * what was delivered, in hexadecimal they were two. No server is needed here.
 */
#ifndef BACKEND_BATCH_H
#define BACKEND_BATCH_H

#include "backend/job.h"
#include "base/buf.h"
#include "base/list.h"

#define STORE_BATCH_MAX   500               /* jobs */
#define STORE_BATCH_BYTES (2 * 1024 * 1024) /* of bodies, past which it is not gathered further */

struct store;

struct batch {
    struct list item; /* in the store's list */
    struct store *store;
    enum batch_state {
        BATCH_GATHERING,  /* waits for more jobs, or its time */
        BATCH_WAITING,    /* waits for the retry timer */
        BATCH_COMMITTING, /* waits for PostgreSQL */
        BATCH_DELETING,   /* committed; waits for Redis */
    } state;
    size_t count;
    size_t bytes;            /* of the bodies */
    size_t inserted, buried; /* rows and dead letters that were new, once committed */
    struct job jobs[STORE_BATCH_MAX];
};

/* PostgreSQL's array literals, and of the bodies its binary bytea[]; emptied and filled by
 * batch_encode. */
struct batch_arrays {
    struct buf ids, names, quantities;
    struct buf dead_ids, reasons, bodies;
    size_t rows, dead;
};

static inline bool job_is_row(const struct job *job)
{
    return job->reason[0] == '\0';
}

/* Writes the arrays. 0 or ERR_NOMEM. */
int batch_encode(const struct batch *b, struct batch_arrays *out) MUST_CHECK;
void batch_arrays_free(struct batch_arrays *arrays);

/* Takes a job over, its body included; there must be room. */
void batch_add(struct batch *b, const struct job *job);

/* Moves the upper half of the jobs to `other`, which is empty. */
void batch_split(struct batch *b, struct batch *other);

/* Frees the jobs of connections before `epoch`: the broker has taken them back. */
void batch_drop_stale(struct batch *b, uint64_t epoch);

/* Frees the bodies and the batch. */
void batch_free(struct batch *b);

#endif
