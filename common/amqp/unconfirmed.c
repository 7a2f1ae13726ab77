/* The ring of tags on the wire; see unconfirmed.h. */
#include "amqp/unconfirmed.h"

#include <assert.h>
#include <stdlib.h>

static void **slot_of(const struct unconfirmed *u, uint64_t tag)
{
    return &u->slots[tag & (u->cap - 1)];
}

int unconfirmed_init(struct unconfirmed *u, size_t most)
{
    *u = (struct unconfirmed){.cap = 64};
    while (u->cap < most)
        u->cap *= 2;
    u->slots = calloc(u->cap, sizeof *u->slots);
    unconfirmed_reset(u);
    return u->slots ? OK : ERR_NOMEM;
}

void unconfirmed_free(struct unconfirmed *u)
{
    free(u->slots);
    *u = (struct unconfirmed){0};
}

void unconfirmed_reset(struct unconfirmed *u)
{
    u->first = u->next = 1;
}

uint64_t unconfirmed_push(struct unconfirmed *u, void *message)
{
    assert(message && !unconfirmed_full(u));
    *slot_of(u, u->next) = message;
    return u->next++;
}

void *unconfirmed_at(const struct unconfirmed *u, uint64_t tag)
{
    return tag >= u->first && tag < u->next ? *slot_of(u, tag) : NULL;
}

static void skip_holes(struct unconfirmed *u)
{
    while (u->first < u->next && !*slot_of(u, u->first))
        u->first++;
}

void *unconfirmed_take(struct unconfirmed *u, uint64_t tag)
{
    void *message = unconfirmed_at(u, tag);

    if (message) {
        *slot_of(u, tag) = NULL;
        skip_holes(u);
    }
    return message;
}

void *unconfirmed_take_up_to(struct unconfirmed *u, uint64_t tag)
{
    return u->first <= tag ? unconfirmed_take(u, u->first) : NULL;
}
