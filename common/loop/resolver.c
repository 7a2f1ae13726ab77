/* Names to addresses; see resolver.h. */
#include "loop/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

static bool take_address(struct resolver *resolver, const struct addrinfo *info)
{
    char *text = resolver->addresses[resolver->count];
    if (info->ai_family == AF_INET)
        return uv_ip4_name((const struct sockaddr_in *)info->ai_addr, text, INET6_ADDRSTRLEN) == 0;
    if (info->ai_family == AF_INET6)
        return uv_ip6_name((const struct sockaddr_in6 *)info->ai_addr, text, INET6_ADDRSTRLEN) == 0;
    return false;
}

static void on_addresses(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct resolver *resolver = request->data;
    resolver->busy = false;
    resolver->count = 0;
    for (struct addrinfo *i = found; i && resolver->count < RESOLVER_ADDRESSES_MAX; i = i->ai_next)
        resolver->count += take_address(resolver, i);
    uv_freeaddrinfo(found);
    if (status == 0 && resolver->count == 0)
        status = UV_EAI_NODATA;
    resolver->on_end(resolver, status);
}

int resolver_start(struct resolver *resolver, uv_loop_t *loop, const char *host)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (resolver->busy)
        return OK;
    resolver->request.data = resolver;
    int rc = uv_getaddrinfo(loop, &resolver->request, on_addresses, host, NULL, &hints);
    resolver->busy = rc == 0;
    return rc;
}

void resolver_cancel(struct resolver *resolver)
{
    if (resolver->busy)
        uv_cancel((uv_req_t *)&resolver->request); /* refused where it already runs */
}
