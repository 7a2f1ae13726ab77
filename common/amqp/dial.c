/* Resolving and connecting, on the thread pool; see dial.h. */
#include "amqp/dial.h"

#include "base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int ms_until(uint64_t deadline)
{
    uint64_t now = clock_now();

    return now >= deadline ? 0 : (int)((deadline - now + NS_PER_MS - 1) / NS_PER_MS);
}

/* 0 or a negated errno. */
static int wait_connected(int fd, uint64_t deadline)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int error = 0, n;
    socklen_t size = sizeof error;

    do
        n = poll(&p, 1, ms_until(deadline));
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : -ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    return -error;
}

static int connect_to(const struct addrinfo *a, uint64_t deadline)
{
    int one = 1, rc = 0;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
        rc = -errno;
    else if (connect(fd, a->ai_addr, a->ai_addrlen) < 0)
        rc = errno == EINPROGRESS ? wait_connected(fd, deadline) : -errno;
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

/* Each address gets its share of the time that is left, so that a dead one cannot use it up. */
static int connect_to_any(const struct addrinfo *list, uint64_t deadline)
{
    uint64_t count = 0, now;
    int fd = -EHOSTUNREACH;

    for (const struct addrinfo *a = list; a; a = a->ai_next)
        count++;
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next, count--) {
        now = clock_now();
        fd = connect_to(a, now < deadline ? now + (deadline - now) / count : deadline);
    }
    return fd;
}

int dial(const char *host, int port, uint64_t deadline, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    char service[16];
    int rc, fd;

    snprintf(service, sizeof service, "%d", port);
    rc = getaddrinfo(host, service, &hints, &list);
    if (rc)
        return err_set(err, ERR_UNAVAILABLE, "cannot resolve %s: %s", host, gai_strerror(rc));
    fd = connect_to_any(list, deadline);
    freeaddrinfo(list);
    if (fd < 0)
        return err_set(err, ERR_UNAVAILABLE, "cannot connect to %s:%d: %s", host, port,
                       err_text(fd));
    return fd;
}
