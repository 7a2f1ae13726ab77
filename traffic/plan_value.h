/* Reading a scenario file's values, with a complaint that names line and key where one is wrong. */
#ifndef TRAFFIC_PLAN_VALUE_H
#define TRAFFIC_PLAN_VALUE_H

#include "base/err.h"
#include "base/settings.h"

#include <jansson.h>

#define READER_DEPTH_MAX 6

/* Where one reads. */
struct reader {
    const char *file, *text;
    size_t len;
    const char *path[READER_DEPTH_MAX]; /* keys from the outside inwards */
    size_t depth;
    struct err *err;
};

/* Goes into a key, and back. */
void reader_enter(struct reader *r, const char *key);
void reader_leave(struct reader *r);

/* Fills err with FILE:LINE: path: what is wrong; returns ERR_INVALID. */
int reader_refuse(const struct reader *r, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same for a key of where one is. */
int reader_refuse_key(struct reader *r, const char *key, const char *format, ...) PRINTF_LIKE(3, 4);

/* Values of an object's keys. A key that is not there leaves *out alone, and is an error where it
 * is `required`. 0 or ERR_INVALID. Texts are the JSON's. */
int read_text(struct reader *r, const json_t *object, const char *key, bool required,
              const char **out) MUST_CHECK;
int read_integer(struct reader *r, const json_t *object, const char *key, bool required,
                 int64_t min, int64_t max, int64_t *out) MUST_CHECK;
/* A number from `min` (above it where it is 0 and `positive`) up to `max`. */
int read_number(struct reader *r, const json_t *object, const char *key, bool required,
                bool positive, double max, double *out) MUST_CHECK;
/* "1h30m", "2m", "30s", "500ms", in seconds; more than 0 where `positive`. */
int read_seconds(struct reader *r, const json_t *object, const char *key, bool required,
                 bool positive, double *out) MUST_CHECK;
/* "100-500" or a number, in milliseconds. */
int read_range(struct reader *r, const json_t *object, const char *key,
               struct setting_range *out) MUST_CHECK;

/* Refuses keys that are not in the list, which ends with NULL. */
int refuse_others(struct reader *r, json_t *object, const char *const *known) MUST_CHECK;

/* "1h30m" and the like. False where it is none. */
bool seconds_parse(const char *text, double max, double *out);

#endif
