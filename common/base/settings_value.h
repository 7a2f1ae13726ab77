/* The values of settings: text to target, and what to say of a text that is wrong. For settings.c.
 */
#ifndef BASE_SETTINGS_VALUE_H
#define BASE_SETTINGS_VALUE_H

#include "base/settings.h"

/* Fills the target. 0, or ERR_INVALID with the target unchanged. NULL clears the target. */
int setting_assign(const struct setting *s, const char *text) MUST_CHECK;

/* What a value must be, to follow "is not ": "a whole number between 1 and 10". Terminates `out`.
 */
void setting_describe(const struct setting *s, char *out, size_t size);

#endif
