/* Batches into the database; see store.h. The file reads in the order of a batch's life. */
#include "backend/store.h"

#include "backend/app.h"
#include "base/log.h"
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>

COUNTER(retries, "store_retries_total", "Batches tried again because the database failed.");
COUNTER(splits, "store_splits_total", "Batches split because PostgreSQL refused a row in them.");
GAUGE(held_bytes, "store_held_bytes", "Bytes of bodies taken and not committed yet.");
HISTOGRAM(batch_size, "store_batch_size", "Jobs in a committed batch.",
          BUCKETS(1, 2, 5, 10, 25, 50, 100, 250, 500));

const struct postgres_prepared store_statements[] = {
    [INSERT_FRUITS] = {"insert_fruits",
                       "insert into fruits (message_id, name, quantity)"
                       " select * from unnest($1::uuid[], $2::text[], $3::integer[])"
                       " on conflict (message_id) do nothing"},
    [INSERT_DEAD_LETTERS] = {"insert_dead_letters",
                             "insert into dead_letter (message_id, reason, body)"
                             " select * from unnest($1::uuid[], $2::text[], $3::bytea[])"
                             " on conflict (message_id) do nothing"},
    [DELETE_EXPIRED] = {"delete_expired",
                        "delete from fruits where id in (select id from fruits where created_at <"
                        " now() - make_interval(secs => $1::bigint) order by created_at"
                        " limit $2::bigint)"},
    {NULL},
};

static void submit(struct batch *b);
static void on_outcome(const struct postgres_outcome *outcome, void *batch);
static void refuse(struct batch *b, const struct postgres_outcome *outcome);
static void try_later(struct batch *b);
static void delete_cached(struct batch *b);
static void finish(struct batch *b);
static void discard(struct batch *b);

/* Gathering --------------------------------------------------------------------------------- */

static struct batch *batch_new(struct store *s)
{
    struct batch *b = malloc(sizeof *b);
    if (!b)
        return NULL;
    b->store = s;
    b->state = BATCH_GATHERING;
    b->count = b->bytes = b->inserted = b->buried = 0;
    list_init(&b->item);
    return b;
}

/* Memory is taken by bytes, while the prefetch counts messages. What waits here is counted as long
 * as it is here: a lost connection frees no body. */
static void hold(struct store *s, size_t bytes)
{
    s->bytes = bytes;
    gauge_set(&held_bytes, (double)bytes);
    amqp_consumer_pause(s->app->consumer, bytes > STORE_BYTES_MAX);
}

static void submit_gathered(struct store *s)
{
    struct batch *b = s->gathering;
    s->gathering = NULL;
    uv_timer_stop(&s->gather_timer);
    list_append(&s->batches, &b->item);
    submit(b);
}

static void on_gathered(uv_timer_t *timer)
{
    submit_gathered(timer->data);
}

int store_add(struct store *s, const struct job *job)
{
    if (!s->gathering) {
        s->gathering = batch_new(s);
        if (!s->gathering)
            return ERR_NOMEM;
        uv_timer_start(&s->gather_timer, on_gathered, STORE_BATCH_MS, 0);
    }
    struct batch *b = s->gathering;
    batch_add(b, job);
    hold(s, s->bytes + job->len);
    if (b->count == STORE_BATCH_MAX || b->bytes > STORE_BATCH_BYTES)
        submit_gathered(s);
    return OK;
}

/* Committing -------------------------------------------------------------------------------- */

static bool simulated_fault(const struct store *s)
{
    double ratio = s->app->settings.db_fault_ratio;
    return ratio > 0 && (double)random() < ratio * (double)RAND_MAX;
}

static int submit_arrays(struct batch *b, struct batch_arrays *a)
{
    const char *rows[] = {buf_data(&a->ids), buf_data(&a->names), buf_data(&a->quantities)};
    const char *dead[] = {buf_data(&a->dead_ids), buf_data(&a->reasons), buf_data(&a->bodies)};
    const int lengths[] = {0, 0, (int)buf_len(&a->bodies)}, formats[] = {0, 0, 1}; /* 1: binary */
    struct postgres_step steps[] = {
        {.statement = INSERT_FRUITS, .params = 3, .values = rows},
        {INSERT_DEAD_LETTERS, 3, dead, lengths, formats},
    };
    return postgres_submit(b->store->app->postgres, steps, 2, on_outcome, b);
}

static void submit(struct batch *b)
{
    struct batch_arrays *arrays = &b->store->arrays;
    b->state = BATCH_COMMITTING;
    if (b->store->given_up || simulated_fault(b->store) || batch_encode(b, arrays) != OK ||
        submit_arrays(b, arrays) != OK)
        try_later(b);
}

static bool blames_the_data(const struct postgres_outcome *o)
{
    return o->status == ERR_REFUSED &&
           (strncmp(o->sqlstate, "22", 2) == 0 || strncmp(o->sqlstate, "23", 2) == 0);
}

static void on_outcome(const struct postgres_outcome *outcome, void *batch)
{
    struct batch *b = batch;
    if (outcome->status == OK) {
        backoff_reset(&b->store->backoff);
        b->inserted = strtoul(PQcmdTuples(outcome->results[0]), NULL, 10);
        b->buried = strtoul(PQcmdTuples(outcome->results[1]), NULL, 10);
        histogram_observe(&batch_size, (double)b->count);
        delete_cached(b);
    } else if (blames_the_data(outcome)) {
        refuse(b, outcome);
    } else {
        log_warn("the database did not take a batch", LOG_ERR(outcome->status),
                 LOG_STR("sqlstate", outcome->sqlstate),
                 LOG_STR("reason", outcome->message ? outcome->message : ""));
        try_later(b);
    }
}

/* Refused ----------------------------------------------------------------------------------- */

/* The bad job stands alone: as a dead letter it is submitted once more. */
static void bury(struct batch *b, const struct postgres_outcome *outcome)
{
    struct job *job = &b->jobs[0];
    if (!job_is_row(job)) { /* even the dead letter is refused: keep it, do not lose it */
        log_error("PostgreSQL refuses a dead letter", LOG_STR("sqlstate", outcome->sqlstate));
        try_later(b);
        return;
    }
    snprintf(job->reason, sizeof job->reason, "refused by PostgreSQL with SQLSTATE %s",
             outcome->sqlstate);
    submit(b);
}

static void refuse(struct batch *b, const struct postgres_outcome *outcome)
{
    if (b->count == 1) {
        bury(b, outcome);
        return;
    }
    struct batch *upper = batch_new(b->store);
    if (!upper) {
        try_later(b);
        return;
    }
    counter_inc(&splits);
    batch_split(b, upper);
    list_append(&b->store->batches, &upper->item);
    submit(b);
    submit(upper);
}

/* Failed ------------------------------------------------------------------------------------ */

static void drop_stale(struct batch *b)
{
    struct store *s = b->store;
    size_t before = b->bytes;
    batch_drop_stale(b, amqp_consumer_epoch(s->app->consumer));
    hold(s, s->bytes - (before - b->bytes));
}

static void on_retry(uv_timer_t *timer)
{
    struct store *s = timer->data;
    LIST_FOREACH_SAFE (item, &s->batches) {
        struct batch *b = LIST_ITEM(item, struct batch, item);
        if (b->state != BATCH_WAITING)
            continue;
        drop_stale(b);
        if (b->count == 0 || s->stopping)
            discard(b);
        else
            submit(b);
    }
    app_check_finished(s->app);
}

/* The broker keeps the batch's messages until they are acknowledged, so waiting loses nothing. */
static void try_later(struct batch *b)
{
    struct store *s = b->store;
    b->state = BATCH_WAITING;
    counter_inc(&retries);
    if (s->given_up || uv_is_active((uv_handle_t *)&s->retry_timer))
        return;
    uv_timer_start(&s->retry_timer, on_retry, backoff_next(&s->backoff, (uint32_t)random()), 0);
}

static void discard(struct batch *b)
{
    hold(b->store, b->store->bytes - b->bytes);
    list_remove(&b->item);
    batch_free(b);
}

/* Committed --------------------------------------------------------------------------------- */

static void on_deleted(int status, const redisReply *reply, void *batch)
{
    (void)reply;
    if (status != OK)
        log_debug("cannot delete cached sums; they expire by themselves", LOG_ERR(status));
    finish(batch);
}

/* "DEL", the keys of the batch's fruits, and the key of the sum of all. */
static int delete_command(const struct batch *b, const char *command[FRUIT_COUNT + 2])
{
    bool present[FRUIT_COUNT] = {false};
    int argc = 0;
    for (size_t i = 0; i < b->count; i++)
        if (job_is_row(&b->jobs[i]))
            present[b->jobs[i].order.fruit] = true;
    command[argc++] = "DEL";
    for (int f = 0; f < FRUIT_COUNT; f++)
        if (present[f])
            command[argc++] = fruit_cache_key((enum fruit)f);
    if (argc > 1)
        command[argc++] = fruit_cache_key(FRUIT_ALL);
    return argc;
}

/* Without Redis the sums are stale until they expire; that is no reason to hold the acks. */
static void delete_cached(struct batch *b)
{
    const char *command[FRUIT_COUNT + 2];
    int argc = delete_command(b, command);
    b->state = BATCH_DELETING;
    if (argc == 1 || redis_command(b->store->app->redis, argc, command, NULL, on_deleted, b) != OK)
        finish(b);
}

/* PostgreSQL tells how many rows were new, not which: the first ones asked about are counted so. */
static enum job_result take_result(struct batch *b, const struct job *job)
{
    size_t *new_ones = job_is_row(job) ? &b->inserted : &b->buried;
    if (*new_ones == 0)
        return JOB_DUPLICATE;
    *new_ones -= 1;
    return job_is_row(job) ? JOB_STORED : JOB_DEAD_LETTER;
}

static void finish(struct batch *b)
{
    struct app *app = b->store->app;
    for (size_t i = 0; i < b->count; i++)
        worker_job_finished(&app->worker, &b->jobs[i], take_result(b, &b->jobs[i]));
    discard(b);
    app_check_finished(app);
}

/* Starting and ending ----------------------------------------------------------------------- */

void store_start(struct store *s, struct app *app)
{
    *s = (struct store){
        .app = app,
        .backoff = {.first_ms = STORE_RETRY_FIRST_MS, .cap_ms = STORE_RETRY_CAP_MS},
    };
    list_init(&s->batches);
    uv_timer_init(&app->loop.uv, &s->gather_timer);
    uv_timer_init(&app->loop.uv, &s->retry_timer);
    s->gather_timer.data = s->retry_timer.data = s;
}

bool store_idle(const struct store *s)
{
    return !s->gathering && list_empty(&s->batches);
}

void store_stop(struct store *s)
{
    s->stopping = true;
    if (s->gathering)
        submit_gathered(s);
}

void store_give_up(struct store *s)
{
    s->given_up = true;
    uv_timer_stop(&s->retry_timer);
}

void store_close(struct store *s)
{
    if (s->gathering)
        batch_free(s->gathering);
    LIST_FOREACH_SAFE (item, &s->batches)
        discard(LIST_ITEM(item, struct batch, item));
    batch_arrays_free(&s->arrays);
    uv_close((uv_handle_t *)&s->gather_timer, NULL);
    uv_close((uv_handle_t *)&s->retry_timer, NULL);
}
