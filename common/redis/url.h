/* redis://[user:password@]host[:port][/db], taken apart. Pure. */
#ifndef REDIS_URL_H
#define REDIS_URL_H

#include "base/err.h"

#define REDIS_PORT_DEFAULT 6379

struct redis_url {
    char host[254];                /* a name or an address; IPv6 without its brackets */
    char user[128], password[256]; /* "" where the URL has none; percent-decoded */
    int port, db;
};

/* 0, or ERR_INVALID with a text in `err` (may be NULL) that never shows the password. A user is
 * optional, as in redis://:secret@host; so are the port and the database's number. */
int redis_url_parse(struct redis_url *url, const char *text, struct err *err) MUST_CHECK;

#endif
