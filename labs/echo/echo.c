/* Echo; see echo.h. Best read from its end: the call, its delay, its answer. */
#include "echo/echo.h"

#include "base/random.h"
#include "base/utf8.h"
#include "echo_proto/echo.pb-c.h"
#include "metrics/metrics.h"

#include <stdlib.h>

COUNTER_VEC(requests, "muzz_echo_requests_total", "Calls that ended, by method and gRPC status.",
            method, status);
COUNTER(failures, "muzz_echo_requests_failed_total",
        "Calls that ended with another status than OK.");
SUMMARY_VEC(duration, "muzz_echo_request_duration_seconds",
            "Time from a call's header fields to its last byte; quantiles of the last minute.",
            QUANTILES(.5, .9, .99), WINDOW(60), method);
HISTOGRAM_VEC(latency, "muzz_echo_request_latency_seconds",
              "The same time as muzz_echo_request_duration_seconds, in buckets.",
              BUCKETS_EXPONENTIAL(.0001, 2, 16), method);

/* Metrics -------------------------------------------------------------------------------------- */

enum method { METHOD_ECHO, METHOD_OTHER, METHODS };

static const char *const method_names[METHODS] = {"Echo", "other"};
static const enum grpc_status known[] = {
    GRPC_OK,          GRPC_CANCELLED,         GRPC_UNKNOWN,
    GRPC_INTERNAL,    GRPC_DEADLINE_EXCEEDED, GRPC_UNIMPLEMENTED,
    GRPC_UNAVAILABLE, GRPC_RESOURCE_EXHAUSTED};
static counter *ended[METHODS][GRPC_STATUS_COUNT];
static summary *durations[METHODS];
static histogram *latencies[METHODS];

void echo_init(void)
{
    for (int m = 0; m < METHODS; m++) {
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            ended[m][known[i]] =
                with(requests, .method = method_names[m], .status = grpc_status_name(known[i]));
        durations[m] = with(duration, .method = method_names[m]);
        latencies[m] = with(latency, .method = method_names[m]);
    }
}

/* Questions after the health are none of these. */
void echo_observe(const struct grpc_method *method, enum grpc_status status, double seconds,
                  void *ctx)
{
    (void)ctx;
    if (method && method->handler != echo_handle)
        return;
    enum method m = method ? METHOD_ECHO : METHOD_OTHER;
    if (ended[m][status])
        counter_inc(ended[m][status]);
    if (status != GRPC_OK)
        counter_inc(&failures);
    summary_observe(durations[m], seconds);
    histogram_observe(latencies[m], seconds);
}

/* The delay ------------------------------------------------------------------------------------ */

/* An answer that waits. */
struct delayed {
    uv_timer_t timer;
    struct grpc_call *call;
    size_t len;
    char answer[];
};

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void end_delay(struct delayed *d)
{
    grpc_call_on_gone(d->call, NULL, NULL);
    uv_close((uv_handle_t *)&d->timer, on_closed);
}

static void on_delay_over(uv_timer_t *timer)
{
    struct delayed *d = timer->data;
    end_delay(d);
    grpc_reply(d->call, d->answer, d->len);
}

/* The client has gone, or its deadline, or the server is about to. */
static void on_gone(struct grpc_call *call, void *delayed)
{
    end_delay(delayed);
    grpc_finish(call, GRPC_CANCELLED, NULL);
}

static void reply_later(struct grpc_call *call, const struct buf *answer, uint64_t delay_ms)
{
    struct delayed *d = malloc(sizeof *d + buf_len(answer));
    if (!d) {
        grpc_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    *d = (struct delayed){.timer.data = d, .call = call, .len = buf_len(answer)};
    if (d->len)
        memcpy(d->answer, buf_data(answer), d->len);
    uv_timer_init(&grpc_call_loop(call)->uv, &d->timer);
    uv_timer_start(&d->timer, on_delay_over, delay_ms, 0);
    grpc_call_on_gone(call, on_gone, d);
}

/* The call ------------------------------------------------------------------------------------- */

static bool is_utf8(const ProtobufCBinaryData *text)
{
    for (size_t at = 0, n; at < text->len; at += n) {
        n = utf8_sequence((const char *)text->data + at, text->len - at);
        if (!n)
            return false;
    }
    return true;
}

static int pack(struct buf *out, const Echo__EchoRequest *request)
{
    Echo__EchoResponse response = ECHO__ECHO_RESPONSE__INIT;
    response.message = request->message;
    size_t len = echo__echo_response__get_packed_size(&response);
    buf_clear(out);
    if (buf_reserve(out, len) != OK)
        return ERR_NOMEM;
    buf_added(out, echo__echo_response__pack(&response, (uint8_t *)buf_tail(out)));
    return OK;
}

/* The answer to the request's bytes; GRPC_OK or why there is none. */
static enum grpc_status answer(struct buf *out, const void *message, size_t len)
{
    Echo__EchoRequest *request = echo__echo_request__unpack(NULL, len, message);
    enum grpc_status status = GRPC_OK;
    if (!request || !is_utf8(&request->message)) /* proto3 wants a string to be UTF-8 */
        status = GRPC_INTERNAL;
    else if (pack(out, request) != OK)
        status = GRPC_RESOURCE_EXHAUSTED;
    if (request)
        echo__echo_request__free_unpacked(request, NULL);
    return status;
}

static bool is_to_fail(double ratio)
{
    return (double)(random_u64() >> 11) * 0x1p-53 < ratio;
}

void echo_handle(struct grpc_call *call, const void *message, size_t len, void *context)
{
    struct echo *echo = context;
    uint64_t delay_ms = (uint64_t)setting_range_pick(echo->delay);
    enum grpc_status status = answer(&echo->answer, message, len);
    if (status != GRPC_OK)
        grpc_finish(call, status,
                    status == GRPC_INTERNAL ? "the request cannot be read" : "out of memory");
    else if (is_to_fail(echo->error_ratio))
        grpc_finish(call, GRPC_INTERNAL, "a simulated failure (--error-ratio)");
    else if (delay_ms)
        reply_later(call, &echo->answer, delay_ms);
    else
        grpc_reply(call, buf_data(&echo->answer), buf_len(&echo->answer));
    if (echo->answer.cap > ECHO_ANSWER_KEPT)
        buf_free(&echo->answer);
}
