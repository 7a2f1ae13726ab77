/*
 * The service grpc.health.v1.Health: Check tells whether the server serves, Watch tells it now and
 * at each change. The server as a whole ("") and the services named at the start are SERVING until
 * the shutdown begins, and NOT_SERVING from then on.
 *
 * Name GRPC_HEALTH_METHODS(&health) in the server's table, and call grpc_health_start before the
 * server listens.
 */
#ifndef GRPC_HEALTH_H
#define GRPC_HEALTH_H

#include "grpc/server.h"

#define GRPC_HEALTH_WATCHERS_MAX 1000 /* past it RESOURCE_EXHAUSTED */

struct grpc_health {
    const char *const *services; /* known by name; ends with NULL */

    /* Its own. */
    struct list watchers;
    size_t watcher_count;
    bool stopping;
    struct loop_part stop_accepting, finish;
};

void grpc_health_start(struct grpc_health *health, struct loop *loop, const char *const *services);

void grpc_health_check(struct grpc_call *call, const void *message, size_t len, void *health);
void grpc_health_watch(struct grpc_call *call, const void *message, size_t len, void *health);

#define GRPC_HEALTH_METHODS(health)                                                                \
    {"/grpc.health.v1.Health/Check", grpc_health_check, health},                                   \
    {                                                                                              \
        "/grpc.health.v1.Health/Watch", grpc_health_watch, health                                  \
    }

#endif
