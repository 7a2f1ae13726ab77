/*
 * What became of a question to the source: counted by its kind, and told in the log once.
 *
 * A source that is down is asked again at every scrape, for days perhaps; its log shall be readable
 * then. So the first verdict of each kind gets a line, and the next one when the source has been
 * well meanwhile. Series: exporter_fetches_total{result}.
 */
#ifndef EXPORTER_VERDICT_H
#define EXPORTER_VERDICT_H

#include "base/err.h"

#include <stdbool.h>

/* X(name, value of the label `result`) */
#define VERDICT_MAP(X)                                                                             \
    X(OK, "ok")                                                                                    \
    X(UNREACHABLE, "unreachable") /* no connection, or no such host */                             \
    X(TIMEOUT, "timeout")                                                                          \
    X(BROKEN, "broken")       /* no HTTP, or it ended in the middle */                             \
    X(TOO_LARGE, "too_large") /* past --size-limit */                                              \
    X(STATUS, "status")       /* another one than 200 */                                           \
    X(NOT_JSON, "not_json")                                                                        \
    X(MISSING, "missing") /* JSON without what is to be there */                                   \
    X(ABSURD, "absurd")   /* numbers that no count and no sum can have */

enum verdict_kind {
#define VERDICT_ENUM(name, label) VERDICT_##name,
    VERDICT_MAP(VERDICT_ENUM)
#undef VERDICT_ENUM
        VERDICT_COUNT,
};

struct verdict {
    enum verdict_kind kind;
    char text[160]; /* for people: the culprit, and what is wrong with it; cut where too long */
};

#define VERDICT_WELL ((struct verdict){.kind = VERDICT_OK})

struct verdict verdict(enum verdict_kind kind, const char *format, ...) PRINTF_LIKE(2, 3);

/* What was told already. Zero-initialised: nothing. */
struct verdicts {
    unsigned told; /* a bit a kind, since the source was well last */
};

void verdicts_note(struct verdicts *verdicts, const struct verdict *v);

#endif
