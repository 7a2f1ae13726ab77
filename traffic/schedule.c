/* Arrival times; see schedule.h. */
#include "traffic/schedule.h"

#include "base/clock.h"

#include <assert.h>
#include <math.h>

static unsigned __int128 gap(struct schedule *s)
{
    if (s->arrivals == ARRIVALS_CONSTANT)
        return s->period;
    return (unsigned __int128)(-log(random_unit(&s->random)) * (double)s->period);
}

/* Rounded up: else an arrival that is due with the end of a second would come 1 ns before it. In
 * whole numbers, since a double has too few digits for that. */
static unsigned __int128 period_of(double rate)
{
    unsigned __int128 scaled = (unsigned __int128)ldexp(rate, 60);
    return (((unsigned __int128)NS_PER_S << (32 + 60)) + scaled - 1) / scaled;
}

void schedule_init(struct schedule *s, enum arrivals arrivals, double rate, uint64_t start,
                   uint64_t seed)
{
    assert(rate >= SCHEDULE_RATE_MIN && rate <= SCHEDULE_RATE_MAX);
    *s = (struct schedule){
        .arrivals = arrivals,
        .start = start,
        .period = period_of(rate),
        .random = {seed},
    };
    /* A Poisson process has no arrival at its start. */
    s->elapsed = arrivals == ARRIVALS_CONSTANT ? 0 : gap(s);
}

/* The time at which `count` arrivals lie beneath a rate that goes from `from` to `to`: the root of
 * a square, in the form that loses no digits where both rates are nearly the same. */
static double seconds_until(double count, double from, const struct schedule_stage *stage)
{
    double slope = (stage->target - from) / stage->seconds;
    double square = from * from + 2 * slope * count;
    return count > 0 ? 2 * count / (from + sqrt(square > 0 ? square : 0)) : 0;
}

static void find_ramped(struct schedule *s)
{
    const double ns = (double)NS_PER_S * 0x1p32;
    for (; s->ramp.left; s->ramp.left--, s->ramp.stages++) {
        const struct schedule_stage *stage = s->ramp.stages;
        double area = (s->ramp.from + stage->target) / 2 * stage->seconds;
        double behind = (double)s->ramp.arrival - s->ramp.area;
        if (behind < area) {
            double at = s->ramp.began + seconds_until(behind, s->ramp.from, stage);
            s->elapsed = (unsigned __int128)(at * ns);
            return;
        }
        s->ramp.area += area;
        s->ramp.began += stage->seconds;
        s->ramp.from = stage->target;
    }
    s->elapsed = SCHEDULE_NEVER;
}

void schedule_init_ramp(struct schedule *s, double rate, const struct schedule_stage *stages,
                        size_t count, uint64_t start)
{
    *s = (struct schedule){
        .arrivals = ARRIVALS_RAMPING,
        .start = start,
        .ramp = {.stages = stages, .left = count, .from = rate},
    };
    find_ramped(s);
}

double schedule_ramp_rate(double rate, const struct schedule_stage *stages, size_t count,
                          double seconds)
{
    for (size_t i = 0; i < count; i++) {
        if (seconds < stages[i].seconds)
            return rate + (stages[i].target - rate) * seconds / stages[i].seconds;
        seconds -= stages[i].seconds;
        rate = stages[i].target;
    }
    return rate;
}

void schedule_advance(struct schedule *s)
{
    if (s->arrivals != ARRIVALS_RAMPING) {
        s->elapsed += gap(s);
        return;
    }
    s->ramp.arrival++;
    find_ramped(s);
}

uint64_t schedule_skip(struct schedule *s, uint64_t until)
{
    uint64_t skipped = 0;
    for (; schedule_due(s) < until; schedule_advance(s))
        skipped++;
    return skipped;
}
