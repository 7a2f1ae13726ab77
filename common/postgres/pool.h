/*
 * A pool of pipelined PostgreSQL connections.
 *
 * Work is a unit: one or more prepared statements between two Syncs, which PostgreSQL runs as one
 * transaction. So an insert of rows and of dead letters commits or fails together, in one round
 * trip. Units are spread over the connections (the one with the least in flight), several in flight
 * on each; what one turn of the loop submits is sent at the start of the next.
 *
 * A lost connection fails its units with ERR_LOST: whether they committed is unknown, so a unit
 * that writes must be idempotent. They are not sent again here: the caller knows better.
 * Connections reconnect for ever, with a back-off of at most 500 ms, an attempt limited to 1 s.
 *
 * Series: postgres_query_seconds{query}, postgres_connections{state}, postgres_errors_total{class}.
 */
#ifndef POSTGRES_POOL_H
#define POSTGRES_POOL_H

#include "loop/loop.h"

#include <libpq-fe.h>

#define POSTGRES_CONNECTIONS_MAX    64
#define POSTGRES_TIMEOUT_DEFAULT_MS 5000
#define POSTGRES_TIMEOUT_GRACE_MS   500 /* the server's own limit comes first */
#define POSTGRES_ATTEMPT_LIMIT_MS   1000
#define POSTGRES_BACKOFF_FIRST_MS   50
#define POSTGRES_BACKOFF_CAP_MS     500
#define POSTGRES_STEPS_MAX          8                  /* statements in one unit */
#define POSTGRES_UNIT_BYTES_MAX     (64 * 1024 * 1024) /* parameters of one unit */
#define POSTGRES_PIPELINE_MAX       64                 /* units in flight on one connection */
#define POSTGRES_QUEUE_MAX          4096               /* units not sent yet */

struct postgres_pool;

/* Prepared on every connection, known by its index in the table from then on. */
struct postgres_prepared {
    const char *name; /* also the `query` label */
    const char *sql;  /* with $1 …; a table of them ends with a NULL name */
};

/* The url is copied; setup, statements and name must live as long as the pool. */
struct postgres_pool_options {
    const char *url;   /* postgres://user:password@host:port/database */
    int connections;   /* 1..64 */
    const char *setup; /* SQL run on each new connection before the statements are prepared, such as
                          a schema; or NULL */
    const struct postgres_prepared *statements;
    int timeout_ms; /* for one unit, from its sending: set as statement_timeout, and a little later
                       the connection is dropped; 0: the default */
    const char *application_name;
};

/* One statement of a unit. Parameters are text unless `formats` says binary; then `lengths` counts.
 * A NULL value is SQL's null. */
struct postgres_step {
    int statement; /* index in the table */
    int params;
    const char *const *values;
    const int *lengths; /* or NULL: all text */
    const int *formats; /* or NULL: all text; 1 is binary */
    bool binary_result;
};

/* How a unit ended. Valid during the callback only. */
struct postgres_outcome {
    int status; /* 0: committed; ERR_REFUSED: the server refused, nothing is committed (sqlstate,
                   message); ERR_UNAVAILABLE: never sent; ERR_LOST, ERR_TIMEOUT, ERR_CLOSED:
                   unknown whether it committed */
    char sqlstate[6]; /* "23505"; "" where the server said nothing */
    const char *message;
    int failed_step;    /* with ERR_REFUSED; -1 if not a step (deferred to commit) */
    PGresult **results; /* one a step with status 0; cleared after the callback */
    int steps;
};
typedef void (*postgres_cb)(const struct postgres_outcome *outcome, void *ctx);

/* Starts to connect. NULL with `err` for a bad URL or no memory. The URL may hold what libpq knows
 * (sslmode=…, a socket's directory as %2Fvar%2Frun%2Fpostgresql), but one host only. */
struct postgres_pool *postgres_pool_new(struct loop *loop,
                                        const struct postgres_pool_options *options,
                                        struct err *err) MUST_CHECK;

/* Submits a unit; the steps and values are copied. 0, or ERR_UNAVAILABLE (no connection is ready),
 * ERR_FULL, ERR_INVALID, ERR_TOO_LARGE, ERR_CLOSED, ERR_NOMEM. */
int postgres_submit(struct postgres_pool *pool, const struct postgres_step *steps, int count,
                    postgres_cb cb, void *ctx) MUST_CHECK;

/* Whether at least one connection is ready. */
bool postgres_up(const struct postgres_pool *pool);

/* Fails what is pending with ERR_CLOSED (from a later turn), closes, frees, then calls `cb` (may be
 * NULL). Safe from any callback; no call may follow it but a submit from a callback, which is
 * refused. */
void postgres_pool_close(struct postgres_pool *pool, void (*cb)(void *ctx), void *ctx);

#endif
