/*
 * The load: --concurrency slots, each of which makes a call, waits for its end, pauses, and makes
 * the next, until the calls or the time are used up.
 */
#ifndef ECHO_CLIENT_RUN_H
#define ECHO_CLIENT_RUN_H

#include "base/buf.h"
#include "echo/client_options.h"
#include "grpc/client.h"

struct slot {
    struct client_run *run;
    uv_timer_t pause;
    bool busy;
};

struct client_run {
    const struct client_options *options;
    struct loop *loop;
    struct grpc_client *client;
    struct slot *slots;
    size_t open; /* handles of the slots, and of the end */
    uv_timer_t end;
    struct buf message;
    struct loop_part close;
    uint64_t began, ended; /* clock_now */
    uint64_t begun, finished;
    size_t busy;
    bool over; /* no further call begins */

    /* What came of it. */
    uint64_t by_status[GRPC_STATUS_COUNT];
    uint64_t wrong; /* OK, but another message than was sent; also counted as failed */
    char first_failure[200];
};

/* Begins. 0, or a negative code with a text. At its end it stops the loop, with status 0. */
int client_run_start(struct client_run *run, struct loop *loop,
                     const struct client_options *options, struct err *err) MUST_CHECK;

/* After the loop: frees what is left. */
void client_run_free(struct client_run *run);

/* Calls that ended, and those of them that failed. */
uint64_t client_run_calls(const struct client_run *run);
uint64_t client_run_failed(const struct client_run *run);

/* Seconds that a share `q` of the calls did not pass, within 0.8 %; NaN where there was none. */
double client_run_quantile(double q);

#endif
