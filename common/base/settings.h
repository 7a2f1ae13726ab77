/*
 * Settings: one table a program. A flag wins over the environment, which wins over the default.
 *
 *     static struct settings { const char *listen; int64_t users; } s;
 *     static const struct setting table[] = {
 *         {"listen", "LISTEN", SETTING_TEXT, &s.listen, "127.0.0.1:5000", "HOST:PORT to serve on"},
 *         {"users", NULL, SETTING_INT, &s.users, "10", "concurrent users", .min = 1, .max =
 * 100000}, {NULL},
 *     };
 *
 * Flags are `--name VALUE` and `--name=VALUE`; a SETTING_FLAG takes none, or `=true|false`. An
 * empty environment variable counts as unset. Texts point into argv, the environment or the table,
 * and live as long as these.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum setting_type {
    SETTING_TEXT,   /* const char *: any text but an empty one; with .choices one of them */
    SETTING_INT,    /* int64_t between .min and .max; decimal, whole */
    SETTING_NUMBER, /* double between .min and .max; finite */
    SETTING_RANGE,  /* struct setting_range: "100-500" or one number, in milliseconds */
    SETTING_FLAG,   /* bool */
    SETTING_ADDRESS /* const char *: HOST:PORT, [V6]:PORT, with a port of 0..65535 */
};

struct setting_range {
    int64_t low, high;
};

struct setting {
    const char *name; /* without the dashes */
    const char *env;  /* or NULL */
    enum setting_type type;
    void *target;
    const char *fallback; /* the default as text; NULL: none, the target becomes NULL or 0 */
    const char *help;
    double min,
        max; /* of INT, NUMBER and RANGE; max <= min (as where both are 0): no upper bound */
    const char *choices; /* "text|json", or NULL */
};

enum settings_result {
    SETTINGS_OK = 0,
    SETTINGS_HELP = 1,       /* --help was asked for */
    SETTINGS_VERSION = 2,    /* --version was asked for */
    SETTINGS_HEALTHCHECK = 3 /* --healthcheck was asked for; all settings are parsed */
};

/* Fills all targets. A settings_result, or a negative code with a text in `err` that names the
 * setting, where its value came from and what is allowed. Unknown flags are errors, and the text
 * proposes the nearest known name; so are words that are no flag. `table` ends with a NULL name. */
int settings_parse(const struct setting *table, int argc, char **argv, struct err *err) MUST_CHECK;

/* The help text: usage, what the program is, one line a setting with its variable and default. */
void settings_help(const struct setting *table, FILE *out, const char *program, const char *about);

/* What every main does first: parses; prints help or version and exits 0; prints a bad value to
 * stderr and exits 2. Returns SETTINGS_OK or SETTINGS_HEALTHCHECK. */
int settings_or_exit(const struct setting *table, int argc, char **argv, const char *program,
                     const char *about);

/* Splits HOST:PORT or [V6]:PORT into `host` (at least 256 bytes) and `port`. 0 or ERR_INVALID. */
int settings_split_address(const char *text, char *host, int *port) MUST_CHECK;

/* A random whole number of milliseconds in the range; 0 where the range is 0. */
int64_t setting_range_pick(struct setting_range range);

#endif
