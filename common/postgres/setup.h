/*
 * What a new connection is told before it is ready: the limits of time and the caller's SQL as one
 * simple query, then the statements to prepare, as one pipeline.
 */
#ifndef POSTGRES_SETUP_H
#define POSTGRES_SETUP_H

#include "postgres/pool.h"

/* The simple query's text, to be freed; NULL without memory. */
char *postgres_setup_text(const char *setup, int timeout_ms) MUST_CHECK;

/* Sends the statements, which begins the pipeline mode. 0 or ERR_LOST. */
int postgres_setup_prepare(PGconn *conn, const struct postgres_prepared *statements) MUST_CHECK;

/* Reads the answers to either, as far as they came: 1 when they are complete, 0 when more will
 * come, ERR_REFUSED with the server's words in why[size]. */
int postgres_setup_read(PGconn *conn, char *why, size_t size) MUST_CHECK;

#endif
