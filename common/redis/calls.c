/* Commands in flight; see calls.h. */
#include "redis/calls.h"

#include "base/clock.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>

COUNTER_VEC(redis_commands, "redis_commands_total",
            "Commands by how they ended; refused are those that were never sent.", result);
HISTOGRAM(redis_command_seconds, "redis_command_seconds",
          "Time from sending a command to its reply, in seconds.",
          BUCKETS(.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25));

enum result { RESULT_OK, RESULT_ERROR, RESULT_TIMEOUT, RESULT_LOST, RESULT_REFUSED, RESULT_COUNT };
static counter *results[RESULT_COUNT];

static void bind_results(void)
{
    results[RESULT_OK] = with(redis_commands, .result = "ok");
    results[RESULT_ERROR] = with(redis_commands, .result = "error");
    results[RESULT_TIMEOUT] = with(redis_commands, .result = "timeout");
    results[RESULT_LOST] = with(redis_commands, .result = "lost");
    results[RESULT_REFUSED] = with(redis_commands, .result = "refused");
}

/* A command that the closing of the client cut off is a lost one. */
static enum result result_of(int status)
{
    switch (status) {
    case OK:
        return RESULT_OK;
    case ERR_REFUSED:
        return RESULT_ERROR;
    case ERR_TIMEOUT:
        return RESULT_TIMEOUT;
    default:
        return RESULT_LOST;
    }
}

int redis_calls_init(struct redis_calls *calls)
{
    *calls = (struct redis_calls){.ring = calloc(REDIS_IN_FLIGHT_MAX, sizeof *calls->ring)};
    bind_results();
    return calls->ring ? OK : ERR_NOMEM;
}

void redis_calls_free(struct redis_calls *calls)
{
    free(calls->ring);
    calls->ring = NULL;
}

void redis_calls_push(struct redis_calls *calls, redis_cb cb, void *ctx)
{
    assert(!redis_calls_full(calls));
    unsigned slot = (calls->oldest + calls->in_flight++) % REDIS_IN_FLIGHT_MAX;
    calls->ring[slot] = (struct redis_call){.cb = cb, .ctx = ctx, .sent = clock_now()};
}

void redis_calls_end_oldest(struct redis_calls *calls, int status, const redisReply *reply)
{
    assert(calls->in_flight > 0);
    struct redis_call call = calls->ring[calls->oldest];
    calls->oldest = (calls->oldest + 1) % REDIS_IN_FLIGHT_MAX;
    calls->in_flight--;
    counter_inc(results[result_of(status)]);
    if (reply)
        histogram_observe(&redis_command_seconds, clock_seconds(call.sent, clock_now()));
    if (call.cb)
        call.cb(status, reply, call.ctx);
}

int redis_calls_refuse(int code)
{
    counter_inc(results[RESULT_REFUSED]);
    return code;
}

uint64_t redis_calls_age(const struct redis_calls *calls)
{
    return calls->in_flight ? clock_now() - calls->ring[calls->oldest].sent : 0;
}
