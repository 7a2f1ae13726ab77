/* Signals, staged shutdown and the loop's metrics; see loop.h. */
#include "loop/loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "loop/handles.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

COUNTER(loop_iterations, "libuv_loop_iterations_total", "Turns of the event loop.");
COUNTER(loop_idle, "libuv_loop_idle_seconds_total",
        "Time the event loop spent waiting for events; 1 - rate() is its utilisation.");
HISTOGRAM(loop_iteration, "libuv_loop_iteration_seconds",
          "Time that the callbacks of one turn of the event loop took.",
          BUCKETS(.00001, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1));

/* Every program has a loop, so what every program tells of itself is told here. */
BUILD_INFO("workshop_build_info", WORKSHOP_VERSION);

static const char *const stage_names[] = {"stop accepting", "finish", "close"};
static const uint64_t stage_limits[] = {STAGE_STOP_ACCEPTING_LIMIT_MS, STAGE_FINISH_LIMIT_MS,
                                        STAGE_CLOSE_LIMIT_MS};

static void begin_stage(struct loop *loop);

/* Metrics ------------------------------------------------------------------------------------ */

/* libuv runs the callbacks of I/O inside its poll phase, before the check handles; so a turn's work
 * is what passed since the last prepare, less what libuv measured as idle. */
static void on_before_poll(uv_prepare_t *handle)
{
    struct loop *loop = handle->data;
    uint64_t now = clock_now();
    uint64_t idle = uv_metrics_idle_time(&loop->uv);
    uint64_t waited = idle - loop->idle_before;
    uint64_t passed = now - loop->turn_began;
    counter_inc(&loop_iterations);
    counter_add_double(&loop_idle, (double)waited / (double)NS_PER_S);
    histogram_observe(&loop_iteration, passed > waited ? clock_seconds(waited, passed) : 0);
    metrics_tick(now);
    loop->turn_began = now;
    loop->idle_before = idle;
}

/* All of them are tried, whichever fails. */
int loop_metrics(bool on)
{
    if (!on) {
        metrics_unregister(&metrics_default, &loop_iterations);
        metrics_unregister(&metrics_default, &loop_idle);
        metrics_unregister(&metrics_default, &loop_iteration);
        return loop_handles_show(false);
    }
    int rc = metrics_register(&metrics_default, &loop_iterations, NULL);
    int rc_idle = metrics_register(&metrics_default, &loop_idle, NULL);
    int rc_iteration = metrics_register(&metrics_default, &loop_iteration, NULL);
    int rc_handles = loop_handles_show(true);
    return rc ? rc : rc_idle ? rc_idle : rc_iteration ? rc_iteration : rc_handles;
}

int loop_build_info(bool on)
{
    if (on)
        return metrics_register(&metrics_default, &metric_build_info, NULL);
    metrics_unregister(&metrics_default, &metric_build_info);
    return OK;
}

/* Shutdown ----------------------------------------------------------------------------------- */

static bool stage_is_over(const struct loop *loop)
{
    LIST_FOREACH (item, &loop->parts[loop->stage]) {
        if (!LIST_ITEM(item, struct loop_part, item)->done)
            return false;
    }
    return true;
}

static void close_own_handles(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->on_term, NULL);
    uv_close((uv_handle_t *)&loop->on_int, NULL);
    uv_close((uv_handle_t *)&loop->before_poll, NULL);
    uv_close((uv_handle_t *)&loop->stage_limit, NULL);
    uv_close((uv_handle_t *)&loop->stage_over, NULL);
}

static void next_stage(struct loop *loop)
{
    uv_timer_stop(&loop->stage_limit);
    if (++loop->stage < STAGE_COUNT)
        begin_stage(loop);
    else
        close_own_handles(loop);
    if (loop->stuck)
        uv_stop(&loop->uv);
}

static void on_stage_over(uv_async_t *async)
{
    struct loop *loop = async->data;
    if (loop->stage >= 0 && loop->stage < STAGE_COUNT && stage_is_over(loop))
        next_stage(loop);
}

static void on_stage_limit(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    LIST_FOREACH (item, &loop->parts[loop->stage]) {
        struct loop_part *part = LIST_ITEM(item, struct loop_part, item);
        if (!part->done)
            log_warn("shutdown goes on without waiting longer", LOG_STR("part", part->name),
                     LOG_STR("stage", stage_names[loop->stage]));
    }
    loop->overdue = true;
    loop->stuck = loop->stage == STAGE_CLOSE;
    next_stage(loop);
}

static void begin_stage(struct loop *loop)
{
    log_debug("shutdown", LOG_STR("stage", stage_names[loop->stage]));
    uv_timer_start(&loop->stage_limit, on_stage_limit, stage_limits[loop->stage], 0);
    LIST_FOREACH_SAFE (item, &loop->parts[loop->stage]) {
        struct loop_part *part = LIST_ITEM(item, struct loop_part, item);
        part->begin(part);
    }
    uv_async_send(&loop->stage_over);
}

void loop_on_shutdown(struct loop *loop, enum loop_stage stage, const char *name,
                      struct loop_part *part, void (*begin)(struct loop_part *part))
{
    assert(loop->stage < (int)stage && "registered too late");
    *part = (struct loop_part){.name = name, .begin = begin, .loop = loop};
    list_append(&loop->parts[stage], &part->item);
}

void loop_part_done(struct loop_part *part)
{
    part->done = true;
    if (part->loop->stage < STAGE_COUNT)
        uv_async_send(&part->loop->stage_over);
}

void loop_part_remove(struct loop_part *part)
{
    list_remove(&part->item);
    loop_part_done(part);
}

void loop_stop(struct loop *loop, int exit_code)
{
    if (loop_stopping(loop))
        return;
    loop->exit_code = exit_code;
    next_stage(loop);
}

bool loop_stopping(const struct loop *loop)
{
    return loop->stage >= 0;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct loop *loop = handle->data;
    if (loop_stopping(loop)) {
        log_warn("second signal: ending at once");
        _exit(128 + number);
    }
    log_info("shutting down", LOG_STR("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"));
    loop_stop(loop, 0);
}

/* Setting up and running --------------------------------------------------------------------- */

static void raise_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            log_warn("cannot raise the limit of open files");
    }
}

/* The handles' inits cannot fail but for want of memory or descriptors, at the start. */
static int start_handles(struct loop *loop)
{
    int rc = uv_signal_init(&loop->uv, &loop->on_term);
    rc = rc ? rc : uv_signal_init(&loop->uv, &loop->on_int);
    rc = rc ? rc : uv_prepare_init(&loop->uv, &loop->before_poll);
    rc = rc ? rc : uv_timer_init(&loop->uv, &loop->stage_limit);
    rc = rc ? rc : uv_async_init(&loop->uv, &loop->stage_over, on_stage_over);
    if (rc)
        return rc;
    loop->on_term.data = loop->on_int.data = loop;
    loop->before_poll.data = loop->stage_limit.data = loop->stage_over.data = loop;
    rc = uv_signal_start(&loop->on_term, on_signal, SIGTERM);
    rc = rc ? rc : uv_signal_start(&loop->on_int, on_signal, SIGINT);
    return rc ? rc : uv_prepare_start(&loop->before_poll, on_before_poll);
}

int loop_init(struct loop *loop)
{
    *loop = (struct loop){.stage = -1};
    for (int i = 0; i < STAGE_COUNT; i++)
        list_init(&loop->parts[i]);
    signal(SIGPIPE, SIG_IGN);
    raise_open_files();
    int rc = uv_loop_init(&loop->uv);
    rc = rc ? rc : uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
    rc = rc ? rc : start_handles(loop);
    rc = rc ? rc : loop_handles_count(loop);
    loop->turn_began = clock_now();
    return rc;
}

int loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop_handles_forget(loop);
    if (loop->stuck) {
        log_error("ending with handles that would not close");
        return 1;
    }
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0 && "a handle was not closed");
    (void)rc;
    return loop->overdue ? 1 : loop->exit_code;
}
