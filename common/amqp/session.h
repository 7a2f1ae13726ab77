/*
 * What happens on a connection while it is open: frames come and go, the broker says what it has to
 * say about the connection itself, and both show that they live. For connection.c.
 */
#ifndef AMQP_SESSION_H
#define AMQP_SESSION_H

#include "amqp/connection.h"

/* The wire is readable or writable; `ctx` is the connection. Takes AMQP_READ_MAX bytes at most. */
void session_ready(int events, void *ctx);

/* Writes what the kernel takes of `out`. May lose the connection. */
void session_flush(struct amqp_connection *c);

/* Half a heartbeat has passed: sends one, and gives a silent peer up. */
void session_heartbeat(struct amqp_connection *c);

#endif
