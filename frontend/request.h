/*
 * What belongs to a request besides its answer: its trace, which its message takes along, and its
 * line in the log. The pages that machines ask for every few seconds, /metrics, /health and /ready,
 * have neither.
 */
#ifndef FRONTEND_REQUEST_H
#define FRONTEND_REQUEST_H

#include "contract/recorder.h"
#include "contract/uuid.h"
#include "http/server.h"

struct app;

#define SLOW_REQUEST_S .75 /* the objective of GET /hello; what takes longer is worth a line */

/* Its trace: the one that its traceparent tells of, else a new one. Lives as long as the exchange.
 */
const struct trace *request_trace(struct app *app, struct http_exchange *x);

/* The message that it became, for its line. */
void request_published(struct http_exchange *x, const char message_id[UUID_SIZE]);

/* For http_server_options.headers: `traceresponse`, in the form of a traceparent, tells the client
 * the trace and our span. `router` has the struct app. */
const char *request_headers(struct http_exchange *x, void *router);

/* It is answered: writes its line, if it is to have one. */
void request_ended(struct app *app, struct http_exchange *x, int status, double seconds);

/* After that, the trace that an exemplar may name, or NULL: then neither our log nor anybody else's
 * knows about it. */
const struct trace *request_known_trace(struct http_exchange *x);

#endif
