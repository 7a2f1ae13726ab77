/*
 * The traceparent of W3C Trace Context: what ties a request to the message it becomes.
 *
 *     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *     version  trace id                    span id         flags
 *
 * It is the text of both the HTTP field and the AMQP header. A span is one program's share of a
 * trace: who receives a traceparent keeps the trace id and passes on a span id of its own.
 */
#ifndef CONTRACT_TRACEPARENT_H
#define CONTRACT_TRACEPARENT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACEPARENT_LEN  55
#define TRACEPARENT_SIZE (TRACEPARENT_LEN + 1) /* with the NUL */

#define TRACE_ID_SIZE 33 /* 32 digits and the NUL */
#define SPAN_ID_SIZE  17

struct trace {
    uint64_t id[2];  /* of the whole trace, the upper half first; never both 0 */
    uint64_t span;   /* of this program's share; never 0 */
    uint64_t parent; /* the span that asked for it; 0 where the trace begins here */
    bool sampled;    /* whoever began the trace records it, and the others should, too */
};

/* Reads another's traceparent: `parent` is their span, `span` stays 0. 0, or ERR_INVALID for what
 * the specification says to ignore. Of a version above 00 the parts of 00 are read, whatever
 * follows behind another dash; of the flags the lowest bit. */
int traceparent_read(const char *text, size_t len, struct trace *out) MUST_CHECK;

/* Writes version 00 with our span, for those that we ask. */
void traceparent_write(const struct trace *trace, char out[TRACEPARENT_SIZE]);

/* The ids as they stand in logs and exemplars: lower-case hexadecimal digits. */
void trace_id_write(const struct trace *trace, char out[TRACE_ID_SIZE]);
void span_id_write(uint64_t span, char out[SPAN_ID_SIZE]);

#endif
