/* UTF-8 as label values must be: checked, and repaired where it is wrong. */
#include "metrics/internal.h"

#include <stdlib.h>
#include <string.h>

static const char REPLACEMENT[] = "\xef\xbf\xbd"; /* U+FFFD */
enum { REPLACEMENT_LEN = sizeof REPLACEMENT - 1 };

/* The length of the sequence at `s`, or 0: no overlong forms, surrogates, or beyond U+10FFFF. */
static unsigned sequence_len(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    unsigned n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    for (unsigned i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) /* the terminator too ends a sequence early */
            return 0;
    return n;
}

bool metric_utf8_valid(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    for (unsigned n; *p; p += n)
        if (!(n = sequence_len(p)))
            return false;
    return true;
}

char *metric_utf8_repaired(const char *text)
{
    char *copy = malloc(strlen(text) * REPLACEMENT_LEN + 1), *out = copy;
    for (; copy && *text; text++) {
        unsigned n = sequence_len((const unsigned char *)text);
        out = mempcpy(out, n ? text : REPLACEMENT, n ? n : REPLACEMENT_LEN);
        text += n ? n - 1 : 0;
    }
    if (copy)
        *out = '\0';
    return copy;
}
