/*
 * The messages on the wire, by delivery tag. Pure.
 *
 * The broker numbers the publishes of a channel 1, 2, 3 … and confirms by that number, one by one
 * or all up to it. Confirms may come out of order: what is taken from the middle leaves a hole,
 * which goes when the slots before it do.
 */
#ifndef AMQP_UNCONFIRMED_H
#define AMQP_UNCONFIRMED_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unconfirmed {
    void **slots; /* ring of `cap` (a power of two); NULL is a hole */
    size_t cap;
    uint64_t first; /* no lower tag is unconfirmed */
    uint64_t next;  /* the tag of the next publish */
};

/* Room for at least `most` tags, holes included. 0 or ERR_NOMEM. */
int unconfirmed_init(struct unconfirmed *u, size_t most) MUST_CHECK;
void unconfirmed_free(struct unconfirmed *u);

/* A new channel: forgets all messages; tags start at 1 again. */
void unconfirmed_reset(struct unconfirmed *u);

static inline bool unconfirmed_full(const struct unconfirmed *u)
{
    return u->next - u->first == u->cap;
}

/* A message (not NULL) is published; the ring must not be full. Its tag. */
uint64_t unconfirmed_push(struct unconfirmed *u, void *message);

/* The message of a tag, or NULL for a hole or a tag that was never given out. */
void *unconfirmed_at(const struct unconfirmed *u, uint64_t tag);

/* As unconfirmed_at, and takes it out. */
void *unconfirmed_take(struct unconfirmed *u, uint64_t tag);

/* Takes out the message of the lowest tag that is ≤ `tag`, or NULL where there is none: repeated,
 * it serves a `multiple` confirm. */
void *unconfirmed_take_up_to(struct unconfirmed *u, uint64_t tag);

#endif
