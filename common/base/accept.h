/*
 * The elements of a list of preferences: `text/plain;version=0.0.4;q=0.5, *;q=0.1`, as the HTTP
 * fields Accept and Accept-Encoding hold them (RFC 9110, 12.4 and 12.5).
 *
 *     const char *at = value, *end = value + len;
 *     for (struct accept_element e; accept_next(&at, end, &e);)
 *         if (accept_is(e.name, "gzip") && e.q > 0) …
 *
 * Nothing is copied: what an element points to lies in the list. Whatever the bytes are, the walk
 * ends and reads none outside of them. Letters are compared without regard to case.
 */
#ifndef BASE_ACCEPT_H
#define BASE_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

#define ACCEPT_Q_ONE 1000

struct accept_text {
    const char *data;
    size_t len;
};

struct accept_element {
    struct accept_text name;       /* "text/plain"; never empty */
    struct accept_text parameters; /* all behind the first ';' */
    int q; /* in thousandths; ACCEPT_Q_ONE where there is none, or one that is no number */
};

/* Takes the next element off the front; false at the end. */
bool accept_next(const char **at, const char *end, struct accept_element *element);

/* The value of a parameter, without the quotes around it; false: it is not there. */
bool accept_parameter(const struct accept_element *element, const char *name,
                      struct accept_text *value);

bool accept_is(struct accept_text text, const char *word);

#endif
