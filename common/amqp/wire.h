/*
 * A connected socket on the loop: bytes in, bytes out, and word when either became possible.
 */
#ifndef AMQP_WIRE_H
#define AMQP_WIRE_H

#include "base/buf.h"

#include <uv.h>

struct wire;

/* What became possible: UV_READABLE, UV_WRITABLE, or both. An error of the socket shows as
 * UV_READABLE: the read tells it. */
typedef void (*wire_cb)(int events, void *ctx);

/* Takes `fd` (connected, non-blocking) and watches it for reading. NULL for want of memory or
 * where it cannot be watched; the fd is then the caller's still. */
struct wire *wire_new(uv_loop_t *loop, int fd, wire_cb cb, void *ctx) MUST_CHECK;

/* Closes the socket; no callback comes any more. Frees itself when the loop lets go of it. */
void wire_close(struct wire *w);

/* One read of at most `most` bytes, appended to `in`. The number of bytes, 0 where none are there
 * yet, ERR_LOST at the end of the stream, or a negative code. */
int wire_read(struct wire *w, struct buf *in, size_t most) MUST_CHECK;

/* Watches for reading, as from the start, or not. What does not fit into the kernel's buffers then
 * stays with the peer. */
void wire_listen(struct wire *w, bool on);

/* Writes what the kernel takes of `out`, and asks for UV_WRITABLE while something is left. 0 or a
 * negative code. */
int wire_write(struct wire *w, struct buf *out) MUST_CHECK;

#endif
