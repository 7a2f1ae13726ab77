/*
 * The people, in memory and in the order of their ids. Pure: it knows neither HTTP nor JSON, and
 * reads no clock.
 *
 * Ids count up from 1 and are never given again, so a new one always belongs at the end of a sorted
 * array: finding is a look where the id would lie if nobody had left, or else a binary search. A
 * person is one allocation, texts included, which is what makes 100,000 of them fit in 40 MiB.
 */
#ifndef PERSON_PEOPLE_H
#define PERSON_PEOPLE_H

#include "base/err.h"

#include <stdint.h>

#define PEOPLE_MAX 100000

enum person_field { FIRST_NAME, LAST_NAME, EMAIL, ADDRESS, PERSON_FIELDS };

/* Names in JSON, and the bytes of UTF-8 that a value may have. The first two are required. */
extern const struct person_rule {
    const char *name;
    size_t max;
} person_rules[PERSON_FIELDS];
#define PERSON_REQUIRED 2

/* What a client says of one field. */
struct person_value {
    enum { VALUE_NOT_GIVEN, VALUE_NONE, VALUE_TEXT } kind; /* NONE: given as null */
    const char *text;
    size_t len;
};

/* A person: read it with the functions below. */
struct person {
    uint64_t id;
    uint64_t created_ms, updated_ms; /* since 1970, UTC */
    uint16_t lengths[PERSON_FIELDS]; /* PERSON_NO_TEXT where there is none */
    char texts[];                    /* one behind the other, not terminated */
};
#define PERSON_NO_TEXT UINT16_MAX

struct people_entry {
    uint64_t id; /* beside the pointer, so that a search stays in one array */
    struct person *person;
};

/* Zero-initialised but for `max` is empty. */
struct people {
    size_t max; /* at most PEOPLE_MAX */
    size_t count;
    /* private: */
    uint64_t last_id;
    struct people_entry *entries; /* the allocation */
    size_t first, cap;            /* entries[first … first + count - 1] are in use */
};

/* A new person; a field that is not given has no text. 0, or ERR_FULL or ERR_NOMEM, and then
 * nothing changed. `*out` lives until it is changed or removed. The rules are the caller's to keep.
 */
int people_add(struct people *people, const struct person_value values[PERSON_FIELDS],
               uint64_t now_ms, const struct person **out) MUST_CHECK;

/* NULL where there is no such person. */
const struct person *people_find(const struct people *people, uint64_t id);

/* Replaces the fields that are given. 0, ERR_NOT_FOUND, or ERR_NOMEM: then nothing changed. */
int people_change(struct people *people, uint64_t id,
                  const struct person_value values[PERSON_FIELDS], uint64_t now_ms,
                  const struct person **out) MUST_CHECK;

/* 0 or ERR_NOT_FOUND. */
int people_remove(struct people *people, uint64_t id) MUST_CHECK;

/* The one at `position` in the order of ids; position < count. */
const struct person *people_at(const struct people *people, size_t position);

/* The text of a field as a value: VALUE_TEXT or VALUE_NONE. */
struct person_value person_value(const struct person *person, enum person_field field);

void people_free(struct people *people);

#endif
