/*
 * A scenario: a target, a mix of requests, and an executor that says when the next one begins. The
 * words are k6's. Several may run side by side, each with connections and counts of its own.
 *
 *     RUNNING ──duration over, requests issued, or a signal──► DRAINING ──► ENDED
 *
 * Who does what: an executor (user.c, arrival.c) decides when; iteration.c makes one request and
 * counts what came of it; this file starts and ends the whole.
 */
#ifndef TRAFFIC_SCENARIO_H
#define TRAFFIC_SCENARIO_H

#include "base/settings.h"
#include "http/client.h"
#include "traffic/alarm.h"
#include "traffic/iteration.h"
#include "traffic/ledger.h"
#include "traffic/schedule.h"
#include "traffic/tally.h"

#define SCENARIO_GRACE_MS   4500 /* for answers in flight at the end; below STAGE_FINISH_LIMIT_MS */
#define SCENARIO_ANSWER_MAX (16 << 20) /* bytes of a body; past it there is no answer */

struct scenario;
struct user;

/* When requests begin. Functions are called with the scenario's state as it is after the event. */
struct executor {
    const char *name; /* k6's */
    bool open; /* begins requests whatever became of those before: it may have to drop some */
    /* Begins issuing. 0 or a negative code. */
    int (*start)(struct scenario *s);
    /* An iteration that was begun has ended with this status; `user` is what it was begun with. */
    void (*answered)(struct scenario *s, struct user *user, int status);
    /* Nothing more may be issued; the state is DRAINING already. */
    void (*stop)(struct scenario *s);
    /* Closes handles; memory is freed in free, after the loop. */
    void (*close)(struct scenario *s);
    void (*free)(struct scenario *s);
};
extern const struct executor constant_vus, shared_iterations;             /* user.c */
extern const struct executor constant_arrival_rate, ramping_arrival_rate; /* arrival.c */

struct scenario_options {
    const char *name;
    const struct executor *executor;
    const char *target;
    const struct mix *mix; /* must outlive the scenario, as all texts */
    double start_after;    /* seconds until it begins */
    uint64_t requests;     /* at most; 0: no limit */
    double duration;       /* seconds of issuing; 0: no limit */
    double timeout;        /* seconds */
    uint64_t seed;
    int connections;
    int64_t max_in_flight; /* of closed loops: the users */
    bool idempotency_keys;

    int64_t users; /* closed loops */
    struct setting_range pause;

    double rate; /* open loops; requests a second, of a ramp the highest */
    enum arrivals arrivals;
    double start_rate; /* ramping_arrival_rate */
    const struct schedule_stage *stages;
    size_t stage_count;
};

enum scenario_state {
    SCENARIO_WAITING,  /* for its start time */
    SCENARIO_RUNNING,  /* waits for the executor's next occasion, and for answers */
    SCENARIO_DRAINING, /* issues nothing; waits for the answers in flight */
    SCENARIO_ENDED,    /* the client is closing or closed; waits for nothing */
};

struct scenario {
    struct scenario_options options;
    struct loop *loop;
    struct http_client *client;
    struct ledger *ledger;
    struct tally tally;
    enum scenario_state state;
    bool target_up; /* the last request got an answer */

    /* iteration.c's */
    struct iteration *iterations, *free_iterations;
    struct iteration_series *series; /* one an endpoint */
    struct buf target, body;         /* of a request that varies, while it is sent */
    uint64_t issued, in_flight;

    /* The executors'. */
    struct {
        struct user *users;
        uv_timer_t duration;
    } closed;
    struct {
        struct alarm alarm;
        struct schedule schedule;
        struct random random;
        uint64_t began, until; /* no arrival is due from there on */
        double told;           /* of its rate, in the gauge */
    } open;

    /* scenario.c's */
    uv_timer_t wait;  /* until it begins */
    bool begun;       /* the executor was started */
    uv_timer_t grace; /* until answers in flight are given up */
    bool draining;    /* the shutdown waits for them */
    struct loop_part stop_part, finish_part, close_part;
    void (*over)(void *ctx);
    void *ctx;
};

/* Starts; requests go out as soon as the loop runs, or so many seconds later. `over(ctx)` is called
 * once, when nothing more will be issued. The ledger may be shared. Ends by itself in the loop's
 * shutdown; free it after that. 0, or a negative code with a text in `err`, after which the loop
 * cannot be run. */
int scenario_start(struct scenario *s, struct loop *loop, const struct scenario_options *options,
                   struct ledger *ledger, void (*over)(void *ctx), void *ctx,
                   struct err *err) MUST_CHECK;

/* Issues nothing more. Safe at any time. */
void scenario_stop(struct scenario *s);

/* For whoever issued a request or saw one end: stops when all that were wanted are out, and ends
 * the draining when all have ended. */
void scenario_check(struct scenario *s);

void scenario_free(struct scenario *s);

#endif
