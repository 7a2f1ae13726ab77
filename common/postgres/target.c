/* URLs and libpq's connection parameters; see target.h. */
#include "postgres/target.h"

#include "base/buf.h"

#include <stdlib.h>

#define PARAMS_MAX 64 /* libpq knows about 45 keywords */

/* A peer that vanished is noticed by a write that nobody acknowledges, in milliseconds. */
#define UNACKNOWLEDGED_MS "5000"

static const char *given(const struct postgres_target *target, const char *keyword)
{
    for (const PQconninfoOption *o = target->given; o->keyword; o++) {
        if (strcmp(o->keyword, keyword) == 0)
            return o->val && o->val[0] ? o->val : NULL;
    }
    return NULL;
}

static int check(struct postgres_target *target, struct err *err)
{
    const char *host =
        given(target, "hostaddr") ? given(target, "hostaddr") : given(target, "host");
    char *end = NULL;
    target->host = host ? host : "localhost";
    target->port = given(target, "port") ? given(target, "port") : "5432";
    target->database = given(target, "dbname") ? given(target, "dbname") : "";
    target->local = target->host[0] == '/' || target->host[0] == '@';
    long port = strtol(target->port, &end, 10);
    if (strchr(target->host, ',') || strchr(target->port, ','))
        return err_set(err, ERR_INVALID, "a PostgreSQL URL names one host here");
    if (*end || port < 1 || port > 65535)
        return err_set(err, ERR_INVALID, "the port of a PostgreSQL URL is a number up to 65535");
    return OK;
}

int postgres_target_parse(struct postgres_target *target, const char *url, struct err *err)
{
    char *message = NULL; /* quotes the URL, password and all: not for the log */
    *target = (struct postgres_target){.given = PQconninfoParse(url, &message)};
    PQfreemem(message);
    if (!target->given)
        return err_set(err, ERR_INVALID, "expected postgres://user:password@host:port/database");
    int rc = check(target, err);
    if (rc != OK)
        postgres_target_free(target);
    return rc;
}

void postgres_target_free(struct postgres_target *target)
{
    PQconninfoFree(target->given);
    target->given = NULL;
}

struct params {
    const char *keywords[PARAMS_MAX + 1], *values[PARAMS_MAX + 1];
    int n;
};

/* libpq lets the last of equal keywords win. */
static void param(struct params *params, const char *keyword, const char *value)
{
    if (!value || params->n == PARAMS_MAX)
        return;
    params->keywords[params->n] = keyword;
    params->values[params->n++] = value;
}

/* `count` texts with commas between: each address needs its host beside it. */
static const char *joined(struct buf *b, const char *first, size_t stride, int count)
{
    for (int i = 0; i < count; i++) {
        buf_text(b, i ? "," : "");
        buf_text(b, first + (size_t)i * stride);
    }
    return buf_cstr(b);
}

PGconn *postgres_target_connect(const struct postgres_target *target,
                                const struct resolver *resolver, const char *application_name)
{
    struct params params = {.n = 0};
    struct buf hosts = {0}, addresses = {0};
    param(&params, "client_encoding", "UTF8");
    param(&params, "tcp_user_timeout", UNACKNOWLEDGED_MS);
    param(&params, "fallback_application_name", application_name);
    for (const PQconninfoOption *o = target->given; o->keyword; o++)
        param(&params, o->keyword, o->val);
    param(&params, "gssencmode", "disable"); /* its negotiation may ask a blocking resolver */
    param(&params, "port", target->port);
    if (target->local) {
        param(&params, "host", target->host);
    } else {
        param(&params, "host", joined(&hosts, target->host, 0, resolver->count));
        param(&params, "hostaddr",
              joined(&addresses, resolver->addresses[0], sizeof *resolver->addresses,
                     resolver->count));
    }
    PGconn *conn = NULL;
    if (buf_ok(&hosts) && buf_ok(&addresses))
        conn = PQconnectStartParams(params.keywords, params.values, 0);
    buf_free(&hosts);
    buf_free(&addresses);
    return conn;
}
