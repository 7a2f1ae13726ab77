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

void schedule_advance(struct schedule *s)
{
    s->elapsed += gap(s);
}

uint64_t schedule_skip(struct schedule *s, uint64_t until)
{
    uint64_t skipped = 0;
    for (; schedule_due(s) < until; schedule_advance(s))
        skipped++;
    return skipped;
}
