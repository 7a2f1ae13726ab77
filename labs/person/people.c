/* The store; see people.h. */
#include "person/people.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_FIRST 64

const struct person_rule person_rules[PERSON_FIELDS] = {
    [FIRST_NAME] = {"first_name", 100},
    [LAST_NAME] = {"last_name", 100},
    [EMAIL] = {"email", 254}, /* RFC 5321's longest */
    [ADDRESS] = {"address", 300},
};

/* One person -------------------------------------------------------------------------------- */

struct person_value person_value(const struct person *person, enum person_field field)
{
    size_t at = 0;
    for (unsigned i = 0; i < field; i++)
        at += person->lengths[i] == PERSON_NO_TEXT ? 0 : person->lengths[i];
    if (person->lengths[field] == PERSON_NO_TEXT)
        return (struct person_value){.kind = VALUE_NONE};
    return (struct person_value){VALUE_TEXT, person->texts + at, person->lengths[field]};
}

static size_t texts_length(const struct person_value values[PERSON_FIELDS])
{
    size_t len = 0;
    for (unsigned i = 0; i < PERSON_FIELDS; i++)
        len += values[i].kind == VALUE_TEXT ? values[i].len : 0;
    return len;
}

static struct person *person_new(const struct person_value values[PERSON_FIELDS])
{
    struct person *person = malloc(sizeof *person + texts_length(values));
    if (!person)
        return NULL;
    char *at = person->texts;
    for (unsigned i = 0; i < PERSON_FIELDS; i++) {
        person->lengths[i] = PERSON_NO_TEXT;
        if (values[i].kind != VALUE_TEXT)
            continue;
        assert(values[i].len <= person_rules[i].max && "the caller looks at the rules");
        person->lengths[i] = (uint16_t)values[i].len;
        if (values[i].len)
            memcpy(at, values[i].text, values[i].len);
        at += values[i].len;
    }
    return person;
}

/* The array ---------------------------------------------------------------------------------- */

static struct people_entry *begin_of(const struct people *people)
{
    return people->entries + people->first;
}

/* Nobody lies behind where they would if none had left, which is where they mostly are. */
static struct people_entry *entry_of(const struct people *people, uint64_t id)
{
    if (people->count == 0 || id < begin_of(people)->id || id > people->last_id)
        return NULL;
    struct people_entry *begin = begin_of(people);
    size_t low = 0, high = people->count - 1;
    if (id - begin->id < high)
        high = (size_t)(id - begin->id);
    if (begin[high].id == id)
        return &begin[high];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (begin[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return begin[low].id == id ? &begin[low] : NULL;
}

/* Room for one more at the end: first what has become free at the begin, where that is enough that
 * moving the others is paid for by many additions to come. */
static int make_room(struct people *people)
{
    if (people->first + people->count < people->cap)
        return OK;
    if (people->first > people->cap / 4) {
        memmove(people->entries, begin_of(people), people->count * sizeof *people->entries);
        people->first = 0;
        return OK;
    }
    size_t cap = people->cap ? people->cap * 2 : ENTRIES_FIRST;
    struct people_entry *entries = realloc(people->entries, cap * sizeof *entries);
    if (!entries)
        return ERR_NOMEM;
    people->entries = entries;
    people->cap = cap;
    return OK;
}

/* Moves the shorter side, so that to remove the oldest again and again costs nothing. */
static void close_gap(struct people *people, struct people_entry *gap)
{
    struct people_entry *begin = begin_of(people);
    size_t before = (size_t)(gap - begin), behind = people->count - before - 1;
    if (before < behind) {
        memmove(begin + 1, begin, before * sizeof *begin);
        people->first++;
    } else {
        memmove(gap, gap + 1, behind * sizeof *gap);
    }
    people->count--;
}

/* What the API asks ---------------------------------------------------------------------------- */

int people_add(struct people *people, const struct person_value values[PERSON_FIELDS],
               uint64_t now_ms, const struct person **out)
{
    if (people->count >= people->max)
        return ERR_FULL;
    struct person *person = make_room(people) == OK ? person_new(values) : NULL;
    if (!person)
        return ERR_NOMEM;
    person->id = ++people->last_id;
    person->created_ms = person->updated_ms = now_ms;
    begin_of(people)[people->count++] = (struct people_entry){person->id, person};
    *out = person;
    return OK;
}

const struct person *people_find(const struct people *people, uint64_t id)
{
    const struct people_entry *entry = entry_of(people, id);
    return entry ? entry->person : NULL;
}

int people_change(struct people *people, uint64_t id,
                  const struct person_value values[PERSON_FIELDS], uint64_t now_ms,
                  const struct person **out)
{
    struct person_value merged[PERSON_FIELDS];
    struct people_entry *entry = entry_of(people, id);
    if (!entry)
        return ERR_NOT_FOUND;
    for (unsigned i = 0; i < PERSON_FIELDS; i++)
        merged[i] = values[i].kind == VALUE_NOT_GIVEN ? person_value(entry->person, i) : values[i];
    struct person *person = person_new(merged);
    if (!person)
        return ERR_NOMEM;
    person->id = id;
    person->created_ms = entry->person->created_ms;
    /* The wall clock may be set back; nobody is changed before they were made. */
    person->updated_ms = now_ms > person->created_ms ? now_ms : person->created_ms;
    free(entry->person);
    entry->person = person;
    *out = person;
    return OK;
}

int people_remove(struct people *people, uint64_t id)
{
    struct people_entry *entry = entry_of(people, id);
    if (!entry)
        return ERR_NOT_FOUND;
    free(entry->person);
    close_gap(people, entry);
    return OK;
}

const struct person *people_at(const struct people *people, size_t position)
{
    assert(position < people->count);
    return begin_of(people)[position].person;
}

void people_free(struct people *people)
{
    for (size_t i = 0; i < people->count; i++)
        free(begin_of(people)[i].person);
    free(people->entries);
    *people = (struct people){.max = people->max};
}
