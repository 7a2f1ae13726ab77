/* gzip; see gzip.h. */
#include "http/gzip.h"

#include "base/accept.h"

#include <limits.h>

#include <zlib.h>

#define LEVEL       1         /* level 6 takes three times as long for a page a fifth smaller */
#define WINDOW_BITS (15 + 16) /* 32 KiB, with gzip's head and tail in place of zlib's */
#define MEMORY      8
#define CHUNK       (16 * 1024)

bool http_gzip_is_wanted(const char *accept_encoding, size_t len)
{
    const char *at = accept_encoding, *end = len ? at + len : at;
    int gzip = -1, any = 0, identity = 0;
    for (struct accept_element e; accept_next(&at, end, &e);)
        if (accept_is(e.name, "gzip") || accept_is(e.name, "x-gzip"))
            gzip = e.q;
        else if (accept_is(e.name, "identity"))
            identity = e.q;
        else if (accept_is(e.name, "*"))
            any = e.q;
    gzip = gzip < 0 ? any : gzip;
    return gzip > 0 && gzip >= identity;
}

/* Z_OK: there is more to come. */
static int pack_some(z_stream *z, struct buf *out)
{
    if (buf_reserve(out, CHUNK) != OK)
        return Z_MEM_ERROR;
    unsigned room = buf_room(out) < UINT_MAX ? (unsigned)buf_room(out) : UINT_MAX;
    z->next_out = (Bytef *)buf_tail(out);
    z->avail_out = room;
    int rc = deflate(z, Z_FINISH);
    buf_added(out, room - z->avail_out);
    return rc;
}

int http_gzip(const char *data, size_t len, struct buf *out)
{
    z_stream z = {.next_in = (z_const Bytef *)data, .avail_in = (unsigned)len};
    if (len > UINT_MAX)
        return ERR_TOO_LARGE;
    if (deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_NOMEM;
    int rc;
    do
        rc = pack_some(&z, out);
    while (rc == Z_OK);
    deflateEnd(&z);
    return rc == Z_STREAM_END ? OK : ERR_NOMEM;
}
