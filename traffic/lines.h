/*
 * On which line of a JSON text a key stands, so that a complaint about its value can name it. (The
 * JSON library tells lines for what is no JSON alone.) Pure.
 */
#ifndef TRAFFIC_LINES_H
#define TRAFFIC_LINES_H

#include <stddef.h>

/* The text is valid JSON. `path` holds keys from the outside inwards, and for an element of an
 * array its number in decimal. The line of the last of them that is there, counted from 1; keys
 * that are written with escapes are not found. */
size_t lines_of(const char *text, size_t len, const char *const path[], size_t depth);

#endif
