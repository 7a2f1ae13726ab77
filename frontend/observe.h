/*
 * What the frontend notes of every answer: http_requests_total, http_latency with its exemplars,
 * the /stats page, and the request's line in the log. The server calls it, so no handler has to
 * think of it.
 */
#ifndef FRONTEND_OBSERVE_H
#define FRONTEND_OBSERVE_H

struct http_exchange;

/* Makes the children of all known label combinations, so that they exist with 0. Call once. */
void observe_init(void);

/* For http_server_options.answered; `router` has the struct app. */
void observe_answer(struct http_exchange *x, int status, double seconds, void *router);

#endif
