/* The program asks itself whether it is well, for a container's HEALTHCHECK; see builtin.h. */
#include "http/builtin.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define LIMIT_S 2

static int say(const char *address, const char *what)
{
    fprintf(stderr, "health check of %s: %s\n", address, what);
    return 1;
}

/* Where the server listens on every address, loopback is one of them. */
static const char *reachable(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static int connect_to(const struct addrinfo *a)
{
    struct timeval limit = {.tv_sec = LIMIT_S};
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return fd;
    int rc = errno == EINPROGRESS ? ERR_TIMEOUT : -errno;
    close(fd);
    return rc;
}

static int connect_by_name(const char *address)
{
    char host[256], service[8];
    int port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (settings_split_address(address, host, &port) != OK)
        return ERR_INVALID;
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(reachable(host), service, &hints, &found) != 0)
        return ERR_NOT_FOUND;
    int fd = connect_to(found);
    freeaddrinfo(found);
    return fd;
}

/* The first line is all that matters, and comes in one piece. */
static int ask(int fd, char *answer, size_t size)
{
    static const char request[] = "GET /health HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        return -errno;
    ssize_t n = recv(fd, answer, size - 1, 0);
    if (n <= 0)
        return n == 0 ? ERR_LOST : errno == EAGAIN ? ERR_TIMEOUT : -errno;
    answer[n] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    return OK;
}

int http_healthcheck(const char *address)
{
    char answer[128];
    int fd = connect_by_name(address);
    if (fd < 0)
        return say(address, err_text(fd));
    int rc = ask(fd, answer, sizeof answer);
    close(fd);
    if (rc < 0)
        return say(address, err_text(rc));
    return strncmp(answer, "HTTP/1.1 200 ", 13) == 0 ? 0 : say(address, answer);
}
