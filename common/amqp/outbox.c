/* Messages that have not met their end; see outbox.h. */
#include "amqp/outbox.h"

#include <assert.h>

int outbox_init(struct outbox *o, size_t most)
{
    *o = (struct outbox){0};
    list_init(&o->messages);
    list_init(&o->waiting);
    list_init(&o->resting);
    return unconfirmed_init(&o->wire, 2 * most); /* twice, for holes count */
}

void outbox_free(struct outbox *o)
{
    assert(o->count == 0);
    unconfirmed_free(&o->wire);
}

void outbox_add(struct outbox *o, struct pending *m)
{
    list_append(&o->messages, &m->by_age);
    list_append(&o->waiting, &m->waiting);
    o->count++;
    o->bytes += m->len;
}

void outbox_remove(struct outbox *o, struct pending *m)
{
    if (m->tag)
        unconfirmed_take(&o->wire, m->tag);
    m->tag = 0;
    list_remove(&m->by_age);
    list_remove(&m->waiting);
    o->count--;
    o->bytes -= m->len;
}

struct pending *outbox_oldest(const struct outbox *o)
{
    struct list *item = list_first(&o->messages);

    return item ? LIST_ITEM(item, struct pending, by_age) : NULL;
}

struct pending *outbox_next(const struct outbox *o)
{
    struct list *item = unconfirmed_full(&o->wire) ? NULL : list_first(&o->waiting);

    return item ? LIST_ITEM(item, struct pending, waiting) : NULL;
}

void outbox_sent(struct outbox *o, struct pending *m)
{
    list_remove(&m->waiting);
    m->tag = unconfirmed_push(&o->wire, m);
    m->sent_before = true;
    m->returned = false;
}

struct pending *outbox_settled(struct outbox *o, uint64_t tag, bool multiple)
{
    struct pending *m;

    if (multiple) /* tag 0 means all */
        m = unconfirmed_take_up_to(&o->wire, tag ? tag : UINT64_MAX);
    else
        m = unconfirmed_take(&o->wire, tag);
    if (m)
        m->tag = 0;
    return m;
}

void outbox_rest(struct outbox *o, struct pending *m)
{
    list_append(&o->resting, &m->waiting);
}

void outbox_rested(struct outbox *o)
{
    struct list *item;

    while ((item = list_first(&o->resting))) {
        list_remove(item);
        list_append(&o->waiting, item);
    }
}

/* A return bears no tag. It comes before the confirm of its message, in the order of publishing: so
 * it is the next tag with that id. */
bool outbox_returned(struct outbox *o, const char *id, size_t len)
{
    uint64_t tag = o->last_returned + 1;

    for (tag = tag > o->wire.first ? tag : o->wire.first; tag < o->wire.next; tag++) {
        struct pending *m = unconfirmed_at(&o->wire, tag);
        if (m && pending_has_id(m, id, len)) {
            m->returned = true;
            o->last_returned = tag;
            return true;
        }
    }
    return false;
}

void outbox_lost(struct outbox *o)
{
    unconfirmed_reset(&o->wire);
    o->last_returned = 0;
    LIST_FOREACH (item, &o->messages) {
        struct pending *m = LIST_ITEM(item, struct pending, by_age);
        m->tag = 0;
        list_remove(&m->waiting);
        list_append(&o->waiting, &m->waiting);
    }
}
