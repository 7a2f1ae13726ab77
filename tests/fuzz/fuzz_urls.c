/* Any text as the URL of each server: taken apart into parts that fit, or refused with a text. */
#include "amqp/url.h"
#include "postgres/target.h"
#include "redis/url.h"

#include <stdlib.h>
#include <string.h>

static void must_tell(int rc, const struct err *why)
{
    if (rc != ERR_INVALID || why->text[0] == '\0')
        abort();
}

static void as_amqp(const char *text)
{
    struct amqp_url u;
    struct err why = {0};
    int rc = amqp_url_parse(&u, text, &why);
    if (rc != OK)
        must_tell(rc, &why);
    else if (!u.host[0] || u.port < 1 || u.port > 65535 || strlen(u.vhost) > AMQP_URL_PART_MAX ||
             strlen(u.user) > AMQP_URL_PART_MAX || strlen(u.password) > AMQP_URL_PART_MAX)
        abort();
}

static void as_redis(const char *text)
{
    struct redis_url u;
    struct err why = {0};
    int rc = redis_url_parse(&u, text, &why);
    if (rc != OK)
        must_tell(rc, &why);
    else if (!u.host[0] || strlen(u.host) >= sizeof u.host || strlen(u.user) >= sizeof u.user ||
             strlen(u.password) >= sizeof u.password || u.port < 1 || u.port > 65535 || u.db < 0)
        abort();
}

static void as_postgres(const char *text)
{
    struct postgres_target target;
    struct err why = {0};
    int rc = postgres_target_parse(&target, text, &why);
    if (rc != OK) {
        must_tell(rc, &why);
        return;
    }
    if (!target.host[0] || atol(target.port) < 1 || atol(target.port) > 65535)
        abort();
    postgres_target_free(&target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = strndup((const char *)data, len);
    if (!text)
        return 0;
    as_amqp(text);
    as_redis(text);
    as_postgres(text);
    free(text);
    return 0;
}
