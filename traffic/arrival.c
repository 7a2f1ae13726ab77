/*
 * The open loops (constant-arrival-rate, ramping-arrival-rate): requests begin when the schedule
 * says so, whatever became of those before them, and their latency counts from that time. A target
 * that stops for a second then shows a second of slow requests, where a closed loop would show a
 * single one.
 *
 * Late arrivals are made up for, a batch a turn of the loop, so that answers are read in between.
 * What finds too many in flight is dropped and counted, and so is what was still due at the end.
 */
#include "base/clock.h"
#include "metrics/metrics.h"
#include "traffic/scenario.h"

#define ARRIVALS_A_TURN 256
#define RING_GAP_NS     50000     /* arrivals that are closer share a ring */
#define ON_TIME_NS      NS_PER_MS /* what is less late than this when it ends is not missing */
#define TELL_NS         NS_PER_S  /* a ramp's rate is told so often, at least */
#define MAKE_UP_NS      (100 * NS_PER_MS) /* for late arrivals, when the duration is over */

GAUGE(target_rate, "traffic_target_rate", "Requests a second that open loops are to make.");

static void arrive(struct scenario *s)
{
    uint64_t due = schedule_due(&s->open.schedule);
    schedule_advance(&s->open.schedule);
    latency_record(&s->tally.schedule_error, clock_now() - due);
    if (iteration_begin(s, &s->open.random, due, NULL) == ERR_FULL)
        iterations_drop(s, 1);
    scenario_check(s);
}

/* Issues what is due, and says whether there is more to come. */
static bool issue_due(struct scenario *s, uint64_t now)
{
    uint64_t until = s->open.until;
    for (int i = 0; i < ARRIVALS_A_TURN && s->state == SCENARIO_RUNNING; i++) {
        uint64_t due = schedule_due(&s->open.schedule);
        if (due > now || due >= until)
            break;
        arrive(s);
    }
    return now < until || (schedule_due(&s->open.schedule) < until && now - until < MAKE_UP_NS);
}

static double rate_at(const struct scenario *s, uint64_t now)
{
    const struct scenario_options *o = &s->options;
    if (!o->stages)
        return o->rate;
    return schedule_ramp_rate(o->start_rate, o->stages, o->stage_count,
                              clock_seconds(s->open.began, now));
}

static void tell_rate(struct scenario *s, double rate)
{
    if (rate == s->open.told)
        return;
    gauge_add(&target_rate, rate - s->open.told);
    s->open.told = rate;
}

/* To wake up for each single request would cost as much as the request itself does. */
static void set_alarm(struct scenario *s, uint64_t now)
{
    uint64_t due = schedule_due(&s->open.schedule);
    due = due < s->open.until ? due : s->open.until;
    if (s->options.stages && due > now + TELL_NS)
        due = now + TELL_NS;
    alarm_at(&s->open.alarm, due > now + RING_GAP_NS ? due : now + RING_GAP_NS);
}

static void on_ring(void *ctx)
{
    struct scenario *s = ctx;
    uint64_t now = clock_now();
    bool more = issue_due(s, now);
    if (s->state != SCENARIO_RUNNING)
        return;
    tell_rate(s, rate_at(s, now));
    if (more)
        set_alarm(s, now);
    else
        scenario_stop(s);
}

static int start(struct scenario *s)
{
    const struct scenario_options *o = &s->options;
    struct random seeds = {o->seed};
    uint64_t now = clock_now();
    int rc = alarm_init(&s->open.alarm, s->loop, on_ring, s);
    if (rc != OK)
        return rc;
    s->open.random.state = random_next(&seeds);
    s->open.began = now;
    s->open.until = o->duration > 0 ? now + (uint64_t)(o->duration * (double)NS_PER_S) : UINT64_MAX;
    if (o->stages)
        schedule_init_ramp(&s->open.schedule, o->start_rate, o->stages, o->stage_count, now);
    else
        schedule_init(&s->open.schedule, o->arrivals, o->rate, now, random_next(&seeds));
    tell_rate(s, rate_at(s, now));
    set_alarm(s, now);
    return OK;
}

static void answered(struct scenario *s, struct user *user, int status)
{
    (void)s;
    (void)user;
    (void)status; /* what came of a request changes nothing for those to come */
}

/* What was due and could not be begun is told as dropped. */
static void stop(struct scenario *s)
{
    uint64_t due = clock_now() - ON_TIME_NS;
    uint64_t late = schedule_skip(&s->open.schedule, due < s->open.until ? due : s->open.until);
    uint64_t wanted = s->options.requests ? s->options.requests - s->issued : UINT64_MAX;
    iterations_drop(s, late < wanted ? late : wanted);
    alarm_stop(&s->open.alarm);
    tell_rate(s, 0);
}

static void close_alarm(struct scenario *s)
{
    alarm_close(&s->open.alarm);
}

static void free_nothing(struct scenario *s)
{
    (void)s;
}

#define OPEN_LOOP                                                                                  \
    .open = true, .start = start, .answered = answered, .stop = stop, .close = close_alarm,        \
    .free = free_nothing

const struct executor constant_arrival_rate = {.name = "constant-arrival-rate", OPEN_LOOP};
const struct executor ramping_arrival_rate = {.name = "ramping-arrival-rate", OPEN_LOOP};
