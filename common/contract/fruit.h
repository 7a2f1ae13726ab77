/*
 * The five fruits, and FRUIT_ALL for their sum: names in messages, queries, labels and cache keys.
 */
#ifndef CONTRACT_FRUIT_H
#define CONTRACT_FRUIT_H

#include "base/err.h"

enum fruit {
    FRUIT_APPLES,
    FRUIT_ORANGES,
    FRUIT_BANANAS,
    FRUIT_GRAPES,
    FRUIT_PEARS,
    FRUIT_COUNT,
    FRUIT_ALL = FRUIT_COUNT /* all five together; in queries and cache keys, never in a message */
};

/* Names are compared without regard to the case of ASCII letters. 0 or ERR_UNKNOWN_FRUIT. */
int fruit_parse(const char *text, size_t len, enum fruit *out) MUST_CHECK;

/* As fruit_parse, and "all" is FRUIT_ALL. */
int fruit_or_all_parse(const char *text, size_t len, enum fruit *out) MUST_CHECK;

/* "pears"; "all" for FRUIT_ALL. Static. */
const char *fruit_name(enum fruit fruit);

/* "fruit_pears"; "fruit_all" for FRUIT_ALL: the Redis key of the last minute's sum. Static. */
const char *fruit_cache_key(enum fruit fruit);

#endif
