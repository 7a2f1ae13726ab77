/*
 * Exemplars: for each bucket of a histogram, and for a counter, the last one that was given.
 *
 * A place is made when it is first needed, and has room for the longest exemplar that OpenMetrics
 * allows. Nobody waits for one that is in use: two exemplars given at once are as good as one, and
 * an exposition that finds one being written all the time does without.
 */
#include "metrics/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_CODE_POINTS = 128, /* of names and values together */
    MAX_BYTES = 4 * MAX_CODE_POINTS + 2 * METRICS_MAX_EXEMPLAR_LABELS, /* with the terminators */
    READER_TRIES = 1000,
};

/* `text` holds n names and n values, each terminated, one behind the other. */
struct kept {
    atomic_flag busy;
    unsigned n; /* 0: none */
    double value, timestamp;
    char text[MAX_BYTES];
};

struct metric_exemplars {
    unsigned n;
    _Atomic(struct kept *) places[];
};

struct copy {
    const char *pairs[2 * METRICS_MAX_EXEMPLAR_LABELS];
    char text[MAX_BYTES];
};

struct metric_exemplar_scratch {
    unsigned room;
    struct metric_exemplar_view *views;
    struct copy *copies;
};

/* ---- Is it one? ----------------------------------------------------------------------------- */

static unsigned code_points(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

static bool is_there_before(const struct metric_exemplar *e, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (!strcmp(e->pairs[2 * k], e->pairs[2 * i]))
            return true;
    return false;
}

static bool is_good(const struct metric_exemplar *e)
{
    unsigned sum = 0;
    if (e->n == 0 || e->n > METRICS_MAX_EXEMPLAR_LABELS)
        return false;
    for (unsigned i = 0; i < e->n; i++) {
        const char *name = e->pairs[2 * i], *value = e->pairs[2 * i + 1];
        if (!name || !value || !metric_is_label_name(name) || !metric_utf8_valid(value) ||
            is_there_before(e, i))
            return false;
        sum += code_points(name) + code_points(value);
    }
    return sum <= MAX_CODE_POINTS;
}

/* ---- Keeping -------------------------------------------------------------------------------- */

/* NULL: no memory. */
static struct metric_exemplars *places_at(metric_exemplars_ptr *at, unsigned n)
{
    struct metric_exemplars *there = atomic_load_explicit(at, memory_order_acquire);
    if (there)
        return there;
    struct metric_exemplars *made = calloc(1, sizeof *made + n * sizeof *made->places);
    if (!made)
        return NULL;
    made->n = n;
    if (atomic_compare_exchange_strong_explicit(at, &there, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    free(made);
    return there;
}

/* NULL: no memory. */
static struct kept *place_at(_Atomic(struct kept *) *at)
{
    struct kept *there = atomic_load_explicit(at, memory_order_acquire);
    if (there)
        return there;
    struct kept *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    atomic_flag_clear(&made->busy);
    if (atomic_compare_exchange_strong_explicit(at, &there, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    free(made);
    return there;
}

static bool take(struct kept *k)
{
    return !atomic_flag_test_and_set_explicit(&k->busy, memory_order_acquire);
}

static void give_back(struct kept *k)
{
    atomic_flag_clear_explicit(&k->busy, memory_order_release);
}

static void write(struct kept *k, double value, const struct metric_exemplar *e)
{
    char *text = k->text;
    for (unsigned i = 0; i < 2 * e->n; i++)
        text = stpcpy(text, e->pairs[i]) + 1;
    k->n = e->n;
    k->value = value;
    k->timestamp = (double)clock_wall_ms() / 1000;
}

void metric_exemplar_keep(metric_exemplars_ptr *at, unsigned n, unsigned place, double value,
                          const struct metric_exemplar *e)
{
    if (!is_good(e)) {
        metric_error(METRIC_ERROR_EXEMPLAR);
        return;
    }
    struct metric_exemplars *all = places_at(at, n);
    struct kept *k = all ? place_at(&all->places[place]) : NULL;
    if (!k) {
        metric_error(METRIC_ERROR_OUT_OF_MEMORY);
    } else if (take(k)) {
        write(k, value, e);
        give_back(k);
    }
}

static struct kept *kept_at(const struct metric_exemplars *all, unsigned i)
{
    return atomic_load_explicit(&all->places[i], memory_order_acquire);
}

void metric_exemplars_forget(metric_exemplars_ptr *at)
{
    struct metric_exemplars *all = atomic_load_explicit(at, memory_order_acquire);
    for (unsigned i = 0; all && i < all->n; i++) {
        struct kept *k = kept_at(all, i);
        if (k && take(k)) {
            k->n = 0;
            give_back(k);
        }
    }
}

void metric_exemplars_free(metric_exemplars_ptr *at)
{
    struct metric_exemplars *all = atomic_load_explicit(at, memory_order_acquire);
    for (unsigned i = 0; all && i < all->n; i++)
        free(kept_at(all, i));
    free(all);
}

/* ---- Reading -------------------------------------------------------------------------------- */

static bool take_patiently(struct kept *k)
{
    for (unsigned i = 0; i < READER_TRIES; i++)
        if (take(k))
            return true;
    return false;
}

static void point_to_pairs(struct copy *c, unsigned n)
{
    const char *text = c->text;
    for (unsigned i = 0; i < 2 * n; text += strlen(text) + 1)
        c->pairs[i++] = text;
}

static void read_one(struct kept *k, struct metric_exemplar_view *view, struct copy *c)
{
    *view = (struct metric_exemplar_view){.n = 0};
    if (!k || !take_patiently(k))
        return;
    *view = (struct metric_exemplar_view){k->n, c->pairs, k->value, k->timestamp};
    memcpy(c->text, k->text, sizeof c->text);
    give_back(k);
    point_to_pairs(c, view->n);
}

/* For native buckets alone, the one that stands at the only classic bucket. */
static void newest_first(struct metric_exemplar_view *views, unsigned n)
{
    unsigned newest = 0;
    for (unsigned i = 1; i < n; i++)
        if (views[i].n && (!views[newest].n || views[i].timestamp > views[newest].timestamp))
            newest = i;
    struct metric_exemplar_view first = views[0];
    views[0] = views[newest];
    views[newest] = first;
}

static bool room_for(struct metric_exemplar_scratch *s, unsigned n)
{
    struct metric_exemplar_view *views = realloc(s->views, n * sizeof *views);
    s->views = views ? views : s->views;
    struct copy *copies = views ? realloc(s->copies, n * sizeof *copies) : NULL;
    s->copies = copies ? copies : s->copies;
    s->room = copies ? n : s->room;
    return copies;
}

int metric_exemplars_read(const metric_exemplars_ptr *at, struct metric_scratch *scratch,
                          struct metric_point *point)
{
    struct metric_exemplars *all = atomic_load_explicit(at, memory_order_acquire);
    if (!all)
        return OK;
    if (!scratch->exemplars && !(scratch->exemplars = calloc(1, sizeof *scratch->exemplars)))
        return ERR_NOMEM;
    struct metric_exemplar_scratch *s = scratch->exemplars;
    if (s->room < all->n && !room_for(s, all->n))
        return ERR_NOMEM;
    for (unsigned i = 0; i < all->n; i++)
        read_one(kept_at(all, i), &s->views[i], &s->copies[i]);
    if (point->native && point->n == 1)
        newest_first(s->views, all->n);
    point->exemplars = s->views;
    point->n_exemplars = all->n;
    return OK;
}

void metric_exemplar_scratch_free(struct metric_exemplar_scratch *s)
{
    if (s) {
        free(s->views);
        free(s->copies);
    }
    free(s);
}
