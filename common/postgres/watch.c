/* Watching libpq's sockets; see watch.h. */
#include "postgres/watch.h"

#include <stdlib.h>

struct postgres_watch {
    uv_poll_t poll;
    int events;
    void (*ready)(void *ctx);
    void *ctx;
};

/* On an error libuv stops polling, so the next wish must not look like the present one. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct postgres_watch *watch = poll->data;
    (void)events;
    if (status < 0)
        watch->events = 0;
    watch->ready(watch->ctx);
}

int postgres_watch_new(uv_loop_t *loop, int fd, void (*ready)(void *ctx), void *ctx,
                       struct postgres_watch **out)
{
    struct postgres_watch *watch = malloc(sizeof *watch);
    if (!watch)
        return ERR_NOMEM;
    *watch = (struct postgres_watch){.ready = ready, .ctx = ctx};
    int rc = uv_poll_init(loop, &watch->poll, fd);
    if (rc != 0) {
        free(watch);
        return rc;
    }
    watch->poll.data = watch;
    *out = watch;
    return OK;
}

void postgres_watch_for(struct postgres_watch *watch, int events)
{
    if (watch->events == events)
        return;
    watch->events = events;
    uv_poll_start(&watch->poll, events, on_poll);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void postgres_watch_close(struct postgres_watch *watch)
{
    if (watch)
        uv_close((uv_handle_t *)&watch->poll, on_closed);
}
