/*
 * The commands in flight, in the order of their replies: a ring of fixed size, so that a command
 * costs no allocation here, and the bound is where it belongs.
 */
#ifndef REDIS_CALLS_H
#define REDIS_CALLS_H

#include "redis/client.h"

struct redis_call {
    redis_cb cb;
    void *ctx;
    uint64_t sent; /* clock_now */
};

struct redis_calls {
    struct redis_call *ring; /* REDIS_IN_FLIGHT_MAX of them */
    unsigned oldest, in_flight;
};

/* 0 or ERR_NOMEM; redis_calls_free frees. Makes all children of this file's series. */
int redis_calls_init(struct redis_calls *calls) MUST_CHECK;
void redis_calls_free(struct redis_calls *calls);

static inline bool redis_calls_full(const struct redis_calls *calls)
{
    return calls->in_flight == REDIS_IN_FLIGHT_MAX;
}

/* Notes a command that hiredis took; not when full. */
void redis_calls_push(struct redis_calls *calls, redis_cb cb, void *ctx);

/* Takes the oldest off, counts it, calls back. `status` and `reply` as in redis_cb. */
void redis_calls_end_oldest(struct redis_calls *calls, int status, const redisReply *reply);

/* Counts a command that was never sent, and returns `code`. */
int redis_calls_refuse(int code);

/* Nanoseconds since the oldest was sent; 0 when there is none. */
uint64_t redis_calls_age(const struct redis_calls *calls);

#endif
