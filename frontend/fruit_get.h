/*
 * GET /fruit: how much of a fruit was sold in the last minute.
 *
 * One look-up a name is in flight at a time, and all requests for that name wait for it: first
 * Redis, then PostgreSQL, then the cache is filled. So a cache that expires under load costs one
 * query, not a thousand. Redis being away costs latency only; both being away is a 503.
 */
#ifndef FRONTEND_FRUIT_GET_H
#define FRONTEND_FRUIT_GET_H

#include "contract/fruit.h"
#include "postgres/pool.h"

#define LOOKUP_WAITERS_MAX 65536 /* requests that wait for one name; past it 503 */

struct app;
struct http_exchange;

/* The requests that wait for one answer. */
struct waiters {
    struct http_exchange **items;
    size_t count, cap;
};

/* One name's look-up. */
struct fruit_lookup {
    enum fruit_lookup_state {
        LOOKUP_IDLE,     /* waits for a request */
        LOOKUP_CACHE,    /* waits for Redis */
        LOOKUP_DATABASE, /* waits for PostgreSQL */
    } state;
    enum fruit fruit;
    struct app *app;
    struct waiters waiting;
    struct waiters spare; /* swapped with `waiting` while the answers go out */
    int cache_result;     /* what Redis said, for the metric */
};

enum { LOOKUPS = FRUIT_COUNT + 1 }; /* the five and FRUIT_ALL */

struct fruit_lookups {
    struct fruit_lookup by_fruit[LOOKUPS];
    bool closing; /* Redis and PostgreSQL are not to be asked any more */
};

void fruit_lookups_init(struct fruit_lookups *lookups, struct app *app);

/* Before the clients close: a look-up whose step ends takes no further one. */
void fruit_lookups_give_up(struct fruit_lookups *lookups);

/* When they are closed, and have so ended every look-up. */
void fruit_lookups_free(struct fruit_lookups *lookups);

/* What the pool prepares for this file. */
extern const struct postgres_prepared fruit_statements[];

/* A handler; `app` is the struct app. 200 `{"fruit":"pears","total_quantity":12}`; 400 for an
 * unknown name; 503 where neither the cache nor the database can say. */
void fruit_get(struct http_exchange *x, void *app);

#endif
