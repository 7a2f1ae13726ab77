/* Infos and state sets: what is said in labels, and which of some states hold; see metrics.h. */
#include "metrics/internal.h"

#include <assert.h>

/* ---- Infos ---------------------------------------------------------------------------------- */

/* The new one comes before the old ones go, so that no exposition is without; and again under the
 * lock, so that of two that are set at once one stays. */
void metric_info_set(struct metric_family *f, const char *const values[])
{
    struct metric_child *now = metric_family_with(f, values);
    pthread_mutex_lock(&f->lock);
    metric_child_show(now, true);
    METRIC_EACH_CHILD(child, f)
    if (child != now)
        metric_child_show(child, false);
    pthread_mutex_unlock(&f->lock);
}

static int read_info(const struct metric_child *child, struct metric_scratch *scratch,
                     struct metric_point *point)
{
    (void)scratch;
    *point = (struct metric_point){.child = child, .value = 1, .whole = true, .count = 1};
    return OK;
}

static void reset_info(struct metric_child *child)
{
    (void)child;
}

const struct metric_ops metric_info_ops = {
    .name = "info",
    .size = sizeof(struct info),
    .reset = reset_info,
    .read = read_info,
};

struct info *info_with(struct metric_family *f, const char *const values[])
{
    assert(f->spec.type == METRIC_INFO);
    return (struct info *)metric_family_with(f, values);
}

/* ---- State sets ----------------------------------------------------------------------------- */

void metric_state_enter(struct stateset *s, unsigned state)
{
    assert(state < s->child.family->spec.n_states);
    cell_set(&s->bits, 1ULL << state);
}

void metric_state_set(struct stateset *s, unsigned state, bool on)
{
    assert(state < s->child.family->spec.n_states);
    if (on)
        atomic_fetch_or_explicit(&s->bits, 1ULL << state, memory_order_relaxed);
    else
        atomic_fetch_and_explicit(&s->bits, ~(1ULL << state), memory_order_relaxed);
}

bool metric_state_is(const struct stateset *s, unsigned state)
{
    assert(state < s->child.family->spec.n_states);
    return cell_get(&s->bits) >> state & 1;
}

static int read_states(const struct metric_child *child, struct metric_scratch *scratch,
                       struct metric_point *point)
{
    uint64_t bits = cell_get(&((const struct stateset *)child)->bits);
    unsigned n = child->family->spec.n_states;
    for (unsigned i = 0; i < n; i++)
        scratch->states[i] = bits >> i & 1;
    *point = (struct metric_point){.child = child, .n = n, .states = scratch->states};
    return OK;
}

static void reset_states(struct metric_child *child)
{
    cell_set(&((struct stateset *)child)->bits, 0);
}

const struct metric_ops metric_stateset_ops = {
    .name = "stateset",
    .size = sizeof(struct stateset),
    .reset = reset_states,
    .read = read_states,
};

struct stateset *stateset_with(struct metric_family *f, const char *const values[])
{
    assert(f->spec.type == METRIC_STATESET);
    return (struct stateset *)metric_family_with(f, values);
}
