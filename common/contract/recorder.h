/*
 * Which requests and jobs have a line in the log: at low load all, at high load some, and those are
 * the same ones in every program that a trace passes.
 *
 * At most --log-rate lines a second are written. The program in which a trace begins decides, once,
 * whether there is a line left for it, and tells the others by the `sampled` bit of the
 * traceparent. So of a hundred thousand requests a second a hundred can be followed from end to
 * end, rather than the half of one here and the half of another there. Lines that nobody was
 * promised are written as long as half of the rate is to spare. What is notable (failed, slow) has
 * a budget of its own, and is not lost in the crowd.
 */
#ifndef CONTRACT_RECORDER_H
#define CONTRACT_RECORDER_H

#include "base/budget.h"
#include "base/log.h"
#include "contract/traceparent.h"

#define TRACE_FIELDS 3 /* of trace_fields, at most */

struct recorder {
    struct budget ordinary, notable;
    uint64_t silent; /* requests or jobs without a line, since the last line */
};

/* `rate` lines a second, of each of the two; 0: none. After log_setup: at a level above info only
 * the notable has lines, and nobody is promised one. */
void recorder_init(struct recorder *r, double rate);

/* A trace that begins here. */
void recorder_begin(struct recorder *r, struct trace *out);

/* Our share of the trace that a traceparent tells of; one that begins here where it is not valid or
 * `text` is NULL. */
void recorder_join(struct recorder *r, const char *text, size_t len, struct trace *out);

/* Whether to write the line of this request or job, which has ended. Ask once each. */
bool recorder_wants(struct recorder *r, const struct trace *trace, bool notable);

/* The texts that the fields below point to. */
struct trace_texts {
    char trace[TRACE_ID_SIZE], span[SPAN_ID_SIZE], parent[SPAN_ID_SIZE];
};

/* Writes trace_id, span_id and, where there is one, parent_span_id. Returns how many. */
size_t trace_fields(const struct trace *trace, struct trace_texts *texts, struct log_field *out);

#endif
