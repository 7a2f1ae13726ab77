/* hiredis on libuv; see adapter.h. */
#include "redis/adapter.h"

#include <stdbool.h>
#include <stdlib.h>

struct adapter {
    uv_poll_t poll;
    uv_idle_t turn;             /* active while commands wait for the next turn */
    redisAsyncContext *context; /* NULL once hiredis freed it: look again after each call to it */
    int events;                 /* what epoll is asked for */
    bool connected;             /* writing earlier would take a pending connect for a success */
    bool flushing;              /* hiredis is writing: if it wants more, the socket is full */
    int open_handles;
    void (*on_gone)(const redisAsyncContext *context, void *ctx);
    void *ctx;
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct adapter *adapter, int events)
{
    if (events == adapter->events)
        return;
    adapter->events = events;
    if (events)
        uv_poll_start(&adapter->poll, events, on_poll);
    else
        uv_poll_stop(&adapter->poll);
}

static void write_now(struct adapter *adapter)
{
    adapter->flushing = true;
    redisAsyncHandleWrite(adapter->context);
    adapter->flushing = false;
}

static void on_turn(uv_idle_t *turn)
{
    struct adapter *adapter = turn->data;
    uv_idle_stop(turn);
    if (adapter->context)
        write_now(adapter);
}

/* libuv tells EPOLLERR as a status, and stops polling: hiredis then finds the reason in the socket,
 * with a write while it connects and with a read later. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct adapter *adapter = poll->data;
    if (status < 0)
        events = UV_READABLE | UV_WRITABLE;
    if (adapter->context && (events & UV_WRITABLE)) {
        adapter->connected = true;
        write_now(adapter);
    }
    if (adapter->context && (events & UV_READABLE))
        redisAsyncHandleRead(adapter->context);
    if (adapter->context && status < 0)
        redisAsyncFree(adapter->context);
}

/* What hiredis asks for ---------------------------------------------------------------------- */

static void add_read(void *data)
{
    struct adapter *adapter = data;
    watch(adapter, adapter->events | UV_READABLE);
}

static void del_read(void *data)
{
    struct adapter *adapter = data;
    watch(adapter, adapter->events & ~UV_READABLE);
}

static void add_write(void *data)
{
    struct adapter *adapter = data;
    if (adapter->connected && !adapter->flushing)
        uv_idle_start(&adapter->turn, on_turn);
    else
        watch(adapter, adapter->events | UV_WRITABLE);
}

static void del_write(void *data)
{
    struct adapter *adapter = data;
    uv_idle_stop(&adapter->turn);
    watch(adapter, adapter->events & ~UV_WRITABLE);
}

static void on_closed(uv_handle_t *handle)
{
    struct adapter *adapter = handle->data;
    if (--adapter->open_handles == 0)
        free(adapter);
}

static void cleanup(void *data)
{
    struct adapter *adapter = data;
    adapter->on_gone(adapter->context, adapter->ctx);
    adapter->context = NULL;
    uv_close((uv_handle_t *)&adapter->turn, on_closed);
    uv_close((uv_handle_t *)&adapter->poll, on_closed);
}

int redis_adapter_attach(uv_loop_t *loop, redisAsyncContext *context,
                         void (*on_gone)(const redisAsyncContext *context, void *ctx), void *ctx)
{
    struct adapter *adapter = calloc(1, sizeof *adapter);
    if (!adapter)
        return ERR_NOMEM;
    int rc = uv_poll_init(loop, &adapter->poll, context->c.fd);
    if (rc != 0) {
        free(adapter);
        return rc;
    }
    uv_idle_init(loop, &adapter->turn);
    adapter->poll.data = adapter->turn.data = adapter;
    adapter->open_handles = 2;
    adapter->context = context;
    adapter->on_gone = on_gone;
    adapter->ctx = ctx;
    context->ev.data = adapter;
    context->ev.addRead = add_read;
    context->ev.delRead = del_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = del_write;
    context->ev.cleanup = cleanup;
    return OK;
}
