/*
 * The worker: what happens to a message between its delivery and its ack.
 *
 * A fruit job goes to the store, and is acknowledged when it is committed. A "hello" job takes
 * --job-delay; at most --workers of them sleep at a time, the others wait in order. What cannot be
 * understood goes to the dead letters, through the store as well. A delivery is acknowledged once,
 * and only when its work is done: if the process ends earlier, the broker delivers it again.
 *
 * Series: worker_job_duration_seconds{kind}, worker_jobs_total{kind,result}, worker_busy.
 */
#ifndef BACKEND_WORKER_H
#define BACKEND_WORKER_H

#include "amqp/consumer.h"
#include "backend/job.h"

#include <uv.h>

struct app;

/* A "hello" job, which has nothing to store. */
struct hello {
    struct amqp_tag tag;
    struct trace trace;
    char id[UUID_SIZE]; /* as a job's */
    uint64_t started;   /* clock_now, when it stopped to wait */
};

/* One of --workers: sleeps through one job at a time. */
struct sleeper {
    uv_timer_t timer;
    struct worker *worker;
    struct hello job;
};

struct worker {
    struct app *app;
    struct sleeper *sleepers;
    struct sleeper **idle; /* a stack of those that do not sleep */
    size_t workers, idle_count;
    struct hello *waiting; /* "hello" jobs without a sleeper: a ring of `capacity` */
    size_t capacity, first, count;
    bool stopping;
    size_t open_timers;
};

/* As many sleepers and as much room as the settings say. 0 or ERR_NOMEM. */
int worker_start(struct worker *w, struct app *app) MUST_CHECK;

/* An amqp_delivery_cb; `worker` is the struct worker. */
void worker_deliver(const struct amqp_delivery *delivery, void *worker);

/* The store is done with a job: acknowledges and counts it. */
void worker_job_finished(struct worker *w, const struct job *job, enum job_result result);

/* Starts no waiting job any more. What still waits returns to the queue with the connection. */
void worker_stop(struct worker *w);

/* Whether no job sleeps. */
bool worker_idle(const struct worker *w);

/* Closes the timers; what they use is freed when they are closed. */
void worker_close(struct worker *w);

#endif
