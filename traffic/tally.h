/*
 * What came of a scenario's requests: the counts and latencies that the live line and the summary
 * are made of. Plain data and pure; the Prometheus series of the same events are iteration.c's.
 *
 * An error is no answer, or one of 400 or more, unless the request says which are errors. A latency
 * is that of an answer, or how long was waited where none came; only what could not be connected
 * has none, since a refusal in no time would make a dead target look fast.
 */
#ifndef TRAFFIC_TALLY_H
#define TRAFFIC_TALLY_H

#include "traffic/latency.h"
#include "traffic/mix.h"

#define TALLY_NO_ANSWER 0   /* among the codes: there was none */
#define TALLY_CODES     600 /* codes below 100 do not exist, and the client refuses those above 599 */
#define TALLY_KINDS_MAX 16 /* kinds of missing answers that are told apart; the last is "other" */

struct tally_endpoint {
    uint64_t requests, errors;
    uint64_t codes[TALLY_CODES];
    struct latency latency;
};

struct tally {
    const struct mix *mix;
    struct tally_endpoint *endpoints; /* as many as the mix has */
    uint64_t requests, errors;        /* that ended, one way or the other */
    uint64_t answered;                /* of the requests */
    uint64_t dropped;                 /* arrivals that were never sent */
    uint64_t waited;                  /* requests that found all connections in use */
    struct {
        int status; /* a negative code */
        uint64_t count;
    } kinds[TALLY_KINDS_MAX];
    struct latency schedule_error; /* how late the requests of an open loop were begun */

    /* Since the live line was last shown, which clears it. */
    struct {
        uint64_t requests, errors, dropped;
        struct latency latency;
    } recent;

    uint64_t started, stopped,
        last_end; /* clock_now: first issue, last issue, last request's end */
};

/* 0 or ERR_NOMEM. The mix must outlive it. */
int tally_init(struct tally *t, const struct mix *mix) MUST_CHECK;

/* One request's end: `status` as http_client_cb has it, `code` the answer's. */
void tally_add(struct tally *t, size_t endpoint, int status, int code, uint64_t latency_ns);

/* Arrivals that were not sent. */
void tally_drop(struct tally *t, uint64_t count);

/* Whether an end with this status has a latency. */
bool tally_has_latency(int status);

/* All endpoints' latencies together. */
void tally_latency(const struct tally *t, struct latency *out);

/* From the first issue to the end of the last request, or of issuing, whichever is later. */
double tally_seconds(const struct tally *t);

/* Answers a second of that time; and requests begun, a second of issuing alone. */
double tally_rate(const struct tally *t);
double tally_sent_rate(const struct tally *t);

/* The share of arrivals that failed: errors and dropped ones, of all. 0 where there were none. */
double tally_error_ratio(const struct tally *t);

/* "timeout", "unfinished", "ECONNREFUSED", …: why there was no answer. Static. */
const char *tally_kind_name(int status);

void tally_free(struct tally *t);

#endif
