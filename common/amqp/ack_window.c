/* The ring of delivered tags; see ack_window.h. */
#include "amqp/ack_window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum tag_state {
    TAG_UNFINISHED,
    TAG_FINISHED, /* waits for the flush */
    TAG_ACKED,    /* singly, while a lower one is unfinished */
};

static uint8_t *state_of(const struct ack_window *w, uint64_t tag)
{
    return &w->states[tag & (w->cap - 1)];
}

int ack_window_init(struct ack_window *w, size_t most)
{
    assert(most > 0);
    *w = (struct ack_window){.cap = 64, .most = most};
    while (w->cap < most)
        w->cap *= 2;
    w->states = malloc(w->cap);
    w->finished = calloc(most, sizeof *w->finished);
    if (!w->states || !w->finished) {
        ack_window_free(w);
        return ERR_NOMEM;
    }
    ack_window_reset(w);
    return OK;
}

void ack_window_free(struct ack_window *w)
{
    free(w->states);
    free(w->finished);
    *w = (struct ack_window){0};
}

void ack_window_reset(struct ack_window *w)
{
    w->first = w->next = 1;
    w->unfinished = w->finished_count = 0;
}

static int grow(struct ack_window *w)
{
    struct ack_window bigger = *w;

    if (w->cap >= ACK_WINDOW_SPAN_MAX)
        return ERR_FULL;
    bigger.cap = w->cap * 2;
    bigger.states = malloc(bigger.cap);
    if (!bigger.states)
        return ERR_NOMEM;
    for (uint64_t tag = w->first; tag < w->next; tag++)
        *state_of(&bigger, tag) = *state_of(w, tag);
    free(w->states);
    *w = bigger;
    return OK;
}

int ack_window_deliver(struct ack_window *w, uint64_t tag)
{
    int rc;

    if (tag != w->next || w->unfinished + w->finished_count >= w->most)
        return ERR_PROTOCOL;
    if (w->next - w->first == w->cap && (rc = grow(w)) != OK)
        return rc;
    *state_of(w, tag) = TAG_UNFINISHED;
    w->next++;
    w->unfinished++;
    return OK;
}

bool ack_window_finish(struct ack_window *w, uint64_t tag)
{
    if (tag < w->first || tag >= w->next || *state_of(w, tag) != TAG_UNFINISHED)
        return false;
    *state_of(w, tag) = TAG_FINISHED;
    w->unfinished--;
    w->finished[w->finished_count++] = tag;
    return true;
}

/* Moves `first` behind the prefix that holds no unfinished tag. The highest tag of it that the
 * broker still waits for, or 0. */
static uint64_t take_prefix(struct ack_window *w)
{
    uint64_t highest = 0;

    for (; w->first < w->next && *state_of(w, w->first) != TAG_UNFINISHED; w->first++)
        if (*state_of(w, w->first) == TAG_FINISHED)
            highest = w->first;
    return highest;
}

size_t ack_window_flush(struct ack_window *w, void (*emit)(uint64_t tag, bool multiple, void *ctx),
                        void *ctx)
{
    size_t count = w->finished_count;
    uint64_t prefix = take_prefix(w);

    if (prefix)
        emit(prefix, true, ctx);
    for (size_t i = 0; i < count; i++) {
        if (w->finished[i] < w->first)
            continue;
        *state_of(w, w->finished[i]) = TAG_ACKED;
        emit(w->finished[i], false, ctx);
    }
    w->finished_count = 0;
    return count;
}
