/* Where settings come from: flags, environment, defaults; see settings.h. */
#include "base/settings.h"

#include "base/settings_value.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETTINGS_MAX = 64,  /* settings in a table: the bits of `given` */
    NAME_MAX_BYTES = 40 /* longer words are not compared with the known names */
};

static const struct {
    const char *name;
    enum settings_result result;
} requests[] = {
    {"help", SETTINGS_HELP},
    {"version", SETTINGS_VERSION},
    {"healthcheck", SETTINGS_HEALTHCHECK},
};
enum { REQUESTS = sizeof requests / sizeof *requests };

/* A word of the command line, taken apart. */
struct flag {
    const char *name; /* not terminated where =VALUE follows */
    size_t len;
    const char *value; /* what follows `=`, or NULL */
};

static int wrong_value(const struct setting *s, const char *text, bool from_flag, struct err *err)
{
    char want[128];
    setting_describe(s, want, sizeof want);
    return err_set(err, ERR_INVALID, "%s%s: \"%.60s\" is not %s (from the %s)",
                   from_flag ? "--" : "", from_flag ? s->name : s->env, text, want,
                   from_flag ? "command line" : "environment");
}

/* Edits that turn one name into the other, by Levenshtein. */
static int distance(const char *a, size_t len, const char *b)
{
    int row[NAME_MAX_BYTES + 1];
    for (size_t i = 0; i <= len; i++)
        row[i] = (int)i;
    for (int j = 1; *b; b++, j++) {
        int diagonal = row[0];
        row[0] = j;
        for (size_t i = 1; i <= len; i++) {
            int change = diagonal + (a[i - 1] != *b);
            int insert = (row[i] < row[i - 1] ? row[i] : row[i - 1]) + 1;
            diagonal = row[i];
            row[i] = change < insert ? change : insert;
        }
    }
    return row[len];
}

static int unknown(const struct setting *table, const struct flag *f, struct err *err)
{
    const char *nearest = NULL;
    int best = (int)f->len / 2 + 1; /* what is further off is not meant */
    for (size_t i = 0; f->len <= NAME_MAX_BYTES && i < REQUESTS; i++)
        if (distance(f->name, f->len, requests[i].name) < best) {
            nearest = requests[i].name;
            best = distance(f->name, f->len, nearest);
        }
    for (const struct setting *s = table; f->len <= NAME_MAX_BYTES && s->name; s++)
        if (distance(f->name, f->len, s->name) < best) {
            nearest = s->name;
            best = distance(f->name, f->len, nearest);
        }
    return err_set(err, ERR_INVALID, "--%.*s is not known; %s%s; --help lists all",
                   (int)(f->len < 60 ? f->len : 60), f->name, nearest ? "the nearest is --" : "",
                   nearest ? nearest : "nor is any like it");
}

static bool names(const struct flag *f, const char *name)
{
    return strlen(name) == f->len && memcmp(name, f->name, f->len) == 0;
}

static int request_of(const struct flag *f)
{
    for (size_t i = 0; i < REQUESTS; i++)
        if (names(f, requests[i].name))
            return (int)requests[i].result;
    return SETTINGS_OK;
}

static const struct setting *setting_of(const struct setting *table, const struct flag *f)
{
    for (const struct setting *s = table; s->name; s++)
        if (names(f, s->name))
            return s;
    return NULL;
}

/* Gives a setting its flag's value, which may be the next word: `*i` moves on to it then. */
static int take_flag(const struct setting *s, struct flag *f, int argc, char **argv, int *i,
                     struct err *err)
{
    if (!f->value && s->type == SETTING_FLAG)
        f->value = "true";
    if (!f->value && *i + 1 < argc && strncmp(argv[*i + 1], "--", 2) != 0)
        f->value = argv[++*i];
    if (!f->value)
        return err_set(err, ERR_INVALID, "--%s needs a value", s->name);
    return setting_assign(s, f->value) == OK ? OK : wrong_value(s, f->value, true, err);
}

/* Takes one flag and notes it in `given`. A settings_result or a negative code. */
static int take_word(const struct setting *table, int argc, char **argv, int *i, uint64_t *given,
                     struct err *err)
{
    const char *word = strcmp(argv[*i], "-h") == 0 ? "--help" : argv[*i];
    if (strncmp(word, "--", 2) != 0 || !word[2])
        return err_set(err, ERR_INVALID, "\"%.60s\" is no option; --help lists them", word);
    const char *equals = strchr(word, '=');
    struct flag f = {word + 2, strcspn(word + 2, "="), equals ? equals + 1 : NULL};
    int request = request_of(&f);
    const struct setting *s = request ? NULL : setting_of(table, &f);
    if (request || !s)
        return request ? request : unknown(table, &f, err);
    *given |= 1ULL << (s - table);
    return take_flag(s, &f, argc, argv, i, err);
}

static int take_fallback(const struct setting *s, struct err *err)
{
    const char *value = s->env ? getenv(s->env) : NULL;
    if (value && *value)
        return setting_assign(s, value) == OK ? OK : wrong_value(s, value, false, err);
    int rc = setting_assign(s, s->fallback);
    assert(rc == OK && "the table's own default is wrong");
    return rc;
}

int settings_parse(const struct setting *table, int argc, char **argv, struct err *err)
{
    uint64_t given = 0;
    int result = SETTINGS_OK;
    for (int i = 1; i < argc; i++) {
        int rc = take_word(table, argc, argv, &i, &given, err);
        if (rc < 0 || rc == SETTINGS_HELP || rc == SETTINGS_VERSION)
            return rc;
        result = rc ? rc : result;
    }
    for (const struct setting *s = table; s->name; s++) {
        assert(s - table < SETTINGS_MAX);
        int rc = given >> (s - table) & 1 ? OK : take_fallback(s, err);
        if (rc != OK)
            return rc;
    }
    return result;
}
