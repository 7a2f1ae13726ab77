/* Orders of oranges; see generator.h. */
#include "backend/generator.h"

#include "backend/app.h"
#include "base/clock.h"
#include "base/log.h"
#include "contract/message.h"
#include "contract/uuid.h"
#include "metrics/metrics.h"

#include <stdlib.h>

COUNTER(generated, "generator_messages_total", "Messages that the generators got confirmed.");

static void on_confirm(int status, void *ctx)
{
    (void)ctx;
    if (status == OK)
        counter_inc(&generated);
    else
        log_debug("a generated message was not confirmed", LOG_ERR(status));
}

/* The trace of an order that nobody asked for begins here. */
static void log_order(const struct trace *trace, const char *id)
{
    struct trace_texts texts;
    struct log_field fields[TRACE_FIELDS + 2];
    size_t n = trace_fields(trace, &texts, fields);
    fields[n++] = LOG_STR("message_id", id);
    fields[n].key = NULL;
    log_write(LOG_INFO, "order generated", fields);
}

static int publish_order(struct generator *g)
{
    const struct message order = {
        .kind = MESSAGE_FRUIT,
        .fruit = FRUIT_ORANGES,
        .quantity = 1 + (int32_t)(random() % GENERATOR_QUANTITY_MAX),
    };
    char id[UUID_SIZE], traceparent[TRACEPARENT_SIZE];
    struct trace trace;
    struct buf body = {0};
    uuid_v7(id);
    recorder_begin(&g->app->recorder, &trace);
    traceparent_write(&trace, traceparent);
    int rc = message_encode(&order, &body);
    if (rc == OK)
        rc = amqp_publish(g->app->publisher,
                          &(struct amqp_message){.body = buf_data(&body),
                                                 .len = buf_len(&body),
                                                 .content_type = CONTRACT_CONTENT_TYPE,
                                                 .message_id = id,
                                                 .traceparent = traceparent,
                                                 .timestamp = clock_wall_ms() / 1000},
                          on_confirm, NULL);
    if (rc == OK && recorder_wants(&g->app->recorder, &trace, false))
        log_order(&trace, id);
    buf_free(&body);
    return rc;
}

static void pause_then(uv_timer_t *timer, uv_timer_cb next)
{
    const struct setting_range pause = {GENERATOR_PAUSE_LOW_MS, GENERATOR_PAUSE_HIGH_MS};
    uv_timer_start(timer, next, (uint64_t)setting_range_pick(pause), 0);
}

/* While the broker is away nothing is generated: an order that was never made is not lost. */
static void on_pause_over(uv_timer_t *timer)
{
    struct generator *g = timer->data;
    if (g->stopped)
        return;
    int rc = publish_order(g);
    if (rc != OK)
        log_debug("cannot generate", LOG_ERR(rc));
    pause_then(timer, on_pause_over);
}

int generator_start(struct generator *g, struct app *app)
{
    *g = (struct generator){.app = app, .count = (size_t)app->settings.generators};
    g->timers = calloc(g->count ? g->count : 1, sizeof *g->timers);
    if (!g->timers)
        return ERR_NOMEM;
    for (size_t i = 0; i < g->count; i++) {
        uv_timer_init(&app->loop.uv, &g->timers[i]);
        g->timers[i].data = g;
        pause_then(&g->timers[i], on_pause_over);
    }
    return OK;
}

void generator_stop(struct generator *g)
{
    g->stopped = true;
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct generator *g = timer->data;
    if (--g->open == 0)
        free(g->timers);
}

void generator_close(struct generator *g)
{
    g->open = g->count;
    for (size_t i = 0; i < g->count; i++)
        uv_close((uv_handle_t *)&g->timers[i], on_timer_closed);
    if (g->count == 0)
        free(g->timers);
}
