/*
 * Retention: deletes rows older than --retention, in pieces small enough not to hold up the
 * inserts. With a row goes the key that tells a repeated message, so an Idempotency-Key holds that
 * long. Dead letters stay: somebody has to look at them.
 */
#ifndef BACKEND_RETENTION_H
#define BACKEND_RETENTION_H

#include <stdbool.h>

#include <uv.h>

#define RETENTION_PIECE         5000  /* rows in one delete */
#define RETENTION_PAUSE_MS      10000 /* at most */
#define RETENTION_NEXT_PIECE_MS 50

struct app;

struct retention {
    struct app *app;
    uv_timer_t timer;
    bool closed;
};

void retention_start(struct retention *r, struct app *app);
void retention_close(struct retention *r);

#endif
