/* Redis URLs; see url.h. */
#include "redis/url.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* A piece of the text: [at, end). */
struct piece {
    const char *at, *end;
};

/* Cuts what stands before the first `c` off `rest` into `head`; false, and no change, if none. */
static bool cut_at(struct piece *rest, char c, struct piece *head)
{
    const char *found = memchr(rest->at, c, (size_t)(rest->end - rest->at));
    if (!found)
        return false;
    *head = (struct piece){rest->at, found};
    rest->at = found + 1;
    return true;
}

static int hex_digit(char c)
{
    if (!isxdigit((unsigned char)c))
        return -1;
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Percent-decodes into out[size]; false where it is malformed, holds a NUL, or does not fit. */
static bool decode(struct piece in, char *out, size_t size)
{
    size_t n = 0;
    while (in.at < in.end) {
        int c = (unsigned char)*in.at++;
        if (c == '%') {
            if (in.end - in.at < 2 || hex_digit(in.at[0]) < 0 || hex_digit(in.at[1]) < 0)
                return false;
            c = hex_digit(in.at[0]) * 16 + hex_digit(in.at[1]);
            in.at += 2;
        }
        if (c == 0 || n + 1 >= size)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

/* A decimal number of 1 to 5 digits, and nothing else. */
static bool number(struct piece in, int most, int *out)
{
    if (in.at == in.end || in.end - in.at > 5)
        return false;
    int value = 0;
    for (; in.at < in.end; in.at++) {
        if (!isdigit((unsigned char)*in.at))
            return false;
        value = value * 10 + (*in.at - '0');
    }
    *out = value;
    return value <= most;
}

/* The password may hold any character but those of the URL's own structure, so the last @ is it. */
static bool take_login(struct piece *rest, struct redis_url *url)
{
    const char *at = memrchr(rest->at, '@', (size_t)(rest->end - rest->at));
    if (!at)
        return true;
    struct piece login = {rest->at, at}, user;
    rest->at = at + 1;
    return cut_at(&login, ':', &user) && decode(user, url->user, sizeof url->user) &&
           decode(login, url->password, sizeof url->password) && url->password[0];
}

/* host, host:port, [v6] or [v6]:port */
static bool take_host(struct piece rest, struct redis_url *url)
{
    struct piece host = rest;
    if (rest.at < rest.end && *rest.at == '[') {
        rest.at++;
        if (!cut_at(&rest, ']', &host) || (rest.at < rest.end && *rest.at++ != ':'))
            return false;
        if (rest.at == rest.end && rest.end[-1] == ':')
            return false;
    } else if (!cut_at(&rest, ':', &host)) {
        rest.at = rest.end;
    } else if (rest.at == rest.end) {
        return false;
    }
    if (rest.at < rest.end && (!number(rest, 65535, &url->port) || url->port == 0))
        return false;
    return host.at < host.end && decode(host, url->host, sizeof url->host);
}

int redis_url_parse(struct redis_url *url, const char *text, struct err *err)
{
    static const char scheme[] = "redis://";
    *url = (struct redis_url){.port = REDIS_PORT_DEFAULT};
    if (strncmp(text, scheme, sizeof scheme - 1) != 0)
        return err_set(err, ERR_INVALID, "a Redis URL begins with redis://");
    struct piece rest = {text + sizeof scheme - 1, text + strlen(text)}, authority;
    const char *login_end = memrchr(rest.at, '@', (size_t)(rest.end - rest.at));
    struct piece after_login = {login_end ? login_end : rest.at, rest.end};
    if (cut_at(&after_login, '/', &authority)) {
        if (after_login.at < after_login.end && !number(after_login, 65535, &url->db))
            return err_set(err, ERR_INVALID, "the database of a Redis URL is a number");
        rest.end = authority.end;
    }
    if (!take_login(&rest, url))
        return err_set(err, ERR_INVALID, "before the @ of a Redis URL stands user:password");
    if (!take_host(rest, url))
        return err_set(err, ERR_INVALID, "expected redis://[user:password@]host[:port][/db]");
    return OK;
}
