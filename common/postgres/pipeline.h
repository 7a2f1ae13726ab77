/*
 * The units in flight on one connection, oldest first: statements out, results in. Knows libpq's
 * buffers, and neither sockets nor time.
 *
 *     out  unit 1: Bind Execute  Bind Execute  Sync   unit 2: …
 *     in   unit 1: result NULL   result NULL   PIPELINE_SYNC   unit 2: …
 *
 * After a failed statement the server skips to the unit's Sync: the unit is undone, the next one
 * runs. An error that comes with the Sync itself is the commit's.
 */
#ifndef POSTGRES_PIPELINE_H
#define POSTGRES_PIPELINE_H

#include "postgres/unit.h"

struct postgres_pipeline {
    PGconn *conn;      /* in pipeline mode and non-blocking; not owned */
    struct list units; /* oldest first */
    int count;
    char why[160]; /* what the server said when it ended the connection */
};

void postgres_pipeline_init(struct postgres_pipeline *pipeline);

/* Encodes a unit into libpq's buffer and takes it over. 0, or ERR_LOST: the connection is of no
 * more use, and the unit is in the pipeline, to be failed with the others. */
int postgres_pipeline_send(struct postgres_pipeline *pipeline, struct postgres_unit *unit,
                           const struct postgres_prepared *statements) MUST_CHECK;

/* Takes the results that libpq has read; calls back for each unit that ended. 0, or ERR_LOST. */
int postgres_pipeline_read(struct postgres_pipeline *pipeline) MUST_CHECK;

/* Ends all units in flight with `status`, a negative code. */
void postgres_pipeline_fail(struct postgres_pipeline *pipeline, int status, const char *message);

/* The oldest unit in flight, or NULL. */
struct postgres_unit *postgres_pipeline_oldest(const struct postgres_pipeline *pipeline);

#endif
