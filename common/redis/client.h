/*
 * One pipelined connection to Redis, for a cache: fast or not at all.
 *
 * A command has a short deadline. When the oldest in flight passes it, the connection is dropped
 * and all in flight fail with ERR_TIMEOUT: a cache that is late is worth less than the database
 * behind it. Commands are refused with ERR_UNAVAILABLE while it is not connected. It reconnects for
 * ever, with a back-off of at most 500 ms, an attempt limited to 1 s. What one turn of the loop
 * sends leaves in one write.
 *
 * Series: redis_commands_total{result=ok|error|timeout|lost|refused}, redis_connected,
 * redis_command_seconds.
 */
#ifndef REDIS_CLIENT_H
#define REDIS_CLIENT_H

#include "loop/loop.h"

#include <hiredis/hiredis.h>

#define REDIS_DEADLINE_DEFAULT_MS 50
#define REDIS_IN_FLIGHT_MAX       10000 /* past it ERR_FULL */
#define REDIS_ATTEMPT_LIMIT_MS    1000
#define REDIS_BACKOFF_FIRST_MS    50
#define REDIS_BACKOFF_CAP_MS      500

struct redis_client;

struct redis_client_options {
    const char *url;      /* redis://[user:password@]host[:port][/db]; copied */
    uint32_t deadline_ms; /* 0: the default */
};

/* 0 with a reply (which may be nil), else ERR_REFUSED (an error reply, still handed over), or
 * ERR_TIMEOUT, ERR_LOST, ERR_CLOSED with NULL: whether the command was executed is then unknown.
 * The reply is valid during the callback only. */
typedef void (*redis_cb)(int status, const redisReply *reply, void *ctx);

/* Starts to connect. NULL with `err` for a bad URL or no memory. */
struct redis_client *redis_client_new(struct loop *loop, const struct redis_client_options *options,
                                      struct err *err) MUST_CHECK;

/* Sends a command of `argc` words; they are copied. `lengths` may be NULL for terminated texts.
 * `cb` may be NULL. 0, or ERR_UNAVAILABLE, ERR_FULL, ERR_CLOSED, ERR_NOMEM. Not for what changes
 * the connection itself (SUBSCRIBE, MONITOR): a command here has one reply, in order. */
int redis_command(struct redis_client *client, int argc, const char **argv, const size_t *lengths,
                  redis_cb cb, void *ctx) MUST_CHECK;

/* Whether the server answered on this connection, so that a command would be sent. */
bool redis_up(const struct redis_client *client);

/* Fails what is pending with ERR_CLOSED (from a later turn), closes, frees, then calls `cb` (may be
 * NULL). Safe from any callback; no call may follow it. */
void redis_client_close(struct redis_client *client, void (*cb)(void *ctx), void *ctx);

#endif
