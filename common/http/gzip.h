/* gzip as a content coding (RFC 9110, 8.4.1.3): whether a client wants it, and the packing. */
#ifndef HTTP_GZIP_H
#define HTTP_GZIP_H

#include "base/buf.h"

/* Whether an Accept-Encoding field (of several, joined with commas) prefers gzip to no coding. */
bool http_gzip_is_wanted(const char *accept_encoding, size_t len);

/* Appends the packed bytes. 0, ERR_NOMEM or ERR_TOO_LARGE (past 4 GiB); then `out` holds a part.
 * Takes 45 us and 3 ns a byte more, so it runs on the thread pool, never on the loop. */
int http_gzip(const char *data, size_t len, struct buf *out) MUST_CHECK;

#endif
