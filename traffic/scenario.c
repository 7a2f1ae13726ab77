/* How a scenario starts and ends; see scenario.h. */
#include "traffic/scenario.h"

#include "base/clock.h"
#include "base/log.h"

/* Ending ------------------------------------------------------------------------------------- */

void scenario_stop(struct scenario *s)
{
    if (s->state != SCENARIO_RUNNING && s->state != SCENARIO_WAITING)
        return;
    s->state = SCENARIO_DRAINING;
    s->tally.stopped = clock_now();
    uv_timer_stop(&s->wait);
    if (s->begun)
        s->options.executor->stop(s);
    else
        s->tally.started = s->tally.stopped;
    s->over(s->ctx);
}

void scenario_check(struct scenario *s)
{
    const struct scenario_options *o = &s->options;
    if (s->state == SCENARIO_RUNNING && o->requests && s->issued >= o->requests)
        scenario_stop(s);
    if (s->draining && s->in_flight == 0) {
        s->draining = false;
        loop_part_done(&s->finish_part);
    }
}

static void on_stop_accepting(struct loop_part *part)
{
    scenario_stop(LIST_ITEM(part, struct scenario, stop_part));
    loop_part_done(part);
}

/* Shorter than the stage, since what does not answer is the target's fault and no fault of ours. */
static void on_grace_over(uv_timer_t *timer)
{
    struct scenario *s = timer->data;
    s->draining = false;
    loop_part_done(&s->finish_part);
}

static void on_finish(struct loop_part *part)
{
    struct scenario *s = LIST_ITEM(part, struct scenario, finish_part);
    s->draining = true;
    uv_timer_start(&s->grace, on_grace_over, SCENARIO_GRACE_MS, 0);
    scenario_check(s);
}

static void on_client_closed(void *ctx)
{
    struct scenario *s = ctx;
    loop_part_done(&s->close_part);
}

/* The client fails what is still in flight with ERR_CLOSED, which is counted as unfinished. */
static void on_close(struct loop_part *part)
{
    struct scenario *s = LIST_ITEM(part, struct scenario, close_part);
    s->state = SCENARIO_ENDED;
    if (s->begun)
        s->options.executor->close(s);
    uv_close((uv_handle_t *)&s->wait, NULL);
    uv_close((uv_handle_t *)&s->grace, NULL);
    http_client_close(s->client, on_client_closed, s);
}

/* Starting ----------------------------------------------------------------------------------- */

static int start_client(struct scenario *s, struct err *err)
{
    struct http_client_options options = {
        .url = s->options.target,
        .connections = s->options.connections,
        .timeout_ms = (int)(s->options.timeout * 1000),
        .limits.body = SCENARIO_ANSWER_MAX,
    };
    struct err why;
    s->client = http_client_new(s->loop, &options, &why);
    return s->client ? OK : err_set(err, why.code, "--target (or BASE_URL): %s", why.text);
}

static void join_shutdown(struct scenario *s)
{
    loop_on_shutdown(s->loop, STAGE_STOP_ACCEPTING, "scenario", &s->stop_part, on_stop_accepting);
    loop_on_shutdown(s->loop, STAGE_FINISH, "answers in flight", &s->finish_part, on_finish);
    loop_on_shutdown(s->loop, STAGE_CLOSE, "scenario", &s->close_part, on_close);
}

static int begin(struct scenario *s)
{
    s->state = SCENARIO_RUNNING;
    s->tally.started = clock_now();
    int rc = s->options.executor->start(s);
    s->begun = rc == OK; /* else there is nothing to stop, close or free */
    return rc;
}

/* Ending the whole run is right: a run without one of its parts would not be the one asked for. */
static void on_wait_over(uv_timer_t *timer)
{
    struct scenario *s = timer->data;
    int rc = begin(s);
    if (rc == OK)
        return;
    log_error("cannot start the scenario", LOG_STR("scenario", s->options.name), LOG_ERR(rc));
    loop_stop(s->loop, 1);
}

static int begin_in_time(struct scenario *s)
{
    s->state = SCENARIO_WAITING;
    if (s->options.start_after <= 0)
        return begin(s);
    return uv_timer_start(&s->wait, on_wait_over, (uint64_t)(s->options.start_after * 1000), 0);
}

int scenario_start(struct scenario *s, struct loop *loop, const struct scenario_options *options,
                   struct ledger *ledger, void (*over)(void *ctx), void *ctx, struct err *err)
{
    *s = (struct scenario){
        .options = *options, .loop = loop, .ledger = ledger, .over = over, .ctx = ctx};
    int rc = start_client(s, err);
    if (rc != OK)
        return rc;
    rc = tally_init(&s->tally, options->mix);
    rc = rc ? rc : iterations_init(s, (uint32_t)options->max_in_flight);
    rc = rc ? rc : uv_timer_init(&loop->uv, &s->grace);
    rc = rc ? rc : uv_timer_init(&loop->uv, &s->wait);
    s->grace.data = s->wait.data = s;
    rc = rc ? rc : begin_in_time(s);
    join_shutdown(s);
    return rc ? err_set(err, rc, "cannot start the scenario: %s", err_text(rc)) : OK;
}

void scenario_free(struct scenario *s)
{
    if (s->begun)
        s->options.executor->free(s);
    iterations_free(s);
    tally_free(&s->tally);
}
