/*
 * A peer made of a plain socket, for tests of the server: the test's one thread runs the loop in
 * small steps while it waits for bytes.
 */
#ifndef HTTP_PEER_H
#define HTTP_PEER_H

#include "base/buf.h"
#include "base/clock.h"
#include "loop/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PEER_WAIT_MS 5000

/* Runs the loop until `condition`; fails the test when it does not come true. */
#define WAIT_UNTIL(loop, condition)                                                                \
    do {                                                                                           \
        uint64_t wait_end = clock_now() + PEER_WAIT_MS * NS_PER_MS;                                \
        while (!(condition)) {                                                                     \
            if (clock_now() > wait_end)                                                            \
                fail_msg("waited in vain for: %s", #condition);                                    \
            peer_step(loop);                                                                       \
        }                                                                                          \
    } while (0)

static inline void peer_step(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    usleep(200);
}

static inline void peer_run(struct loop *loop, int ms)
{
    for (uint64_t end = clock_now() + (uint64_t)ms * NS_PER_MS; clock_now() < end;)
        peer_step(loop);
}

/* A connected socket, or -1 with errno; `receive_bytes` as its receive buffer, 0: the default. */
static inline int peer_try_connect(int port, int receive_bytes)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (receive_bytes)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static inline int peer_connect(int port)
{
    int fd = peer_try_connect(port, 0);
    assert_true(fd >= 0);
    return fd;
}

static inline void peer_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Takes what has come. False when the connection is over: `*reset` says how. */
static inline bool peer_take(int fd, struct buf *got, bool *reset)
{
    char chunk[65536];
    ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n > 0)
        assert_int_equal(buf_append(got, chunk, (size_t)n), OK);
    if (reset)
        *reset = n < 0 && errno != EAGAIN;
    return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Everything up to the peer's end, which must not be a reset. */
static inline void peer_read_to_end(struct loop *loop, int fd, struct buf *got)
{
    bool reset;
    uint64_t end = clock_now() + PEER_WAIT_MS * NS_PER_MS;
    while (peer_take(fd, got, &reset)) {
        if (clock_now() > end)
            fail_msg("the connection stays open after: %s", buf_cstr(got));
        peer_step(loop);
    }
    assert_false(reset);
}

/* Until `text` is in what came. */
static inline void peer_read_until(struct loop *loop, int fd, struct buf *got, const char *text)
{
    uint64_t end = clock_now() + PEER_WAIT_MS * NS_PER_MS;
    while (!strstr(buf_cstr(got), text)) {
        if (clock_now() > end || !peer_take(fd, got, NULL))
            fail_msg("no \"%s\" in: %s", text, buf_cstr(got));
        peer_step(loop);
    }
}

/* Whether the connection is still open, with nothing to read. */
static inline bool peer_is_open(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

#endif
