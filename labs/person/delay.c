/* Delays; see delay.h. */
#include "person/delay.h"

#include <stdlib.h>

/* The exchange stays until it is answered, even if its client has left (http/server.h). */
struct delayed {
    struct list item;
    uv_timer_t timer;
    struct delays *delays;
    struct http_exchange *x;
    void (*handler)(struct http_exchange *x, void *ctx);
    void *ctx;
};

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void end(struct delayed *d)
{
    list_remove(&d->item);
    d->delays->count--;
    uv_close((uv_handle_t *)&d->timer, on_closed);
    d->handler(d->x, d->ctx);
}

static void on_timer(uv_timer_t *timer)
{
    end(timer->data);
}

static void on_finish(struct loop_part *part)
{
    struct delays *delays = LIST_ITEM(part, struct delays, finish);
    while (!list_empty(&delays->waiting))
        end(LIST_ITEM(list_first(&delays->waiting), struct delayed, item));
    loop_part_done(part);
}

void delays_init(struct delays *delays, struct loop *loop)
{
    *delays = (struct delays){.loop = loop};
    list_init(&delays->waiting);
    loop_on_shutdown(loop, STAGE_FINISH, "delayed requests", &delays->finish, on_finish);
}

static void reply_busy(struct http_exchange *x)
{
    static const char body[] = "{\"error\":\"Too many requests wait\"}";
    http_reply(x, &(struct http_response){.status = 503,
                                          .content_type = "application/json",
                                          .body = body,
                                          .len = sizeof body - 1,
                                          .retry_after = 1});
}

void delay(struct delays *delays, struct setting_range range, struct http_exchange *x,
           void (*handler)(struct http_exchange *x, void *ctx), void *ctx)
{
    int64_t ms = loop_stopping(delays->loop) ? 0 : setting_range_pick(range);
    if (ms == 0) {
        handler(x, ctx);
        return;
    }
    struct delayed *d = delays->count < DELAYED_MAX ? malloc(sizeof *d) : NULL;
    if (!d) {
        reply_busy(x);
        return;
    }
    *d =
        (struct delayed){.delays = delays, .x = x, .handler = handler, .ctx = ctx, .timer.data = d};
    list_append(&delays->waiting, &d->item);
    delays->count++;
    uv_timer_init(&delays->loop->uv, &d->timer);
    uv_timer_start(&d->timer, on_timer, (uint64_t)ms, 0);
}
