/* A listening socket; see listen.h. */
#include "http/listen.h"

#include "base/settings.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int bind_and_listen(const struct addrinfo *a)
{
    int one = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, HTTP_BACKLOG) == 0)
        return fd;
    int rc = -errno;
    close(fd);
    return rc;
}

int http_listen_socket(const char *address, struct err *err)
{
    char host[256], service[8];
    int port;
    if (settings_split_address(address, host, &port) != OK)
        return err_set(err, ERR_INVALID, "%s is not HOST:PORT", address);
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    int rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0)
        return err_set(err, ERR_NOT_FOUND, "cannot find the address %s: %s", host,
                       gai_strerror(rc));
    int fd = bind_and_listen(found);
    freeaddrinfo(found);
    if (fd == -EADDRINUSE)
        err_set(err, fd, "port %d of %s is in use by another program", port, host);
    else if (fd < 0)
        err_set(err, fd, "cannot listen on %s: %s", address, err_text(fd));
    return fd;
}

int http_listener_port(const uv_tcp_t *listener)
{
    struct sockaddr_storage name;
    int len = sizeof name;
    if (uv_tcp_getsockname(listener, (struct sockaddr *)&name, &len) < 0)
        return 0;
    return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                            : ((struct sockaddr_in *)&name)->sin_port);
}
