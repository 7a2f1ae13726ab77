/* Check and Watch; see health.h. */
#include "grpc/health.h"

#include "health_proto/health.pb-c.h"

#include <stdlib.h>

typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving;
#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

enum { ANSWER_MAX = 16 }; /* one enum on the wire */

struct watcher {
    struct list item;
    struct grpc_health *health;
    struct grpc_call *call;
    bool known;
};

/* Whether the name of the request is one of ours; false in `ok` where there is none to be read. */
static bool is_known(const struct grpc_health *health, const void *message, size_t len, bool *ok)
{
    Grpc__Health__V1__HealthCheckRequest *request =
        grpc__health__v1__health_check_request__unpack(NULL, len, message);
    *ok = request != NULL;
    bool known = request && !*request->service;
    for (const char *const *name = health->services; request && !known && *name; name++)
        known = strcmp(*name, request->service) == 0;
    if (request)
        grpc__health__v1__health_check_request__free_unpacked(request, NULL);
    return known;
}

static size_t pack(uint8_t out[ANSWER_MAX], serving status)
{
    Grpc__Health__V1__HealthCheckResponse answer = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    answer.status = status;
    return grpc__health__v1__health_check_response__pack(&answer, out);
}

static serving now(const struct grpc_health *health)
{
    return health->stopping ? STATUS(NOT_SERVING) : STATUS(SERVING);
}

void grpc_health_check(struct grpc_call *call, const void *message, size_t len, void *context)
{
    struct grpc_health *health = context;
    uint8_t answer[ANSWER_MAX];
    bool ok;
    bool known = is_known(health, message, len, &ok);
    if (!ok)
        grpc_finish(call, GRPC_INTERNAL, "the request cannot be read");
    else if (!known)
        grpc_finish(call, GRPC_NOT_FOUND, "unknown service");
    else
        grpc_reply(call, answer, pack(answer, now(health)));
}

/* Watching ------------------------------------------------------------------------------------- */

static void tell(const struct watcher *w)
{
    uint8_t answer[ANSWER_MAX];
    serving status = w->known ? now(w->health) : STATUS(SERVICE_UNKNOWN);
    grpc_send(w->call, answer, pack(answer, status));
}

static void end_watch(struct watcher *w, enum grpc_status status, const char *text)
{
    struct grpc_call *call = w->call;
    list_remove(&w->item);
    w->health->watcher_count--;
    free(w);
    grpc_call_on_gone(call, NULL, NULL);
    grpc_finish(call, status, text);
}

static void on_gone(struct grpc_call *call, void *watcher)
{
    (void)call;
    end_watch(watcher, GRPC_CANCELLED, NULL);
}

void grpc_health_watch(struct grpc_call *call, const void *message, size_t len, void *context)
{
    struct grpc_health *health = context;
    bool ok;
    bool known = is_known(health, message, len, &ok);
    struct watcher *w =
        ok && health->watcher_count < GRPC_HEALTH_WATCHERS_MAX ? malloc(sizeof *w) : NULL;
    if (!w) {
        grpc_finish(call, ok ? GRPC_RESOURCE_EXHAUSTED : GRPC_INTERNAL,
                    ok ? "too many watchers" : "the request cannot be read");
        return;
    }
    *w = (struct watcher){.health = health, .call = call, .known = known};
    list_append(&health->watchers, &w->item);
    health->watcher_count++;
    grpc_call_on_gone(call, on_gone, w);
    tell(w);
}

/* The shutdown --------------------------------------------------------------------------------- */

static void begin_stop_accepting(struct loop_part *part)
{
    struct grpc_health *health = LIST_ITEM(part, struct grpc_health, stop_accepting);
    health->stopping = true;
    LIST_FOREACH (item, &health->watchers)
        tell(LIST_ITEM(item, struct watcher, item));
    loop_part_done(part);
}

static void begin_finish(struct loop_part *part)
{
    struct grpc_health *health = LIST_ITEM(part, struct grpc_health, finish);
    LIST_FOREACH_SAFE (item, &health->watchers)
        end_watch(LIST_ITEM(item, struct watcher, item), GRPC_UNAVAILABLE, "the server shuts down");
    loop_part_done(part);
}

void grpc_health_start(struct grpc_health *health, struct loop *loop, const char *const *services)
{
    *health = (struct grpc_health){.services = services};
    list_init(&health->watchers);
    loop_on_shutdown(loop, STAGE_STOP_ACCEPTING, "grpc health", &health->stop_accepting,
                     begin_stop_accepting);
    loop_on_shutdown(loop, STAGE_FINISH, "grpc health", &health->finish, begin_finish);
}
