/*
 * The backend's state: the loop, the clients and the parts that do the work. All of it lives as
 * long as the process.
 *
 *     consumer ──delivery──► worker ──job──► store ──commit──► PostgreSQL
 *         ▲                    │ ▲             │
 *         └────────ack─────────┘ └──finished───┴──DEL──► Redis
 *
 *     generator ──► publisher        retention ──► PostgreSQL
 */
#ifndef BACKEND_APP_H
#define BACKEND_APP_H

#include "amqp/consumer.h"
#include "amqp/publisher.h"
#include "backend/generator.h"
#include "backend/retention.h"
#include "backend/store.h"
#include "backend/worker.h"
#include "base/settings.h"
#include "contract/recorder.h"
#include "http/builtin.h"
#include "http/router.h"
#include "http/server.h"
#include "loop/loop.h"
#include "postgres/pool.h"
#include "redis/client.h"

struct settings {
    const char *listen, *database_url, *redis_url, *amqp_url;
    const char *log_format, *log_level, *queue_type;
    int64_t prefetch, workers, generators, retention_s, database_connections, log_rate;
    struct setting_range job_delay;
    double db_fault_ratio;
};

struct app {
    struct settings settings;
    struct loop loop;
    struct http_server *server;
    struct amqp_consumer *consumer;
    struct amqp_publisher *publisher;
    struct postgres_pool *postgres;
    struct redis_client *redis;

    struct worker worker;
    struct store store;
    struct generator generator;
    struct retention retention;
    struct recorder recorder; /* which jobs have a line in the log */

    struct http_router router;
    struct http_builtin builtin;
    struct http_dependency dependencies[5];
    struct loop_part stop_consumer, finish_jobs, finish_publisher, close_publisher, close_all;
    bool finishing; /* STAGE_FINISH has begun and the jobs are not finished yet */
};

/* Starts everything. 0 or a negative code (ERR_INVALID: a setting is wrong), with the reason
 * logged. */
int app_start(struct app *app) MUST_CHECK;

/* A job is finished or given up: tells the shutdown if it waits for the last one. */
void app_check_finished(struct app *app);

#endif
