/* Names of fruits; see fruit.h. */
#include "contract/fruit.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define KEY_PREFIX "fruit_"

static const char *const keys[] = {
    [FRUIT_APPLES] = KEY_PREFIX "apples",   [FRUIT_ORANGES] = KEY_PREFIX "oranges",
    [FRUIT_BANANAS] = KEY_PREFIX "bananas", [FRUIT_GRAPES] = KEY_PREFIX "grapes",
    [FRUIT_PEARS] = KEY_PREFIX "pears",     [FRUIT_ALL] = KEY_PREFIX "all",
};

const char *fruit_cache_key(enum fruit fruit)
{
    assert(fruit <= FRUIT_ALL);
    return keys[fruit];
}

const char *fruit_name(enum fruit fruit)
{
    return fruit_cache_key(fruit) + strlen(KEY_PREFIX);
}

/* Finds a name among the fruits up to and including `last`. */
static int parse(const char *text, size_t len, enum fruit last, enum fruit *out)
{
    for (int i = 0; i <= (int)last; i++) {
        const char *name = fruit_name((enum fruit)i);
        if (strlen(name) == len && strncasecmp(name, text, len) == 0) {
            *out = (enum fruit)i;
            return OK;
        }
    }
    return ERR_UNKNOWN_FRUIT;
}

int fruit_parse(const char *text, size_t len, enum fruit *out)
{
    return parse(text, len, FRUIT_COUNT - 1, out);
}

int fruit_or_all_parse(const char *text, size_t len, enum fruit *out)
{
    return parse(text, len, FRUIT_ALL, out);
}
