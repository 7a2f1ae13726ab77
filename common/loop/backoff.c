/* Delays between attempts; see backoff.h. */
#include "loop/backoff.h"

static uint32_t ceiling(const struct backoff *b)
{
    uint64_t most = b->first_ms;
    for (uint32_t i = 0; i < b->attempt && most < b->cap_ms; i++)
        most *= 2;
    return most < b->cap_ms ? (uint32_t)most : b->cap_ms;
}

uint32_t backoff_next(struct backoff *b, uint32_t random)
{
    uint32_t least = b->first_ms / 2 ? b->first_ms / 2 : 1;
    uint32_t most = ceiling(b);
    if (b->attempt < UINT32_MAX)
        b->attempt++;
    return most <= least ? least : least + random % (most - least + 1);
}

void backoff_reset(struct backoff *b)
{
    b->attempt = 0;
}
