/* Where to connect: a URL taken apart, and what libpq is told so that it never blocks. */
#ifndef POSTGRES_TARGET_H
#define POSTGRES_TARGET_H

#include "base/err.h"
#include "loop/resolver.h"

#include <stdbool.h>

#include <libpq-fe.h>

struct postgres_target {
    PQconninfoOption *given; /* what the URL says, in libpq's words */
    const char *host;        /* a name or an address; with `local` a socket's directory */
    const char *port, *database;
    bool local;
};

/* 0, or ERR_INVALID with a text in `err` (may be NULL) that never shows the URL: it holds the
 * password. postgres_target_free frees what 0 made. */
int postgres_target_parse(struct postgres_target *target, const char *url,
                          struct err *err) MUST_CHECK;
void postgres_target_free(struct postgres_target *target);

/* Begins to connect; libpq tries the resolver's addresses in turn (`local` needs none). NULL
 * without memory; else PQstatus tells. */
PGconn *postgres_target_connect(const struct postgres_target *target,
                                const struct resolver *resolver, const char *application_name);

#endif
