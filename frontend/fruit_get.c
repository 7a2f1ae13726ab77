/* GET /fruit; see fruit_get.h. The file reads in the order of time: request, cache, database,
 * answer. */
#include "frontend/fruit_get.h"

#include "base/log.h"
#include "contract/message.h"
#include "frontend/app.h"
#include "frontend/fruit_post.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

GAUGE(all_fruits, "all_fruits", "Quantity of all fruits in the last minute.");  /* [2] */
GAUGE_VEC(recent_fruits, "recent_fruits", "Quantity of recent fruits.", fruit); /* [3] */
COUNTER_VEC(cache_requests, "cache_requests_total",                             /* [11 */
            "Requests that asked the cache, by what it said.", result);         /* 11] */

enum { SUM_ALL, SUM_OF_ONE };
const struct postgres_prepared fruit_statements[] = {
    [SUM_ALL] = {"sum_all", "select coalesce(sum(quantity), 0) from fruits"
                            " where created_at > now() - interval '1 minute'"},
    [SUM_OF_ONE] = {"sum_of_one", "select coalesce(sum(quantity), 0) from fruits"
                                  " where name = $1 and created_at > now() - interval '1 minute'"},
    {NULL},
};

enum { CACHE_HIT, CACHE_MISS, CACHE_ERROR, CACHE_RESULTS };
static const char *const cache_results[CACHE_RESULTS] = {"hit", "miss", "error"}; /* [11] */
static counter *cache_counters[CACHE_RESULTS];                                    /* [11] */
static gauge *recent[FRUIT_COUNT];                                                /* [3] */

static void ask_cache(struct fruit_lookup *l);
static void on_cached(int status, const redisReply *reply, void *lookup);
static void ask_database(struct fruit_lookup *l);
static void on_sum(const struct postgres_outcome *outcome, void *lookup);
static void fill_cache(struct fruit_lookup *l, const char *digits);
static void answer_all(struct fruit_lookup *l, const char *digits);

void fruit_lookups_init(struct fruit_lookups *lookups, struct app *app)
{
    for (int i = 0; i < CACHE_RESULTS; i++)                                   /* [11] */
        cache_counters[i] = with(cache_requests, .result = cache_results[i]); /* [11] */
    for (int i = 0; i < LOOKUPS; i++)
        lookups->by_fruit[i] = (struct fruit_lookup){.fruit = (enum fruit)i, .app = app};
    for (int i = 0; i < FRUIT_COUNT; i++)                        /* [3] */
        recent[i] = with(recent_fruits, .fruit = fruit_name(i)); /* [3] */
}

void fruit_lookups_give_up(struct fruit_lookups *lookups)
{
    lookups->closing = true;
}

void fruit_lookups_free(struct fruit_lookups *lookups)
{
    for (int i = 0; i < LOOKUPS; i++) {
        struct fruit_lookup *l = &lookups->by_fruit[i];
        assert(l->waiting.count == 0 && "the clients end every look-up before they close");
        free(l->waiting.items);
        free(l->spare.items);
    }
}

/* The request ------------------------------------------------------------------------------- */

static int waiters_add(struct waiters *w, struct http_exchange *x)
{
    if (w->count == LOOKUP_WAITERS_MAX)
        return ERR_FULL;
    if (w->count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        struct http_exchange **items = realloc(w->items, cap * sizeof *items);
        if (!items)
            return ERR_NOMEM;
        w->items = items;
        w->cap = cap;
    }
    w->items[w->count++] = x;
    return OK;
}

static int requested_fruit(const struct http_exchange *x, enum fruit *out)
{
    char name[32];
    int found = http_query(http_request(x), "name", name, sizeof name);
    if (found < 0)
        return found;
    *out = FRUIT_ALL;
    return found ? fruit_or_all_parse(name, strlen(name), out) : OK;
}

static void reply_unavailable(struct http_exchange *x)
{
    static const char body[] = "{\"error\":\"Neither the cache nor the database can answer now\"}";
    http_reply(x, &(struct http_response){.status = 503,
                                          .content_type = "application/json",
                                          .body = body,
                                          .len = sizeof body - 1,
                                          .retry_after = 1});
}

void fruit_get(struct http_exchange *x, void *context)
{
    struct app *app = context;
    enum fruit fruit;
    if (requested_fruit(x, &fruit) != OK) {
        http_reply_error(x, 400, "Invalid fruit");
        return;
    }
    fruit_request_count(); /* [1] */
    struct fruit_lookup *l = &app->lookups.by_fruit[fruit];
    if (waiters_add(&l->waiting, x) != OK)
        reply_unavailable(x);
    else if (l->state == LOOKUP_IDLE)
        ask_cache(l);
}

/* The cache --------------------------------------------------------------------------------- */

static void ask_cache(struct fruit_lookup *l)
{
    const char *command[] = {"GET", fruit_cache_key(l->fruit)};
    l->state = LOOKUP_CACHE;
    if (redis_command(l->app->redis, 2, command, NULL, on_cached, l) == OK)
        return;
    l->cache_result = CACHE_ERROR;
    ask_database(l);
}

/* ASCII decimal, or it is a miss: another implementation may share the keys. 19 digits fit a
 * bigint; a number in JSON has no zero before it. */
static bool is_decimal(const redisReply *reply)
{
    if (!reply || reply->type != REDIS_REPLY_STRING || reply->len == 0 || reply->len > 19)
        return false;
    bool padded = reply->len > 1 && reply->str[0] == '0';
    return !padded && strspn(reply->str, "0123456789") == reply->len;
}

static void on_cached(int status, const redisReply *reply, void *lookup)
{
    struct fruit_lookup *l = lookup;
    if (status == OK && is_decimal(reply)) {
        l->cache_result = CACHE_HIT;
        answer_all(l, reply->str);
        return;
    }
    l->cache_result = status == OK ? CACHE_MISS : CACHE_ERROR;
    ask_database(l);
}

/* The database ------------------------------------------------------------------------------ */

/* A look-up must not end inside the request that began it (docs/async.md, rule 2), nor inside
 * Redis's callback with ours half done; a refusal answers at once, which is safe here as nothing of
 * `l` is used behind it. */
static void ask_database(struct fruit_lookup *l)
{
    const char *name = fruit_name(l->fruit);
    struct postgres_step step = {.statement = SUM_ALL};
    if (l->fruit != FRUIT_ALL)
        step = (struct postgres_step){.statement = SUM_OF_ONE, .params = 1, .values = &name};
    l->state = LOOKUP_DATABASE;
    if (l->app->lookups.closing || postgres_submit(l->app->postgres, &step, 1, on_sum, l) != OK)
        answer_all(l, NULL);
}

static void on_sum(const struct postgres_outcome *outcome, void *lookup)
{
    struct fruit_lookup *l = lookup;
    if (outcome->status != OK) {
        log_warn("cannot sum", LOG_ERR(outcome->status), LOG_STR("sqlstate", outcome->sqlstate));
        answer_all(l, NULL);
        return;
    }
    const char *digits = PQgetvalue(outcome->results[0], 0, 0);
    fill_cache(l, digits);
    answer_all(l, digits);
}

/* A cache that cannot be filled is only a miss later on. */
static void fill_cache(struct fruit_lookup *l, const char *digits)
{
    char ttl[12];
    snprintf(ttl, sizeof ttl, "%d", CONTRACT_CACHE_TTL_S);
    const char *command[] = {"SET", fruit_cache_key(l->fruit), digits, "EX", ttl};
    int rc = l->app->lookups.closing ? ERR_CLOSED
                                     : redis_command(l->app->redis, 5, command, NULL, NULL, NULL);
    if (rc != OK)
        log_debug("cannot fill the cache", LOG_ERR(rc));
}

/* The answer -------------------------------------------------------------------------------- */

static void answer_all(struct fruit_lookup *l, const char *digits)
{
    /* An answer may let the connection's next request in, which then waits in `spare`'s place. */
    struct waiters answered = l->waiting;
    l->waiting = l->spare;
    l->state = LOOKUP_IDLE;
    counter_add(cache_counters[l->cache_result], answered.count); /* [11] */
    if (digits && l->fruit == FRUIT_ALL)                          /* [2] */
        gauge_set(&all_fruits, strtod(digits, NULL));             /* [2] */
    if (digits && l->fruit != FRUIT_ALL)                          /* [3] */
        gauge_set(recent[l->fruit], strtod(digits, NULL));        /* [3] */

    char body[96];
    int len = snprintf(body, sizeof body, "{\"fruit\":\"%s\",\"total_quantity\":%s}",
                       fruit_name(l->fruit), digits ? digits : "");
    for (size_t i = 0; i < answered.count; i++) {
        if (digits)
            http_reply_json(answered.items[i], 200, body, (size_t)len);
        else
            reply_unavailable(answered.items[i]);
    }
    answered.count = 0;
    l->spare = answered;
}
