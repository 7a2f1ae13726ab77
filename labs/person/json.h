/* People as JSON: what a request's body says, and what an answer shows. */
#ifndef PERSON_JSON_H
#define PERSON_JSON_H

#include "base/buf.h"
#include "person/people.h"

#include <jansson.h>

/* A body that was read. The texts point into `root`, so free it when they are no longer needed. */
struct person_input {
    struct person_value values[PERSON_FIELDS];
    json_t *root;
};

/* Reads an object with the fields of person_rules, in which null counts as "no text"; other keys
 * are ignored, so that a person may be sent back as it was answered. `all`: the required ones must
 * be there. 0, or ERR_INVALID or ERR_NOMEM with the reason in `err`, and then nothing is to be
 * freed. */
int person_read(const char *body, size_t len, bool all, struct person_input *out,
                struct err *err) MUST_CHECK;
void person_input_free(struct person_input *input);

/* Appends {"id":1,"first_name":…,"created_at":"2026-11-21T10:00:00.000Z",…}. */
void person_write(struct buf *out, const struct person *person);

/* The id in a path's last segment: decimal, from 1, as it is written in answers. 0 where it is no
 * such number, which is nobody's id. */
uint64_t person_id_parse(const char *text, size_t len);

/* The same for a whole number from 0 up to `max`; false where it is none. */
bool person_number_parse(const char *text, size_t len, uint64_t max, uint64_t *out);

#endif
