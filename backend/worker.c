/* From delivery to ack; see worker.h. */
#include "backend/worker.h"

#include "backend/app.h"
#include "backend/job_log.h"
#include "base/clock.h"
#include "base/log.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>

SUMMARY_VEC(job_duration, "worker_job_duration_seconds", /* [5 */
            "Time from a job's start to the end of its work, a fruit's commit included.",
            QUANTILES(.5, .9, .99), WINDOW(600), kind); /* 5] */
COUNTER_VEC(jobs, "worker_jobs_total", "Jobs finished, by what became of them.", kind, result);
GAUGE(busy, "worker_busy", "Workers that sleep through a job now.");

static const char *const kind_names[JOB_KINDS] = {"hello", "fruit", "unknown"};
static const char *const result_names[JOB_RESULTS] = {"stored", "duplicate", "dead_letter", "done"};
static counter *finished[JOB_KINDS][JOB_RESULTS];
static summary *durations[JOB_KINDS]; /* [5] */

static void start_sleeping(struct worker *w, const struct hello *job);

/* Starting ---------------------------------------------------------------------------------- */

/* Which results a kind of job can have; these exist with 0 from the start. */
static void bind_metrics(void)
{
    static const bool possible[JOB_KINDS][JOB_RESULTS] = {
        [JOB_HELLO] = {[JOB_DONE] = true},
        [JOB_FRUIT] = {[JOB_STORED] = true, [JOB_DUPLICATE] = true, [JOB_DEAD_LETTER] = true},
        [JOB_UNKNOWN] = {[JOB_DUPLICATE] = true, [JOB_DEAD_LETTER] = true},
    };
    for (int k = 0; k < JOB_KINDS; k++)
        for (int r = 0; r < JOB_RESULTS; r++)
            if (possible[k][r])
                finished[k][r] = with(jobs, .kind = kind_names[k], .result = result_names[r]);
    for (int k = 0; k < JOB_UNKNOWN; k++)                         /* [5] */
        durations[k] = with(job_duration, .kind = kind_names[k]); /* [5] */
}

static int allocate(struct worker *w)
{
    w->sleepers = calloc(w->workers, sizeof *w->sleepers);
    w->idle = calloc(w->workers, sizeof *w->idle);
    w->waiting = calloc(w->capacity, sizeof *w->waiting);
    if (w->sleepers && w->idle && w->waiting)
        return OK;
    free(w->sleepers);
    free(w->idle);
    free(w->waiting);
    return ERR_NOMEM;
}

int worker_start(struct worker *w, struct app *app)
{
    *w = (struct worker){
        .app = app,
        .workers = (size_t)app->settings.workers,
        .capacity = (size_t)app->settings.prefetch,
    };
    if (allocate(w) != OK)
        return ERR_NOMEM;
    bind_metrics();
    for (size_t i = 0; i < w->workers; i++) {
        struct sleeper *s = &w->sleepers[i];
        s->worker = w;
        s->timer.data = s;
        uv_timer_init(&app->loop.uv, &s->timer);
        w->idle[w->idle_count++] = s;
    }
    return OK;
}

/* Finishing a job --------------------------------------------------------------------------- */

void worker_job_finished(struct worker *w, const struct job *job, enum job_result result)
{
    double seconds = clock_seconds(job->started, clock_now());
    amqp_consumer_ack(w->app->consumer, job->tag);
    counter_inc(finished[job->kind][result]);
    if (job->kind != JOB_UNKNOWN)                       /* [5] */
        summary_observe(durations[job->kind], seconds); /* [5] */
    job_log(&w->app->recorder, &(struct job_line){.trace = &job->trace,
                                                  .kind = kind_names[job->kind],
                                                  .result = result_names[result],
                                                  .message_id = job->id,
                                                  .reason = job->reason,
                                                  .seconds = seconds});
}

static void hello_done(struct worker *w, const struct hello *hello)
{
    struct job job = {
        .tag = hello->tag, .kind = JOB_HELLO, .started = hello->started, .trace = hello->trace};
    memcpy(job.id, hello->id, sizeof job.id);
    worker_job_finished(w, &job, JOB_DONE);
}

/* "hello" ----------------------------------------------------------------------------------- */

static void wait_for_sleeper(struct worker *w, const struct hello *job)
{
    /* The prefetch bounds the unacknowledged deliveries of one connection. When the connection was
     * lost meanwhile, the ring may still hold tags of the earlier one; those are worthless, for the
     * broker delivers them again, so the oldest gives way. */
    if (w->count == w->capacity) {
        w->first = (w->first + 1) % w->capacity;
        w->count--;
    }
    w->waiting[(w->first + w->count++) % w->capacity] = *job;
}

static void start_waiting(struct worker *w)
{
    while (!w->stopping && w->idle_count > 0 && w->count > 0) {
        struct hello *job = &w->waiting[w->first];
        w->first = (w->first + 1) % w->capacity;
        w->count--;
        job->started = clock_now();
        start_sleeping(w, job);
    }
}

static void on_slept(uv_timer_t *timer)
{
    struct sleeper *s = timer->data;
    struct worker *w = s->worker;
    hello_done(w, &s->job);
    w->idle[w->idle_count++] = s;
    gauge_dec(&busy);
    start_waiting(w);
    app_check_finished(w->app);
}

static void start_sleeping(struct worker *w, const struct hello *job)
{
    struct sleeper *s = w->idle[--w->idle_count];
    s->job = *job;
    gauge_inc(&busy);
    uv_timer_start(&s->timer, on_slept, (uint64_t)setting_range_pick(w->app->settings.job_delay),
                   0);
}

/* A message without an id, or with one that is no UUID, has none: a fruit is stored at least once,
 * then. */
static void copy_id(char id[UUID_SIZE], const struct amqp_delivery *d)
{
    if (uuid_normalise(d->message_id, d->message_id_len, id) != OK)
        id[0] = '\0';
}

static void join_trace(struct worker *w, const struct amqp_delivery *d, struct trace *out)
{
    recorder_join(&w->app->recorder, d->traceparent, d->traceparent_len, out);
}

static void deliver_hello(struct worker *w, const struct amqp_delivery *d)
{
    struct hello job = {.tag = d->tag, .started = clock_now()};
    copy_id(job.id, d);
    join_trace(w, d, &job.trace);
    if (w->app->settings.job_delay.high == 0)
        hello_done(w, &job);
    else if (w->idle_count > 0)
        start_sleeping(w, &job);
    else
        wait_for_sleeper(w, &job);
}

/* What is stored ---------------------------------------------------------------------------- */

static char *copy_body(const struct amqp_delivery *d)
{
    char *copy = malloc(d->len ? d->len : 1);
    if (copy && d->len)
        memcpy(copy, d->body, d->len);
    return copy;
}

static void deliver_to_store(struct worker *w, const struct amqp_delivery *d, struct job *job)
{
    copy_id(job->id, d);
    join_trace(w, d, &job->trace);
    job->tag = d->tag;
    job->started = clock_now();
    job->len = d->len;
    job->body = copy_body(d);
    if (job->body && store_add(&w->app->store, job) == OK)
        return;
    free(job->body);
    log_error("out of memory: a message stays unacknowledged until the next connection");
}

/* Gives the job a reason, in ASCII: what is quoted in it may be cut in the middle of a character,
 * and PostgreSQL refuses text that is not UTF-8, so the dead letter would never be stored. */
static void make_dead_letter(struct job *job, const char *reason)
{
    size_t n = 0;
    for (; reason[n] && n < sizeof job->reason - 1; n++)
        job->reason[n] = reason[n] >= ' ' && reason[n] <= '~' ? reason[n] : '?';
    job->reason[n] = '\0';
    job->kind = JOB_UNKNOWN;
}

void worker_deliver(const struct amqp_delivery *d, void *worker)
{
    struct worker *w = worker;
    struct job job = {0};
    struct err why = {0};
    int rc = d->body_too_large
                 ? err_set(&why, ERR_TOO_LARGE, "body larger than %d bytes, cut off", AMQP_BODY_MAX)
                 : message_decode(d->body, d->len, &job.order, &why);
    if (rc == ERR_NOMEM)
        log_error("out of memory: a message stays unacknowledged until the next connection");
    else if (rc == OK && job.order.kind == MESSAGE_HELLO)
        deliver_hello(w, d);
    else {
        job.kind = JOB_FRUIT;
        if (rc != OK)
            make_dead_letter(&job, why.text);
        deliver_to_store(w, d, &job);
    }
}

/* Ending ------------------------------------------------------------------------------------ */

void worker_stop(struct worker *w)
{
    w->stopping = true;
}

bool worker_idle(const struct worker *w)
{
    return w->idle_count == w->workers;
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct worker *w = ((struct sleeper *)timer->data)->worker;
    if (--w->open_timers > 0)
        return;
    free(w->sleepers);
    free(w->idle);
    free(w->waiting);
}

void worker_close(struct worker *w)
{
    w->open_timers = w->workers;
    for (size_t i = 0; i < w->workers; i++)
        uv_close((uv_handle_t *)&w->sleepers[i].timer, on_timer_closed);
}
