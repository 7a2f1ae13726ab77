/* A socket that listens, for the servers of all protocols. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "base/err.h"

#include <uv.h>

#define HTTP_BACKLOG 4096 /* the kernel's own limit is usually the same */

/* A listening TCP socket on HOST:PORT, for uv_tcp_open; or a negative code with a text, in which a
 * port in use is named. A name is looked up at once, which may block. */
int http_listen_socket(const char *address, struct err *err) MUST_CHECK;

/* The port that a listening handle has, also where 0 was asked for; 0 where it is closed. */
int http_listener_port(const uv_tcp_t *listener);

#endif
