/* What every main does with its settings first, and the help text; see settings.h. */
#include "base/random.h"
#include "base/settings.h"

#include <stdlib.h>
#include <string.h>

static const char *placeholder(const struct setting *s)
{
    static const char *const names[] = {
        [SETTING_TEXT] = "TEXT",   [SETTING_INT] = "N", [SETTING_NUMBER] = "NUMBER",
        [SETTING_RANGE] = "MS-MS", [SETTING_FLAG] = "", [SETTING_ADDRESS] = "HOST:PORT",
    };
    return s->choices ? s->choices : names[s->type];
}

static int column_width(const struct setting *table)
{
    size_t width = strlen("healthcheck");
    for (const struct setting *s = table; s->name; s++) {
        size_t n = strlen(s->name) + 1 + strlen(placeholder(s));
        width = n > width ? n : width;
    }
    return (int)width;
}

static void help_line(const struct setting *s, FILE *out, int width)
{
    int rest = width - (int)strlen(s->name) - 1;
    fprintf(out, "  --%s %-*s  %s", s->name, rest, placeholder(s), s->help);
    if (s->fallback && s->type != SETTING_FLAG)
        fprintf(out, " (default %s)", s->fallback);
    if (s->env)
        fprintf(out, " [$%s]", s->env);
    fputc('\n', out);
}

void settings_help(const struct setting *table, FILE *out, const char *program, const char *about)
{
    int width = column_width(table);
    fprintf(out, "usage: %s [OPTIONS]\n%s\n\n", program, about);
    for (const struct setting *s = table; s->name; s++)
        help_line(s, out, width);
    fprintf(out, "  --%-*s  ask the running program whether it is well; exits 0 if so\n", width,
            "healthcheck");
    fprintf(out, "  --%-*s  print this and exit\n", width, "help");
    fprintf(out, "  --%-*s  print the version and exit\n", width, "version");
    fprintf(out,
            "\nA flag wins over its environment variable [$NAME], which wins over the default.\n");
}

int settings_or_exit(const struct setting *table, int argc, char **argv, const char *program,
                     const char *about)
{
    struct err err;
    int rc = settings_parse(table, argc, argv, &err);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", program, err.text);
        exit(2);
    }
    if (rc == SETTINGS_HELP)
        settings_help(table, stdout, program, about);
    if (rc == SETTINGS_VERSION)
        printf("%s %s\n", program, WORKSHOP_VERSION);
    if (rc == SETTINGS_HELP || rc == SETTINGS_VERSION)
        exit(fflush(stdout) == 0 ? 0 : 1);
    return rc;
}

int64_t setting_range_pick(struct setting_range range)
{
    if (range.high <= range.low)
        return range.low;
    uint64_t span = (uint64_t)(range.high - range.low) + 1;
    return range.low + (int64_t)(random_u64() % span);
}
