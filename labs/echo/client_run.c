/* Slots that call; see client_run.h. */
#include "echo/client_run.h"

#include "base/clock.h"
#include "echo_proto/echo.pb-c.h"
#include "metrics/metrics.h"

#include <stdlib.h>

SUMMARY(call_seconds, "echo_client_call_seconds", "Time from a call's begin to its end.",
        QUANTILES(.5, .9, .99), WINDOW(86400));

static void call_next(struct slot *slot);

/* The end -------------------------------------------------------------------------------------- */

static bool may_begin(const struct client_run *run)
{
    uint64_t limit = (uint64_t)run->options->calls;
    return !run->over && (!limit || run->begun < limit);
}

static void end_if_done(struct client_run *run)
{
    if (run->busy || may_begin(run) || run->ended)
        return;
    run->over = true;
    run->ended = clock_now();
    loop_stop(run->loop, 0);
}

/* Calls --------------------------------------------------------------------------------------- */

static bool is_echo(const struct client_run *run, const struct grpc_result *result)
{
    Echo__EchoResponse *response = echo__echo_response__unpack(NULL, result->len, result->message);
    if (!response)
        return false;
    const char *wanted = run->options->message;
    bool same = response->message.len == strlen(wanted) &&
                memcmp(response->message.data, wanted, strlen(wanted)) == 0;
    echo__echo_response__free_unpacked(response, NULL);
    return same;
}

static void note(struct client_run *run, const struct grpc_result *result)
{
    bool wrong = result->status == GRPC_OK && !is_echo(run, result);
    run->by_status[result->status]++;
    run->wrong += wrong;
    summary_observe(&call_seconds, result->seconds);
    if ((wrong || result->status != GRPC_OK) && !*run->first_failure)
        snprintf(run->first_failure, sizeof run->first_failure, "%s: %s",
                 grpc_status_name(result->status),
                 wrong ? "another message came back" : result->text);
}

static void on_pause_over(uv_timer_t *timer)
{
    call_next(timer->data);
}

/* Calls end inside the client, so the next begins in a turn of its own. */
static void on_done(const struct grpc_result *result, void *context)
{
    struct slot *slot = context;
    struct client_run *run = slot->run;
    note(run, result);
    run->finished++;
    slot->busy = false;
    run->busy--;
    if (may_begin(run))
        uv_timer_start(&slot->pause, on_pause_over,
                       (uint64_t)setting_range_pick(run->options->pause), 0);
    end_if_done(run);
}

static void call_next(struct slot *slot)
{
    struct client_run *run = slot->run;
    struct grpc_request request = {
        .path = "/echo.Echo/Echo",
        .message = buf_data(&run->message),
        .len = buf_len(&run->message),
        .timeout_ms = (uint64_t)run->options->deadline_ms,
        .done = on_done,
        .ctx = slot,
    };
    if (!may_begin(run))
        return;
    run->begun++;
    run->busy++;
    slot->busy = true;
    if (grpc_client_call(run->client, &request) != OK) {
        struct grpc_result result = {.status = GRPC_RESOURCE_EXHAUSTED, .text = "out of memory"};
        on_done(&result, slot);
    }
}

/* Starting and closing ------------------------------------------------------------------------- */

static void on_time_over(uv_timer_t *timer)
{
    struct client_run *run = timer->data;
    run->over = true;
    end_if_done(run);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct client_run *run = handle->data;
    if (--run->open == 0)
        loop_part_done(&run->close);
}

static void on_slot_closed(uv_handle_t *handle)
{
    struct slot *slot = handle->data;
    handle->data = slot->run;
    on_handle_closed(handle);
}

static void on_client_closed(void *context)
{
    struct client_run *run = context;
    if (!run->ended) /* a signal came before */
        run->ended = clock_now();
    uv_close((uv_handle_t *)&run->end, on_handle_closed);
    for (int64_t i = 0; i < run->options->concurrency; i++)
        uv_close((uv_handle_t *)&run->slots[i].pause, on_slot_closed);
}

static void begin_close(struct loop_part *part)
{
    struct client_run *run = LIST_ITEM(part, struct client_run, close);
    run->over = true;
    grpc_client_close(run->client, on_client_closed, run);
}

static int pack(struct client_run *run)
{
    Echo__EchoRequest request = ECHO__ECHO_REQUEST__INIT;
    request.message =
        (ProtobufCBinaryData){strlen(run->options->message), (uint8_t *)run->options->message};
    size_t len = echo__echo_request__get_packed_size(&request);
    if (buf_reserve(&run->message, len) != OK)
        return ERR_NOMEM;
    buf_added(&run->message,
              echo__echo_request__pack(&request, (uint8_t *)buf_tail(&run->message)));
    return OK;
}

static void start_slots(struct client_run *run)
{
    uv_timer_init(&run->loop->uv, &run->end);
    run->end.data = run;
    run->open = 1;
    if (run->options->duration_s)
        uv_timer_start(&run->end, on_time_over, (uint64_t)run->options->duration_s * 1000, 0);
    for (int64_t i = 0; i < run->options->concurrency; i++) {
        struct slot *slot = &run->slots[i];
        slot->run = run;
        uv_timer_init(&run->loop->uv, &slot->pause);
        slot->pause.data = slot;
        run->open++;
        call_next(slot);
    }
}

int client_run_start(struct client_run *run, struct loop *loop,
                     const struct client_options *options, struct err *err)
{
    struct grpc_client_options to = {.target = options->target};
    *run = (struct client_run){.options = options, .loop = loop, .began = clock_now()};
    run->slots = calloc((size_t)options->concurrency, sizeof *run->slots);
    if (!run->slots || pack(run) != OK)
        return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    run->client = grpc_client_new(loop, &to, err);
    if (!run->client)
        return err_at(err, "--target (or TARGET)");
    loop_on_shutdown(loop, STAGE_CLOSE, "calls", &run->close, begin_close);
    start_slots(run);
    return OK;
}

void client_run_free(struct client_run *run)
{
    buf_free(&run->message);
    free(run->slots);
}

uint64_t client_run_calls(const struct client_run *run)
{
    return run->finished;
}

uint64_t client_run_failed(const struct client_run *run)
{
    return run->finished - run->by_status[GRPC_OK] + run->wrong;
}

double client_run_quantile(double q)
{
    return summary_quantile(&call_seconds, q);
}
