/* The field grpc-timeout: one to eight digits and a unit, H M S m u n; "250m" is 250 ms. */
#ifndef GRPC_TIMEOUT_H
#define GRPC_TIMEOUT_H

#include "base/err.h"

#include <stdint.h>

#define GRPC_TIMEOUT_FIELD 12 /* bytes that the longest field takes, its NUL included */

/* Milliseconds, rounded up. 0, or ERR_INVALID for what is no such field. */
int grpc_timeout_parse(const char *text, size_t len, uint64_t *ms) MUST_CHECK;

/* The field for so many milliseconds, in the finest unit that has room for them: beyond 99999999
 * ms it is told in seconds, and so on, rounded up. */
void grpc_timeout_write(char field[GRPC_TIMEOUT_FIELD], uint64_t ms);

#endif
