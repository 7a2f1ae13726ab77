/* The traceparent of W3C Trace Context: what ties a request to the message it becomes. */
#ifndef CONTRACT_TRACEPARENT_H
#define CONTRACT_TRACEPARENT_H

#include <stdbool.h>
#include <stddef.h>

#define TRACEPARENT_LEN  55
#define TRACEPARENT_SIZE (TRACEPARENT_LEN + 1) /* with the NUL */

/* Whether it is version-trace_id-parent_id-flags as section 3.2 of the specification has them. What
 * is not must not be passed on: it would end up in other people's logs. */
bool traceparent_valid(const char *text, size_t len);

#endif
