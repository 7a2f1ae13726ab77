/*
 * One connection of a pool: from a name to a prepared, pipelined session, and back to it after
 * every failure, for ever. Internal to the room.
 *
 * Nothing here calls a unit's callback but from the socket, the timer, _send and _close, which the
 * pool calls from a turn of its own: so a callback may submit and close without looking who calls.
 */
#ifndef POSTGRES_CONNECTION_H
#define POSTGRES_CONNECTION_H

#include "base/complaint.h"
#include "loop/backoff.h"
#include "postgres/pipeline.h"
#include "postgres/target.h"
#include "postgres/watch.h"

enum postgres_state {
    POSTGRES_RESOLVING,  /* waits for the host's addresses */
    POSTGRES_CONNECTING, /* waits for what PQconnectPoll asked the socket for */
    POSTGRES_SETUP,      /* waits for the answers to the setup's SQL */
    POSTGRES_PREPARING,  /* waits for the answers to the statements */
    POSTGRES_READY,      /* waits for units, and for their results until the oldest is overdue */
    POSTGRES_BACKOFF,    /* waits for the delay before the next attempt */
    POSTGRES_CLOSED,     /* waits for its timer to close and its look-up to come back */
};

struct postgres_connection;

/* What the connections of a pool share. */
struct postgres_config {
    struct loop *loop;
    struct postgres_target target;
    char *setup; /* owned */
    const struct postgres_prepared *statements;
    const char *application_name;
    int timeout_ms;
    struct complaint complaint;   /* one server, one complaint */
    void (*on_change)(void *ctx); /* it became ready, or was lost, or has room again */
    void (*on_closed)(void *ctx);
    void *ctx;
};

struct postgres_connection {
    struct postgres_config *config;
    enum postgres_state state;
    PGconn *conn; /* from CONNECTING to READY */
    struct postgres_watch *watch;
    struct postgres_pipeline pipeline;
    struct backoff backoff;
    struct resolver resolver;
    uv_timer_t timer; /* the limit of what the state waits for */
    bool timer_closed;
};

/* Starts the first attempt. */
void postgres_connection_start(struct postgres_connection *c, struct postgres_config *config);

/* Encodes a unit and takes it over; only while postgres_connection_room. Flush after the last. */
void postgres_connection_send(struct postgres_connection *c, struct postgres_unit *unit);
void postgres_connection_flush(struct postgres_connection *c);

/* How many more units it takes; 0 unless it is ready. */
int postgres_connection_room(const struct postgres_connection *c);

/* Ends what is in flight with ERR_CLOSED; config->on_closed comes when its memory is free to go. */
void postgres_connection_close(struct postgres_connection *c);

/* All children of this room's connection series from the start. */
void postgres_connection_bind_metrics(void);

#endif
