/*
 * UUIDs (RFC 9562): the ids by which a message is stored once however often it is delivered.
 */
#ifndef CONTRACT_UUID_H
#define CONTRACT_UUID_H

#include "base/err.h"

#include <stdbool.h>

#define UUID_LEN  36
#define UUID_SIZE (UUID_LEN + 1) /* with the NUL */

/* Writes a new version 7 UUID in lower case: milliseconds, a counter, randomness. Those of one
 * process ascend, which keeps the inserts at the right edge of the unique index. For one thread. */
void uuid_v7(char out[UUID_SIZE]);

/* Whether it is 8-4-4-4-12 hexadecimal digits, of any version and in either case. */
bool uuid_valid(const char *text, size_t len);

/* Writes a valid UUID in lower case. 0, or ERR_INVALID with `out` unchanged. */
int uuid_normalise(const char *text, size_t len, char out[UUID_SIZE]) MUST_CHECK;

#endif
