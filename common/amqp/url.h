/*
 * Where a broker is and who we are there, from amqp://user:password@host:port/vhost.
 *
 * Each part may be left out: guest, guest, localhost, 5672, "/". User, password and vhost are
 * percent-decoded, so the vhost "/" may be written "/%2f" as well as "/" or not at all, and an
 * IPv6 host stands in brackets.
 */
#ifndef AMQP_URL_H
#define AMQP_URL_H

#include "base/err.h"

#define AMQP_URL_PART_MAX 255 /* bytes of each part; AMQP's short strings hold no more */

struct amqp_url {
    char host[AMQP_URL_PART_MAX + 1];
    char user[AMQP_URL_PART_MAX + 1];
    char password[AMQP_URL_PART_MAX + 1];
    char vhost[AMQP_URL_PART_MAX + 1];
    int port;
};

/* 0, or ERR_INVALID with a text that never repeats the credentials. */
int amqp_url_parse(struct amqp_url *out, const char *text, struct err *err) MUST_CHECK;

#endif
