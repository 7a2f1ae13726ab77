/* The form of a traceparent; see traceparent.h. */
#include "contract/traceparent.h"

#include <string.h>

static bool all(const char *text, size_t len, char c)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] != c)
            return false;
    return true;
}

static bool is_lower_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool traceparent_valid(const char *text, size_t len)
{
    if (len != TRACEPARENT_LEN)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool dash = i == 2 || i == 35 || i == 52;
        if (dash ? text[i] != '-' : !is_lower_hex(text[i]))
            return false;
    }
    /* Version ff, and ids of zeroes alone, are forbidden. */
    return !all(text, 2, 'f') && !all(text + 3, 32, '0') && !all(text + 36, 16, '0');
}
