/*
 * The ledger (--log-ids): which POSTs were attempted and which were answered, so that a test can
 * compare with what was stored and prove that nothing was lost. One line each:
 *
 *     attempt <uuid> <fruit> <quantity>      before the request is sent
 *     ack <uuid> <status>                    when an answer came, whatever its status
 *
 * An attempt without an ack got no answer: it may or may not have been stored. Lines are written
 * once a turn of the loop. A ledger that cannot be written ends the program, for it proves nothing.
 */
#ifndef TRAFFIC_LEDGER_H
#define TRAFFIC_LEDGER_H

#include "base/buf.h"
#include "loop/loop.h"

struct ledger {
    int fd; /* -1: not asked for */
    struct loop *loop;
    struct buf lines;
    uv_prepare_t before_poll;
};

/* Begins a new file; with `path` NULL there is no ledger, and what is noted goes nowhere. 0 or a
 * negative code with a text in `err`. */
int ledger_open(struct ledger *l, struct loop *loop, const char *path, struct err *err) MUST_CHECK;

void ledger_attempt(struct ledger *l, const char *uuid, const char *fruit, int quantity);
void ledger_ack(struct ledger *l, const char *uuid, int status);

/* Writes what is left and closes. The memory stays libuv's until the loop has closed. */
void ledger_close(struct ledger *l);

#endif
