/* UTF-8, one sequence at a time. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

#define UTF8_REPLACEMENT     "\xef\xbf\xbd" /* U+FFFD, for what is no UTF-8 */
#define UTF8_REPLACEMENT_LEN 3

/* The length (1 to 4) of the valid sequence that the `n` bytes at `text` begin with, n > 0; 0 where
 * they begin with none: an overlong form, a surrogate, a code past U+10FFFF, or one cut short. */
size_t utf8_sequence(const char *text, size_t n);

#endif
