/* The outbox; see outbox.h. */
#include "http/outbox.h"

#include "http/internal.h"

#include <sys/ioctl.h>

#define BUFS_MAX (2 * (HTTP_PIPELINE_MAX + 1)) /* head and body each; one may be 100 Continue */

void http_outbox_init(struct http_outbox *o, uv_stream_t *stream,
                      void (*written)(struct http_outbox *o, int status))
{
    *o = (struct http_outbox){.stream = stream, .written = written};
    list_init(&o->exchanges);
}

void http_outbox_add(struct http_outbox *o, struct http_exchange *x)
{
    list_append(&o->exchanges, &x->item);
    o->count++;
}

void http_outbox_answered(struct http_outbox *o, struct http_exchange *x)
{
    if (!buf_ok(&x->head) || o->queued > HTTP_QUEUED_MAX)
        o->broken = true;
    o->queued += http_exchange_bytes(x);
}

bool http_outbox_has_room(const struct http_outbox *o)
{
    return !o->broken && o->count < HTTP_PIPELINE_MAX && o->queued < HTTP_QUEUED_PAUSE;
}

/* Those that may leave now: the answers before the first that is still being made. */
static unsigned gather(const struct http_outbox *o, uv_buf_t *bufs, size_t *bytes)
{
    unsigned n = 0;
    *bytes = 0;
    LIST_FOREACH (item, &o->exchanges) {
        const struct http_exchange *x = LIST_ITEM(item, struct http_exchange, item);
        if (x->state != EXCHANGE_ANSWERED)
            break;
        if (buf_len(&x->head))
            bufs[n++] = uv_buf_init(buf_data(&x->head), (unsigned)buf_len(&x->head));
        if (buf_len(&x->body))
            bufs[n++] = uv_buf_init(buf_data(&x->body), (unsigned)buf_len(&x->body));
        *bytes += http_exchange_bytes(x);
    }
    return n;
}

static size_t take(struct buf *b, size_t n)
{
    size_t taken = n < buf_len(b) ? n : buf_len(b);
    if (taken)
        buf_consume(b, taken);
    return taken;
}

/* The kernel took `n` bytes. */
static void taken(struct http_outbox *o, size_t n)
{
    o->queued -= n;
    for (struct list *item; n && (item = list_first(&o->exchanges));) {
        struct http_exchange *x = LIST_ITEM(item, struct http_exchange, item);
        n -= take(&x->head, n);
        n -= take(&x->body, n);
        if (http_exchange_bytes(x))
            return;
        list_remove(&x->item);
        o->count--;
        http_exchange_end(x);
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct http_outbox *o = request->data;
    size_t n = o->writing;
    o->writing = 0;
    if (status == UV_ECANCELED)
        return;
    if (status == 0)
        taken(o, n);
    o->written(o, status);
}

/* What the peer has not taken. libuv's queue alone would tell too little: it moves only when a good
 * part of the kernel's has gone. */
static size_t count_unsent(const struct http_outbox *o)
{
    uv_os_fd_t fd;
    int in_kernel = 0;
    if (uv_fileno((uv_handle_t *)o->stream, &fd) == 0)
        ioctl(fd, TIOCOUTQ, &in_kernel);
    return uv_stream_get_write_queue_size(o->stream) + (size_t)in_kernel;
}

/* The kernel's buffer is full: libuv waits for room. */
static int write_later(struct http_outbox *o)
{
    uv_buf_t bufs[BUFS_MAX];
    unsigned n = gather(o, bufs, &o->writing);
    o->request.data = o;
    int rc = uv_write(&o->request, o->stream, bufs, n, on_written);
    if (rc < 0)
        o->writing = 0;
    o->unsent = count_unsent(o);
    return rc;
}

int http_outbox_flush(struct http_outbox *o)
{
    uv_buf_t bufs[BUFS_MAX];
    size_t bytes;
    if (o->writing || o->broken)
        return 0;
    unsigned n = gather(o, bufs, &bytes);
    int rc = n ? uv_try_write(o->stream, bufs, n) : 0;
    if (rc < 0 && rc != UV_EAGAIN)
        return rc;
    if (rc > 0)
        taken(o, (size_t)rc);
    return (rc > 0 ? (size_t)rc : 0) < bytes ? write_later(o) : 0;
}

bool http_outbox_moves(struct http_outbox *o)
{
    size_t before = o->unsent;
    o->unsent = count_unsent(o);
    return o->unsent < before;
}

void http_outbox_drop(struct http_outbox *o)
{
    LIST_FOREACH_SAFE (item, &o->exchanges) {
        struct http_exchange *x = LIST_ITEM(item, struct http_exchange, item);
        list_remove(&x->item);
        o->count--;
        x->connection = NULL;
        if (x->state == EXCHANGE_ANSWERED)
            http_exchange_end(x);
    }
}
