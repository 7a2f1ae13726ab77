/*
 * The source: who is asked for a page of statistics at each scrape.
 *
 * One question is under way at a time. Scrapes that come meanwhile wait for its answer and share
 * it, so that ten Prometheus servers are no more load for the source than one, and a source that is
 * slow collects no queue. What it said is forgotten with the next question: nothing is told twice.
 */
#ifndef EXPORTER_SOURCE_H
#define EXPORTER_SOURCE_H

#include "exporter/statistics.h"
#include "exporter/verdict.h"
#include "http/client.h"
#include "http/server.h"

#define SOURCE_WAITING_MAX 40 /* scrapes that share a question; further ones are 503 */

struct source {
    struct http_client *client;
    char *target; /* of the page */
    struct statistics statistics;
    struct verdicts verdicts;
    struct http_exchange *waiting[SOURCE_WAITING_MAX];
    unsigned n_waiting;
    bool asking;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

/* 0, or ERR_INVALID or ERR_NOMEM with `err`. A source that is not there is no error. */
int source_open(struct source *source, struct loop *loop, const char *uri, int timeout_ms,
                size_t size_limit, struct err *err) MUST_CHECK;

/* Answers the exchange with the page of metrics, when the source has answered or cannot. */
void source_ask(struct source *source, struct http_exchange *x);

/* Who waits is answered as if the source were down, then `closed` is called. */
void source_close(struct source *source, void (*closed)(void *ctx), void *ctx);

#endif
