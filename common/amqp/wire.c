/* A connected socket on the loop; see wire.h. */
#include "amqp/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct wire {
    uv_poll_t poll;
    int fd;
    int events;  /* that we wait for */
    int reading; /* UV_READABLE, or 0 while nobody listens */
    wire_cb cb;
    void *ctx;
};

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wire *w = poll->data;

    if (status) { /* libuv has stopped watching; a read will say what is wrong, now or later */
        events = w->events = UV_READABLE;
        uv_poll_start(poll, events, on_poll);
    }
    w->cb(events, w->ctx);
}

static void free_wire(uv_handle_t *poll)
{
    free(poll->data);
}

static int watch(struct wire *w, int events)
{
    if (w->events == events)
        return OK;
    w->events = events;
    return uv_poll_start(&w->poll, events, on_poll);
}

struct wire *wire_new(uv_loop_t *loop, int fd, wire_cb cb, void *ctx)
{
    struct wire *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    if (uv_poll_init(loop, &w->poll, fd)) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    w->fd = fd;
    w->reading = UV_READABLE;
    w->cb = cb;
    w->ctx = ctx;
    if (watch(w, w->reading)) {
        uv_close((uv_handle_t *)&w->poll, free_wire);
        return NULL;
    }
    return w;
}

void wire_close(struct wire *w)
{
    uv_close((uv_handle_t *)&w->poll, free_wire);
    close(w->fd);
}

int wire_read(struct wire *w, struct buf *in, size_t most)
{
    ssize_t n;

    if (buf_reserve(in, most))
        return ERR_NOMEM;
    do
        n = recv(w->fd, buf_tail(in), most, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    if (n == 0)
        return ERR_LOST;
    buf_added(in, (size_t)n);
    return (int)n;
}

/* That libuv takes the handle was seen in wire_new; it refuses no set of events afterwards. */
void wire_listen(struct wire *w, bool on)
{
    w->reading = on ? UV_READABLE : 0;
    (void)watch(w, w->reading | (w->events & UV_WRITABLE));
}

int wire_write(struct wire *w, struct buf *out)
{
    while (buf_len(out) > 0) {
        ssize_t n = send(w->fd, buf_data(out), buf_len(out), MSG_NOSIGNAL);
        if (n >= 0)
            buf_consume(out, (size_t)n);
        else if (errno == EAGAIN)
            return watch(w, w->reading | UV_WRITABLE);
        else if (errno != EINTR)
            return -errno;
    }
    return watch(w, w->reading);
}
