/*
 * A TCP connection to a host by name, made with blocking calls: for the thread pool only.
 */
#ifndef AMQP_DIAL_H
#define AMQP_DIAL_H

#include "base/err.h"

#include <stdint.h>

/* Resolves `host` and tries its addresses until `deadline` (clock_now). A connected socket that is
 * non-blocking, close-on-exec and without delay, or a negative code with a text. The resolver heeds
 * no deadline of ours: its own limits (resolv.conf) may pass it. */
int dial(const char *host, int port, uint64_t deadline, struct err *err) MUST_CHECK;

#endif
