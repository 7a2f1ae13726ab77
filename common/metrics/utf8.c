/* UTF-8 as label values must be: checked, and repaired where it is wrong. */
#include "base/utf8.h"

#include "metrics/internal.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 4 };

static size_t sequence_len(const char *text)
{
    return utf8_sequence(text, strnlen(text, LONGEST));
}

bool metric_utf8_valid(const char *text)
{
    for (size_t n; *text; text += n)
        if (!(n = sequence_len(text)))
            return false;
    return true;
}

char *metric_utf8_repaired(const char *text)
{
    char *copy = malloc(strlen(text) * UTF8_REPLACEMENT_LEN + 1), *out = copy;
    for (; copy && *text; text++) {
        size_t n = sequence_len(text);
        out = mempcpy(out, n ? text : UTF8_REPLACEMENT, n ? n : UTF8_REPLACEMENT_LEN);
        text += n ? n - 1 : 0;
    }
    if (copy)
        *out = '\0';
    return copy;
}
