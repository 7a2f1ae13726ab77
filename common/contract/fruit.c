/* Names of fruits; see fruit.h. */
#include "contract/fruit.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define NAME_OF(constant, name) [FRUIT_##constant] = name,
static const char *const names[] = {FRUIT_MAP(NAME_OF)[FRUIT_ALL] = "all"};

#define KEY_OF(constant, name) [FRUIT_##constant] = "fruit_" name,
static const char *const keys[] = {FRUIT_MAP(KEY_OF)[FRUIT_ALL] = "fruit_all"};

static int parse(const char *text, size_t len, enum fruit last, enum fruit *out)
{
    for (int i = 0; i <= (int)last; i++)
        if (strlen(names[i]) == len && strncasecmp(names[i], text, len) == 0) {
            *out = (enum fruit)i;
            return OK;
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

const char *fruit_name(enum fruit fruit)
{
    assert(fruit <= FRUIT_ALL);
    return names[fruit];
}

const char *fruit_cache_key(enum fruit fruit)
{
    assert(fruit <= FRUIT_ALL);
    return keys[fruit];
}
