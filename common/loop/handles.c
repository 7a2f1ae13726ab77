/* Counting handles; see handles.h. */
#include "loop/handles.h"

#include "metrics/metrics.h"

#include <pthread.h>
#include <string.h>

GAUGE_VEC(handles, "libuv_handles", "Handles of the event loop; active ones keep it running.", type,
          active);

/* Those of other types get a series when the first one is seen. */
static const uv_handle_type usual[] = {UV_ASYNC,  UV_IDLE, UV_POLL, UV_PREPARE,
                                       UV_SIGNAL, UV_TCP,  UV_TIMER};
static struct gauge *bound[UV_HANDLE_TYPE_MAX][2];
static unsigned counts[UV_HANDLE_TYPE_MAX][2];
static pthread_t owner; /* of the loop: nobody else may walk over it */

static void bind_type(uv_handle_type type)
{
    const char *name = uv_handle_type_name(type);
    bound[type][0] = with(handles, .type = name, .active = "false");
    bound[type][1] = with(handles, .type = name, .active = "true");
}

static void count(uv_handle_t *handle, void *ctx)
{
    uv_handle_type type = uv_handle_get_type(handle);
    (void)ctx;
    if (!bound[type][0])
        bind_type(type);
    counts[type][uv_is_active(handle) != 0]++;
}

static void collect(void *ctx)
{
    struct loop *loop = ctx;
    if (!pthread_equal(owner, pthread_self()))
        return;
    memset(counts, 0, sizeof counts);
    uv_walk(&loop->uv, count, NULL);
    for (int type = 0; type < UV_HANDLE_TYPE_MAX; type++)
        for (int active = 0; bound[type][0] && active < 2; active++)
            gauge_set(bound[type][active], counts[type][active]);
}

int loop_handles_count(struct loop *loop)
{
    owner = pthread_self();
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        bind_type(usual[i]);
    return metrics_collect_hook(collect, loop);
}

void loop_handles_forget(struct loop *loop)
{
    metrics_collect_unhook(collect, loop);
}

int loop_handles_show(bool on)
{
    if (on)
        return metrics_register(&metrics_default, &handles, NULL);
    metrics_unregister(&metrics_default, &handles);
    return OK;
}
