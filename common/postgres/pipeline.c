/* Units in flight; see pipeline.h. */
#include "postgres/pipeline.h"

#include <stdio.h>

void postgres_pipeline_init(struct postgres_pipeline *pipeline)
{
    *pipeline = (struct postgres_pipeline){.conn = NULL};
    list_init(&pipeline->units);
}

struct postgres_unit *postgres_pipeline_oldest(const struct postgres_pipeline *pipeline)
{
    struct list *first = list_first(&pipeline->units);
    return first ? LIST_ITEM(first, struct postgres_unit, item) : NULL;
}

static struct postgres_unit *pop(struct postgres_pipeline *pipeline)
{
    struct postgres_unit *unit = postgres_pipeline_oldest(pipeline);
    list_remove(&unit->item);
    pipeline->count--;
    return unit;
}

/* libpq before 17 writes at every Sync; the later call leaves that to the flush at a turn's end. */
static int end_unit(PGconn *conn)
{
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
    return PQsendPipelineSync(conn);
#else
    return PQpipelineSync(conn);
#endif
}

int postgres_pipeline_send(struct postgres_pipeline *pipeline, struct postgres_unit *unit,
                           const struct postgres_prepared *statements)
{
    list_append(&pipeline->units, &unit->item);
    pipeline->count++;
    unit->sent = clock_now();
    for (const struct postgres_step *s = unit->steps; s < unit->steps + unit->count; s++) {
        if (!PQsendQueryPrepared(pipeline->conn, statements[s->statement].name, s->params,
                                 s->values, s->lengths, s->formats, s->binary_result))
            return ERR_LOST;
    }
    return end_unit(pipeline->conn) ? OK : ERR_LOST;
}

/* Not an error of the statement but the end of the connection: the server says FATAL when it is
 * shut down or the session is terminated; libpq's own errors have no SQLSTATE. */
static bool ends_connection(struct postgres_pipeline *pipeline, const PGresult *result)
{
    if (PQresultStatus(result) != PGRES_FATAL_ERROR)
        return false;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (severity && strcmp(severity, "ERROR") == 0)
        return false;
    snprintf(pipeline->why, sizeof pipeline->why, "%s", message ? message : "");
    return true;
}

/* One answer of PQgetResult for the oldest unit. */
static int take(struct postgres_pipeline *pipeline, PGresult *result)
{
    struct postgres_unit *unit = postgres_pipeline_oldest(pipeline);
    if (!result && !unit->has_result)
        return ERR_LOST; /* NULL for ever is how libpq answers once the connection is gone */
    if (result && ends_connection(pipeline, result)) {
        PQclear(result);
        return ERR_LOST;
    }
    if (result && PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        postgres_unit_end(pop(pipeline), OK, "");
    } else {
        postgres_unit_result(unit, result);
    }
    return OK;
}

int postgres_pipeline_read(struct postgres_pipeline *pipeline)
{
    int rc = OK;
    /* PQisBusy first: it parses what stands in the buffer, notices to an idle connection too. */
    while (rc == OK && !PQisBusy(pipeline->conn) && pipeline->count)
        rc = take(pipeline, PQgetResult(pipeline->conn));
    return rc;
}

void postgres_pipeline_fail(struct postgres_pipeline *pipeline, int status, const char *message)
{
    while (pipeline->count)
        postgres_unit_end(pop(pipeline), status, message);
}
