/* Deleting old rows; see retention.h. */
#include "backend/retention.h"

#include "backend/app.h"
#include "base/log.h"
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>

COUNTER(expired, "retention_deleted_total", "Rows deleted because they were older than kept.");

static void delete_piece(uv_timer_t *timer);

static void again_in(struct retention *r, uint64_t ms)
{
    if (!r->closed)
        uv_timer_start(&r->timer, delete_piece, ms, 0);
}

/* So that no row outlives twice its time, however short that is. */
static uint64_t pause_ms(const struct retention *r)
{
    uint64_t keep_ms = (uint64_t)r->app->settings.retention_s * 1000;
    return keep_ms < RETENTION_PAUSE_MS ? keep_ms : RETENTION_PAUSE_MS;
}

static void on_deleted(const struct postgres_outcome *outcome, void *retention)
{
    struct retention *r = retention;
    unsigned long rows = 0;
    if (outcome->status == OK)
        rows = strtoul(PQcmdTuples(outcome->results[0]), NULL, 10);
    else
        log_debug("cannot delete old rows now", LOG_ERR(outcome->status));
    counter_add(&expired, rows);
    again_in(r, rows == RETENTION_PIECE ? RETENTION_NEXT_PIECE_MS : pause_ms(r));
}

static void delete_piece(uv_timer_t *timer)
{
    struct retention *r = timer->data;
    char seconds[24], limit[24];
    snprintf(seconds, sizeof seconds, "%lld", (long long)r->app->settings.retention_s);
    snprintf(limit, sizeof limit, "%d", RETENTION_PIECE);
    const char *values[] = {seconds, limit};
    struct postgres_step step = {.statement = DELETE_EXPIRED, .params = 2, .values = values};
    if (postgres_submit(r->app->postgres, &step, 1, on_deleted, r) != OK)
        again_in(r, pause_ms(r));
}

void retention_start(struct retention *r, struct app *app)
{
    *r = (struct retention){.app = app};
    uv_timer_init(&app->loop.uv, &r->timer);
    r->timer.data = r;
    again_in(r, pause_ms(r));
}

void retention_close(struct retention *r)
{
    r->closed = true;
    uv_close((uv_handle_t *)&r->timer, NULL);
}
