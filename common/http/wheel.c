/* The wheel; see wheel.h. */
#include "http/wheel.h"

#include <assert.h>

#define SPAN_MS ((uint64_t)HTTP_WHEEL_TICK_MS * (HTTP_WHEEL_SLOTS - 1))

static void on_tick(uv_timer_t *handle);

int http_wheel_init(struct http_wheel *wheel, struct loop *loop)
{
    wheel->loop = loop;
    wheel->set = 0;
    for (size_t i = 0; i < HTTP_WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
    wheel->tick.data = wheel;
    return uv_timer_init(&loop->uv, &wheel->tick);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_wheel *wheel = handle->data;
    wheel->closed(wheel);
}

void http_wheel_close(struct http_wheel *wheel, void (*closed)(struct http_wheel *wheel))
{
    wheel->closed = closed;
    uv_close((uv_handle_t *)&wheel->tick, on_closed);
}

void http_timer_init(struct http_timer *timer, void (*expired)(struct http_timer *timer))
{
    *timer = (struct http_timer){.expired = expired};
    list_init(&timer->item);
}

/* The slot is the first whose time is not before the deadline, or the last one of the wheel. */
static void insert(struct http_wheel *wheel, struct http_timer *timer)
{
    uint64_t at = timer->due_ms > wheel->now_ms ? timer->due_ms : wheel->now_ms + 1;
    if (at > wheel->now_ms + SPAN_MS)
        at = wheel->now_ms + SPAN_MS;
    uint64_t tick = (at + HTTP_WHEEL_TICK_MS - 1) / HTTP_WHEEL_TICK_MS;
    timer->slot_ms = tick * HTTP_WHEEL_TICK_MS;
    list_append(&wheel->slots[tick % HTTP_WHEEL_SLOTS], &timer->item);
    wheel->set++;
}

void http_wheel_set(struct http_wheel *wheel, struct http_timer *timer, uint64_t due_ms)
{
    timer->due_ms = due_ms;
    if (!list_empty(&timer->item)) {
        if (timer->slot_ms <= due_ms)
            return;
        http_wheel_clear(wheel, timer);
        timer->due_ms = due_ms;
    }
    if (wheel->set == 0 && !uv_is_closing((uv_handle_t *)&wheel->tick)) {
        wheel->now_ms = loop_ms(wheel->loop) / HTTP_WHEEL_TICK_MS * HTTP_WHEEL_TICK_MS;
        uv_timer_start(&wheel->tick, on_tick, HTTP_WHEEL_TICK_MS, HTTP_WHEEL_TICK_MS);
    }
    insert(wheel, timer);
}

void http_wheel_clear(struct http_wheel *wheel, struct http_timer *timer)
{
    if (list_empty(&timer->item))
        return;
    list_remove(&timer->item);
    assert(wheel->set > 0);
    wheel->set--;
}

/* Timers of a slot are moved to a list of their own first: `expired` may set one of the same slot,
 * a wheel's turn later. */
static void run_slot(struct http_wheel *wheel, struct list *slot)
{
    struct list due;
    list_init(&due);
    for (struct list *item; (item = list_first(slot));) {
        list_remove(item);
        list_append(&due, item);
    }
    for (struct list *item; (item = list_first(&due));) {
        struct http_timer *timer = LIST_ITEM(item, struct http_timer, item);
        http_wheel_clear(wheel, timer);
        if (timer->due_ms > wheel->now_ms)
            insert(wheel, timer);
        else
            timer->expired(timer);
    }
}

static void on_tick(uv_timer_t *handle)
{
    struct http_wheel *wheel = handle->data;
    uint64_t now = loop_ms(wheel->loop);
    while (wheel->now_ms + HTTP_WHEEL_TICK_MS <= now && wheel->set) {
        wheel->now_ms += HTTP_WHEEL_TICK_MS;
        run_slot(wheel, &wheel->slots[wheel->now_ms / HTTP_WHEEL_TICK_MS % HTTP_WHEEL_SLOTS]);
    }
    if (wheel->set == 0)
        uv_timer_stop(&wheel->tick);
}
