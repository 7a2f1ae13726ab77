/* GET /hello; see hello.h. Best read from its end: the request, then its delay, then the confirm.
 */
#include "frontend/hello.h"

#include "frontend/app.h"
#include "frontend/publish.h"
#include "metrics/metrics.h"

#include <stdlib.h>

COUNTER(hello_total, "hello_total", "Total number of hello requests."); /* [1] */

/* A request that waits out its delay. Its client may leave meanwhile; the exchange stays until it
 * is answered (http/server.h). */
struct delayed {
    struct list item; /* in the app's list */
    uv_timer_t timer;
    struct app *app;
    struct http_exchange *x;
};

static void on_confirm(int status, void *exchange)
{
    if (status == OK)
        http_reply_text(exchange, 200, "Hello, World!");
    else
        publish_reply_unavailable(exchange);
}

static void publish_hello(struct app *app, struct http_exchange *x)
{
    const struct message hello = {.kind = MESSAGE_HELLO};
    char id[UUID_SIZE];
    uuid_v7(id);
    if (publish_message(app, x, &hello, id, on_confirm, x) != OK)
        publish_reply_unavailable(x);
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void end_delay(struct delayed *d)
{
    list_remove(&d->item);
    uv_close((uv_handle_t *)&d->timer, on_closed);
}

static void on_delay_over(uv_timer_t *timer)
{
    struct delayed *d = timer->data;
    publish_hello(d->app, d->x);
    end_delay(d);
}

void hello_give_up(struct app *app)
{
    LIST_FOREACH_SAFE (item, &app->delayed_hellos) {
        struct delayed *d = LIST_ITEM(item, struct delayed, item);
        publish_reply_unavailable(d->x);
        end_delay(d);
    }
}

static void publish_later(struct app *app, struct http_exchange *x, uint64_t delay_ms)
{
    struct delayed *d = malloc(sizeof *d);
    if (!d) {
        publish_reply_unavailable(x);
        return;
    }
    *d = (struct delayed){.app = app, .x = x, .timer.data = d};
    list_append(&app->delayed_hellos, &d->item);
    uv_timer_init(&app->loop.uv, &d->timer);
    uv_timer_start(&d->timer, on_delay_over, delay_ms, 0);
}

void hello_get(struct http_exchange *x, void *context)
{
    struct app *app = context;
    counter_inc(&hello_total); /* [1] */
    int64_t delay_ms = setting_range_pick(app->settings.hello_delay);
    if (delay_ms > 0)
        publish_later(app, x, (uint64_t)delay_ms);
    else
        publish_hello(app, x);
}
