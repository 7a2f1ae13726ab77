/* A connection's first words; see setup.h. */
#include "postgres/setup.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

/* A lock that is waited for is told as such (55P03), before the statement's own limit hides it. */
static int lock_timeout_ms(int timeout_ms)
{
    return timeout_ms - timeout_ms / 5;
}

char *postgres_setup_text(const char *setup, int timeout_ms)
{
    struct buf text = {0};
    buf_printf(&text, "set statement_timeout = %d; set lock_timeout = %d; %s", timeout_ms,
               lock_timeout_ms(timeout_ms), setup ? setup : "");
    (void)buf_cstr(&text);
    if (buf_ok(&text))
        return text.data;
    buf_free(&text);
    return NULL;
}

int postgres_setup_prepare(PGconn *conn, const struct postgres_prepared *statements)
{
    if (!PQenterPipelineMode(conn))
        return ERR_LOST;
    for (const struct postgres_prepared *s = statements; s && s->name; s++) {
        if (!PQsendPrepare(conn, s->name, s->sql, 0, NULL))
            return ERR_LOST;
    }
    return PQpipelineSync(conn) ? OK : ERR_LOST;
}

static int refused(const PGresult *result, char *why, size_t size)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (message)
        snprintf(why, size, "%s (SQLSTATE %s)", message, sqlstate ? sqlstate : "unknown");
    else
        snprintf(why, size, "%s", PQresultErrorMessage(result));
    return ERR_REFUSED;
}

/* Rows of the caller's SQL (a select of a function, say) are dropped. */
static int take(PGresult *result, char *why, size_t size)
{
    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        return 1;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        return 0;
    default:
        return refused(result, why, size);
    }
}

/* A NULL ends a simple query, and in a pipeline only one statement of it. */
int postgres_setup_read(PGconn *conn, char *why, size_t size)
{
    int rc = 0;
    while (rc == 0 && !PQisBusy(conn)) {
        PGresult *result = PQgetResult(conn);
        if (result)
            rc = take(result, why, size);
        else if (PQpipelineStatus(conn) == PQ_PIPELINE_OFF)
            rc = 1;
        PQclear(result);
    }
    return rc;
}
