/*
 * A host's name to its addresses, on libuv's thread pool.
 *
 * One resolver belongs to one client and looks one host up at a time. libuv cannot take a look-up
 * back once a thread works on it, so the struct must live until the callback came, however late;
 * whoever is closed asks `busy`, and waits.
 */
#ifndef LOOP_RESOLVER_H
#define LOOP_RESOLVER_H

#include "base/err.h"

#include <arpa/inet.h>
#include <stdbool.h>

#include <uv.h>

#define RESOLVER_ADDRESSES_MAX 4

struct resolver {
    uv_getaddrinfo_t request;
    bool busy; /* libuv has the request: `on_end` will come */
    int count;
    char addresses[RESOLVER_ADDRESSES_MAX][INET6_ADDRSTRLEN]; /* numeric, in the order to try */
    void (*on_end)(struct resolver *resolver, int status);
    void *ctx;
};

/* Looks `host` up (a name, or an address of either family). While an earlier look-up is under way
 * it is that one that goes on: the host of a client does not change. 0, and `on_end` is called from
 * a later turn with 0 and the addresses filled in, or with a negative code; or a negative code. */
int resolver_start(struct resolver *resolver, uv_loop_t *loop, const char *host) MUST_CHECK;

/* Asks libuv to give up early; `on_end` still comes, if `busy`. */
void resolver_cancel(struct resolver *resolver);

#endif
