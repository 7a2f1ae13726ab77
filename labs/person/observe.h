/*
 * What is noted of every request, without a handler having to think of it: how many there are now,
 * how each was answered, and how long that took.
 */
#ifndef PERSON_OBSERVE_H
#define PERSON_OBSERVE_H

struct http_exchange;

/* Makes the children of all known label combinations, so that they exist with 0. Call once. */
void observe_init(void);

/* For http_server_options.handler: counts the request as in progress, and hands it to the router.
 */
void observe_request(struct http_exchange *x, void *router);

/* For http_server_options.answered. */
void observe_answer(struct http_exchange *x, int status, double seconds, void *router);

#endif
