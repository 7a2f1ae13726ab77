/* The customs of naming, as promlint 1.14 checks them; see lint.h. */
#include "metrics/lint.h"

#include "metrics/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct lint {
    const struct metric_spec *spec;
    metrics_finding_fn *fn;
    void *ctx;
    unsigned n;
};

static void found(struct lint *l, const char *text)
{
    struct metrics_finding finding = {l->spec->file, l->spec->line, l->spec->name, text};
    l->n++;
    if (l->fn)
        l->fn(l->ctx, &finding);
}

/* Words ---------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* Is `word` in the name, behind a '_' and before another or the end? Without regard to case. */
static bool has_word(const char *name, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = name; (at = strchr(at, '_')); at++)
        if (!strncasecmp(at + 1, word, n) && (at[1 + n] == '_' || !at[1 + n]))
            return true;
    return false;
}

static bool is_camel(const char *name)
{
    for (; *name; name++)
        if (islower((unsigned char)name[0]) && isupper((unsigned char)name[1]))
            return true;
    return false;
}

/* Rules ---------------------------------------------------------------------------------------- */

static const char *const prefixes[] = {"",     "pico",  "nano", "micro", "milli", "centi", "deci",
                                       "deca", "hecto", "kilo", "kibi",  "mega",  "mibi",  "giga",
                                       "gibi", "tera",  "tebi", "peta",  "pebi"};
static const struct {
    const char *unit, *base;
} units[] = {
    {"amperes", "amperes"},    {"bytes", "bytes"},     {"celsius", "celsius"},
    {"grams", "grams"},        {"joules", "joules"},   {"kelvin", "kelvin"},
    {"meters", "meters"},      {"metres", "metres"},   {"seconds", "seconds"},
    {"volts", "volts"},        {"minutes", "seconds"}, {"hours", "seconds"},
    {"days", "seconds"},       {"weeks", "seconds"},   {"kelvins", "kelvin"},
    {"fahrenheit", "celsius"}, {"rankine", "celsius"}, {"inches", "meters"},
    {"yards", "meters"},       {"miles", "meters"},    {"bits", "bytes"},
    {"calories", "joules"},    {"pounds", "grams"},    {"ounces", "grams"},
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* `word` is a prefix and a unit. */
static bool is_unit(const char *word, size_t len, const char *prefix, const char *unit)
{
    size_t n = strlen(prefix);
    return len == n + strlen(unit) && !memcmp(word, prefix, n) && !memcmp(word + n, unit, len - n);
}

/* Says so and returns true where the word is a unit but no base unit. */
static bool lint_word(struct lint *l, const char *word, size_t len)
{
    char text[100];
    for (size_t u = 0; u < COUNT(units); u++)
        for (size_t p = 0; p < COUNT(prefixes); p++) {
            if (!is_unit(word, len, prefixes[p], units[u].unit))
                continue;
            if (len == strlen(units[u].base) && !memcmp(word, units[u].base, len))
                return false;
            snprintf(text, sizeof text, "use base unit \"%s\" instead of \"%.*s\"", units[u].base,
                     (int)len, word);
            found(l, text);
            return true;
        }
    return false;
}

static void lint_units(struct lint *l)
{
    for (const char *word = l->spec->name;;) {
        size_t len = strcspn(word, "_");
        if (lint_word(l, word, len) || !word[len])
            return;
        word += len + 1;
    }
}

static void lint_abbreviations(struct lint *l)
{
    static const char *const words[] = {"s",  "ms", "us", "ns", "sec", "b", "kb",
                                        "mb", "gb", "tb", "pb", "m",   "h", "d"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (has_word(l->spec->name, words[i]))
            found(l, "metric names should not contain abbreviated units");
}

static void lint_total(struct lint *l)
{
    bool total = ends_with(l->spec->name, "_total");
    if (l->spec->type == METRIC_COUNTER && !total)
        found(l, "counter metrics should have \"_total\" suffix");
    else if (l->spec->type != METRIC_COUNTER && total)
        found(l, "non-counter metrics should not have \"_total\" suffix");
}

static void lint_reserved(struct lint *l)
{
    const char *name = l->spec->name;
    bool buckets = l->spec->type == METRIC_HISTOGRAM;
    bool plain = !buckets && l->spec->type != METRIC_SUMMARY;
    if (!buckets && ends_with(name, "_bucket"))
        found(l, "non-histogram metrics should not have \"_bucket\" suffix");
    if (plain && ends_with(name, "_count"))
        found(l, "non-histogram and non-summary metrics should not have \"_count\" suffix");
    if (plain && ends_with(name, "_sum"))
        found(l, "non-histogram and non-summary metrics should not have \"_sum\" suffix");
    for (unsigned i = 0; i < l->spec->n_labels; i++) {
        if (!buckets && !strcmp(l->spec->labels[i], "le"))
            found(l, "non-histogram metrics should not have \"le\" label");
        if (l->spec->type != METRIC_SUMMARY && !strcmp(l->spec->labels[i], "quantile"))
            found(l, "non-summary metrics should not have \"quantile\" label");
    }
}

static void lint_type_in_name(struct lint *l)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "summary",
                                        "gauge_histogram"};
    char text[100];
    for (size_t i = 0; i < COUNT(types); i++) {
        if (!has_word(l->spec->name, types[i]))
            continue;
        snprintf(text, sizeof text, "metric name should not include type '%s'", types[i]);
        found(l, text);
    }
}

static void lint_spelling(struct lint *l)
{
    if (strchr(l->spec->name, ':'))
        found(l, "metric names should not contain ':'");
    if (is_camel(l->spec->name))
        found(l, "metric names should be written in 'snake_case' not 'camelCase'");
    for (unsigned i = 0; i < l->spec->n_labels; i++)
        if (is_camel(l->spec->labels[i]))
            found(l, "label names should be written in 'snake_case' not 'camelCase'");
}

/* All of them ---------------------------------------------------------------------------------- */

static bool is_allowed(const char *name, const char *const allowed[])
{
    for (; allowed && *allowed; allowed++)
        if (!strcmp(*allowed, name))
            return true;
    return false;
}

static void lint_family(struct lint *l)
{
    if (!l->spec->help || !*l->spec->help)
        found(l, "no help text");
    lint_units(l);
    lint_total(l);
    lint_reserved(l);
    lint_type_in_name(l);
    lint_spelling(l);
    lint_abbreviations(l);
}

unsigned metrics_lint(struct metrics_registry *registry, const char *const allowed[],
                      metrics_finding_fn *fn, void *ctx)
{
    struct metrics_registry *r = registry ? registry : &metrics_default;
    struct lint l = {.fn = fn, .ctx = ctx};
    pthread_mutex_lock(&r->lock);
    METRIC_EACH_FAMILY(f, &r->families)
    {
        l.spec = &f->spec;
        if (!is_allowed(f->spec.name, allowed))
            lint_family(&l);
    }
    pthread_mutex_unlock(&r->lock);
    return l.n;
}

static void print(void *ctx, const struct metrics_finding *f)
{
    (void)ctx;
    fprintf(stderr, "%s:%d: metric \"%s\": %s\n", f->file ? f->file : "?", f->line, f->name,
            f->text);
}

unsigned metrics_lint_print(struct metrics_registry *registry, const char *const allowed[])
{
    return metrics_lint(registry, allowed, print, NULL);
}
