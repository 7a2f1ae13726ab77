/* AMQP URLs; see url.h. */
#include "amqp/url.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME "amqp://"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes text[0..n) into `out`. False where an escape is broken, the text too long or with a NUL.
 */
static bool decode(char out[AMQP_URL_PART_MAX + 1], const char *text, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            if (n - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
                return false;
            c = hex(text[i + 1]) * 16 + hex(text[i + 2]);
            i += 2;
        }
        if (c == 0 || used == AMQP_URL_PART_MAX)
            return false;
        out[used++] = (char)c;
    }
    out[used] = 0;
    return true;
}

/* user[:password]; an empty text keeps the defaults. */
static bool parse_credentials(struct amqp_url *u, const char *text, size_t n)
{
    const char *colon = memchr(text, ':', n);
    size_t user = colon ? (size_t)(colon - text) : n;

    if (!decode(u->user, text, user))
        return false;
    return !colon || decode(u->password, colon + 1, n - user - 1);
}

static bool parse_port(int *port, const char *text, size_t n)
{
    char digits[6] = "";

    if (n == 0 || n > 5 || strspn(text, "0123456789") < n)
        return false;
    memcpy(digits, text, n);
    *port = atoi(digits);
    return *port >= 1 && *port <= 65535;
}

/* host, host:port, [v6] or [v6]:port; an empty host keeps the default. */
static bool parse_address(struct amqp_url *u, const char *text, size_t n)
{
    bool bracket = n > 0 && text[0] == '[';
    const char *end = memchr(text, bracket ? ']' : ':', n);
    size_t host;

    if (bracket) {
        if (!end || !decode(u->host, text + 1, (size_t)(end - text - 1)))
            return false;
        host = (size_t)(end - text) + 1;
    } else {
        host = end ? (size_t)(end - text) : n;
        if (host > 0 && !decode(u->host, text, host))
            return false;
    }
    if (u->host[0] == 0)
        return false;
    return host == n || (text[host] == ':' && parse_port(&u->port, text + host + 1, n - host - 1));
}

static int parse_after_scheme(struct amqp_url *u, const char *text, struct err *err)
{
    size_t authority = strcspn(text, "/");
    const char *at = memrchr(text, '@', authority);
    const char *address = at ? at + 1 : text;
    const char *path = text + authority;

    if (at && !parse_credentials(u, text, (size_t)(at - text)))
        return err_set(err, ERR_INVALID,
                       "user or password in the AMQP URL is too long or has a "
                       "broken %% escape");
    if (!parse_address(u, address, (size_t)(path - address)))
        /* Not quoted: a slash in a password, not written as %2f, makes its beginning stand here. */
        return err_set(err, ERR_INVALID,
                       "what names the host in the AMQP URL is not HOST or HOST:PORT");
    if (path[0] == '/' && path[1] != 0 && !decode(u->vhost, path + 1, strlen(path + 1)))
        return err_set(err, ERR_INVALID,
                       "the vhost in the AMQP URL is too long or has a broken "
                       "%% escape");
    return OK;
}

int amqp_url_parse(struct amqp_url *out, const char *text, struct err *err)
{
    *out = (struct amqp_url){
        .host = "localhost", .user = "guest", .password = "guest", .vhost = "/", .port = 5672};

    if (!text || strncmp(text, SCHEME, strlen(SCHEME)) != 0)
        return err_set(err, ERR_INVALID,
                       "an AMQP URL begins with amqp:// (amqps is not supported)");
    if (strpbrk(text, "?#"))
        return err_set(err, ERR_INVALID,
                       "an AMQP URL takes no options after ? or #; write %%3f or %%23");
    return parse_after_scheme(out, text + strlen(SCHEME), err);
}
