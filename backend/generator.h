/*
 * The generators: each publishes an order of oranges every GENERATOR_PAUSE, so that data flows
 * without any traffic from outside.
 *
 * Series: generator_messages_total, which counts confirmed messages.
 */
#ifndef BACKEND_GENERATOR_H
#define BACKEND_GENERATOR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#define GENERATOR_PAUSE_LOW_MS  100
#define GENERATOR_PAUSE_HIGH_MS 500
#define GENERATOR_QUANTITY_MAX  10

struct app;

struct generator {
    struct app *app;
    uv_timer_t *timers; /* one a generator */
    size_t count, open;
    bool stopped;
};

/* Starts as many as the settings say. 0 or ERR_NOMEM. */
int generator_start(struct generator *g, struct app *app) MUST_CHECK;

/* Publishes nothing more. */
void generator_stop(struct generator *g);

/* Closes the timers; what they use is freed when they are closed. */
void generator_close(struct generator *g);

#endif
