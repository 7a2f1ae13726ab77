/*
 * The closed loops (constant-vus, and shared-iterations, which end when all requests are made):
 * users who wait for an answer, pause, and ask again. What the
 * target cannot serve is then not asked for, so a slow target lowers the rate, as people would.
 *
 * A user whose request got no answer waits at least a back-off, so that a target which is not up
 * yet, and refuses at once, is not asked a hundred thousand times a second.
 */
#include "base/clock.h"
#include "loop/backoff.h"
#include "metrics/metrics.h"
#include "traffic/scenario.h"

#include <stdlib.h>

#define USER_BACKOFF_FIRST_MS 20
#define USER_BACKOFF_CAP_MS   1000

GAUGE(users_running, "traffic_users", "Users of closed loops that make requests now.");

struct user {
    struct scenario *scenario;
    uv_timer_t pause; /* until the next request */
    struct random random;
    struct backoff backoff;
};

static void ask(struct user *user);

static void on_pause_over(uv_timer_t *timer)
{
    ask(timer->data);
}

static void ask_in(struct user *user, uint64_t ms)
{
    uv_timer_start(&user->pause, on_pause_over, ms, 0); /* fails for closing handles alone */
}

static uint64_t pause_ms(struct user *user)
{
    struct setting_range range = user->scenario->options.pause;
    return (uint64_t)range.low +
           random_below(&user->random, (uint32_t)(range.high - range.low) + 1);
}

static void go_on(struct user *user, int status)
{
    uint64_t ms = pause_ms(user);
    if (status == OK) {
        backoff_reset(&user->backoff);
    } else {
        uint64_t least = backoff_next(&user->backoff, random_below(&user->random, UINT32_MAX));
        ms = ms > least ? ms : least;
    }
    if (ms == 0)
        ask(user);
    else
        ask_in(user, ms);
}

static void ask(struct user *user)
{
    struct scenario *s = user->scenario;
    if (s->state != SCENARIO_RUNNING)
        return;
    int rc = iteration_begin(s, &user->random, clock_now(), user);
    if (rc != OK)
        go_on(user, rc);
    scenario_check(s);
}

static void answered(struct scenario *s, struct user *user, int status)
{
    if (s->state == SCENARIO_RUNNING)
        go_on(user, status);
}

/* The first requests are spread over a pause, so that users do not walk in step. */
static int start_user(struct scenario *s, struct user *user, uint64_t seed)
{
    *user = (struct user){
        .scenario = s,
        .random = {seed},
        .backoff = {.first_ms = USER_BACKOFF_FIRST_MS, .cap_ms = USER_BACKOFF_CAP_MS},
    };
    int rc = uv_timer_init(&s->loop->uv, &user->pause);
    user->pause.data = user;
    if (rc == OK)
        ask_in(user, random_below(&user->random, (uint32_t)s->options.pause.high + 1));
    return rc;
}

static void on_duration_over(uv_timer_t *timer)
{
    scenario_stop(timer->data);
}

static int start_duration(struct scenario *s)
{
    int rc = uv_timer_init(&s->loop->uv, &s->closed.duration);
    s->closed.duration.data = s;
    if (rc == OK && s->options.duration > 0)
        rc = uv_timer_start(&s->closed.duration, on_duration_over,
                            (uint64_t)(s->options.duration * 1000), 0);
    return rc;
}

static int start(struct scenario *s)
{
    struct random seeds = {s->options.seed};
    s->closed.users = calloc((size_t)s->options.users, sizeof *s->closed.users);
    if (!s->closed.users)
        return ERR_NOMEM;
    int rc = start_duration(s);
    for (int64_t i = 0; i < s->options.users && rc == OK; i++)
        rc = start_user(s, &s->closed.users[i], random_next(&seeds));
    gauge_add(&users_running, (double)s->options.users);
    return rc;
}

/* What the time did not suffice for is told, as it is of an open loop. */
static void drop_rest(struct scenario *s)
{
    uint64_t wanted = s->options.requests;
    if (s->options.executor == &shared_iterations && wanted > s->issued)
        iterations_drop(s, wanted - s->issued);
}

static void stop(struct scenario *s)
{
    drop_rest(s);
    for (int64_t i = 0; i < s->options.users; i++)
        uv_timer_stop(&s->closed.users[i].pause);
    uv_timer_stop(&s->closed.duration);
    gauge_add(&users_running, -(double)s->options.users);
}

static void close_users(struct scenario *s)
{
    for (int64_t i = 0; i < s->options.users; i++)
        uv_close((uv_handle_t *)&s->closed.users[i].pause, NULL);
    uv_close((uv_handle_t *)&s->closed.duration, NULL);
}

static void free_users(struct scenario *s)
{
    free(s->closed.users);
    s->closed.users = NULL;
}

#define CLOSED_LOOP                                                                                \
    .start = start, .answered = answered, .stop = stop, .close = close_users, .free = free_users

const struct executor constant_vus = {.name = "constant-vus", CLOSED_LOOP};
/* scenario_check counts the requests of all users together. */
const struct executor shared_iterations = {.name = "shared-iterations", CLOSED_LOOP};
