/* The service echo.Echo: its one method, and the metrics of it. */
#ifndef ECHO_ECHO_H
#define ECHO_ECHO_H

#include "base/settings.h"
#include "grpc/server.h"

#define ECHO_ANSWER_KEPT (64 * 1024) /* bytes of scratch kept between two calls */

struct echo {
    double error_ratio;         /* of the calls, that fail with INTERNAL */
    struct setting_range delay; /* milliseconds that an answer takes */
    struct buf answer;          /* scratch: one call at a time */
};

/* Binds the metrics, so that all their series exist from the start. */
void echo_init(void);

/* The method's handler; `echo` is a struct echo. */
void echo_handle(struct grpc_call *call, const void *message, size_t len, void *echo);

/* For grpc_server_options: counts and times a call of Echo, or of no known method. */
void echo_observe(const struct grpc_method *method, enum grpc_status status, double seconds,
                  void *ctx);

#endif
