/*
 * The frontend's state: the loop, the server and the three clients, in one struct that every
 * handler is given. Nothing here is global, and all of it lives as long as the process.
 */
#ifndef FRONTEND_APP_H
#define FRONTEND_APP_H

#include "amqp/publisher.h"
#include "base/settings.h"
#include "contract/recorder.h"
#include "frontend/fruit_get.h"
#include "http/builtin.h"
#include "http/router.h"
#include "http/server.h"
#include "loop/loop.h"
#include "postgres/pool.h"
#include "redis/client.h"

struct settings {
    const char *listen, *database_url, *redis_url, *amqp_url;
    const char *log_format, *log_level, *queue_type;
    struct setting_range hello_delay;
    int64_t database_connections, publish_window, publish_deadline_ms, redis_deadline_ms, log_rate;
};

struct app {
    struct settings settings;
    struct loop loop;
    struct http_server *server;
    struct amqp_publisher *publisher;
    struct postgres_pool *postgres;
    struct redis_client *redis;
    struct fruit_lookups lookups;
    struct list delayed_hellos;
    struct recorder recorder;

    struct http_router router;
    struct http_builtin builtin;
    struct http_dependency dependencies[4];
    struct loop_part close_publisher, close_stores;
};

/* Starts everything and listens. 0 or a negative code (ERR_INVALID: a setting is wrong), with the
 * reason logged. */
int app_start(struct app *app) MUST_CHECK;

#endif
