/* A token bucket; see budget.h. */
#include "base/budget.h"

#include "base/clock.h"

void budget_init(struct budget *b, double rate)
{
    *b = (struct budget){.rate = rate, .left = rate, .filled_at = clock_coarse()};
}

static void fill(struct budget *b)
{
    uint64_t now = clock_coarse();
    b->left += b->rate * clock_seconds(b->filled_at, now);
    b->left = b->left > b->rate ? b->rate : b->left;
    b->filled_at = now;
}

bool budget_take(struct budget *b, double reserve)
{
    if (b->rate <= 0)
        return false;
    fill(b);
    if (b->left < b->rate * reserve + 1)
        return false;
    b->left -= 1;
    return true;
}
