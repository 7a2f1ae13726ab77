/*
 * The loop of a program: one libuv loop with signals, staged shutdown and its own metrics.
 *
 *     struct loop loop;
 *     loop_init(&loop);
 *     …start servers and clients…
 *     return loop_run(&loop);          // until SIGTERM or SIGINT, then the stages of docs/async.md
 *
 * Series: libuv_loop_iterations_total, libuv_loop_idle_seconds_total, libuv_loop_iteration_seconds
 * (the time that callbacks took in one turn, which is how long another event may have waited).
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

/* One part's share in one stage. Embedded by the part; must live until loop_run returns or
 * loop_part_remove. */
struct loop_part {
    struct list item;
    enum loop_stage stage;
    const char *name; /* for the log, when a stage takes too long */
    void (*begin)(struct loop_part *part);
    bool done;
    struct loop *loop;
};

struct loop {
    uv_loop_t uv;
    /* private: */
    uv_signal_t on_term, on_int;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_timer_t stage_timer;
    uv_async_t wake; /* completes a stage from a later turn */
    struct list parts[STAGE_COUNT];
    int stage; /* the stage that runs, -1 before shutdown, STAGE_COUNT after */
    int exit_code;
    uint64_t turn_began;
    uint64_t finish_ms;
};

/* Sets up the loop, ignores SIGPIPE, raises RLIMIT_NOFILE to its hard limit. 0 or a negative code. */
int loop_init(struct loop *loop) MUST_CHECK;

/* Registers `part` for `stage`. `begin` is called once, when shutdown reaches the stage; the part
 * answers with loop_part_done, then or later. Parts of a stage begin in order of registration. */
void loop_on_shutdown(struct loop *loop, enum loop_stage stage, const char *name,
                      struct loop_part *part, void (*begin)(struct loop_part *part));
void loop_part_done(struct loop_part *part);
void loop_part_remove(struct loop_part *part);

/* Begins the shutdown, as SIGTERM does; safe from any callback. `exit_code` is what loop_run
 * returns. A second call changes nothing. */
void loop_stop(struct loop *loop, int exit_code);

/* Whether shutdown has begun. */
bool loop_stopping(const struct loop *loop);

/* Runs until the last stage is over and every handle is closed. Asserts that uv_loop_close
 * returns 0. Returns the exit code: 0 after a signal or what loop_stop was given. A stage that is not done within
 * its limit (STAGE_LIMIT_MS) is logged with the names of the parts that hold it up, and left;
 * the exit code is then 1. */
int loop_run(struct loop *loop) MUST_CHECK;

/* The loop's clock in milliseconds, as of this turn. */
static inline uint64_t loop_ms(struct loop *loop)
{
    return uv_now(&loop->uv);
}

#endif
