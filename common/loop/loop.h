/*
 * The loop of a program: one libuv loop with signals, staged shutdown and its own metrics.
 *
 *     struct loop loop;
 *     loop_init(&loop);
 *     …start servers and clients…
 *     return loop_run(&loop);          // until SIGTERM or SIGINT, then the stages of docs/async.md
 *
 * One loop a process: its metrics are the process's. Series: libuv_loop_iterations_total,
 * libuv_loop_idle_seconds_total and libuv_loop_iteration_seconds, the time that the callbacks of
 * one turn took, which is how long another event may have waited. Every turn counts, none is
 * sampled, and a scrape resets nothing. libuv_handles{type,active} is counted at each scrape.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

enum loop_stage {
    STAGE_STOP_ACCEPTING, /* take nothing new */
    STAGE_FINISH,         /* finish what was promised */
    STAGE_CLOSE,          /* close connections and handles */
    STAGE_COUNT,
};

/* How long a stage may take before shutdown goes on without it, in milliseconds. */
#define STAGE_STOP_ACCEPTING_LIMIT_MS 2000
#define STAGE_FINISH_LIMIT_MS         5000
#define STAGE_CLOSE_LIMIT_MS          2000

/* One part's share in one stage. Embedded by the part; lives until loop_run returns or
 * loop_part_remove. All fields are the loop's. */
struct loop_part {
    struct list item;
    const char *name;
    void (*begin)(struct loop_part *part);
    struct loop *loop;
    bool done;
};

struct loop {
    uv_loop_t uv; /* for uv_… calls of the rooms above */

    /* The loop's own. */
    uv_signal_t on_term, on_int;
    uv_prepare_t before_poll;
    uv_timer_t stage_limit;
    uv_async_t stage_over;
    struct list parts[STAGE_COUNT];
    int stage; /* the stage that runs; -1 before the shutdown, STAGE_COUNT behind it */
    int exit_code;
    bool overdue; /* a stage met its limit */
    bool stuck;   /* and it was the last one: handles are still open */
    uint64_t turn_began, idle_before;
};

/* Sets up the loop, ignores SIGPIPE and raises the limit of open files as far as allowed. 0 or a
 * negative code. */
int loop_init(struct loop *loop) MUST_CHECK;

/* Registers `part` for `stage`. `begin` is called once, when the shutdown reaches the stage; the
 * part answers with loop_part_done, in the call or later. The parts of a stage begin in order of
 * registration. Must be called before the stage begins. */
void loop_on_shutdown(struct loop *loop, enum loop_stage stage, const char *name,
                      struct loop_part *part, void (*begin)(struct loop_part *part));
void loop_part_done(struct loop_part *part);

/* Takes a part away, for one that ends before the program does. Counts as done. */
void loop_part_remove(struct loop_part *part);

/* Begins the shutdown, as SIGTERM does; safe from any callback of the loop. `exit_code` is what
 * loop_run returns. A second call changes nothing. */
void loop_stop(struct loop *loop, int exit_code);

/* Whether the shutdown has begun. */
bool loop_stopping(const struct loop *loop);

/* Runs until the last stage is over and every handle is closed, and asserts that uv_loop_close
 * returns 0. The exit code: 0 after a signal, or what loop_stop was given; 1 if a stage met its
 * limit, which is logged with the names of the parts that it waited for. A second signal ends the
 * process at once. */
int loop_run(struct loop *loop) MUST_CHECK;

/* libuv_* and workshop_build_info are in the default registry unless these switch them off. 0; or
 * ERR_NOMEM, or ERR_INVALID where they were on already. */
int loop_metrics(bool on);
int loop_build_info(bool on);

/* The loop's clock in milliseconds, as of this turn. */
static inline uint64_t loop_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

#endif
