/* Look-ups and comparisons for tests; see testing.h. */
#include "metrics/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX (METRICS_MAX_LABELS + 1) /* with le or quantile */

/* Series --------------------------------------------------------------------------------------- */

/* A name and its label pairs, `a="b"`, as they stand in a text. */
struct series {
    const char *at[PAIRS_MAX + 1];
    size_t len[PAIRS_MAX + 1];
    unsigned n; /* with the name */
};

static bool take(struct series *s, const char *from, const char *end)
{
    if (s->n > PAIRS_MAX)
        return false;
    s->at[s->n] = from;
    s->len[s->n++] = (size_t)(end - from);
    return true;
}

/* Behind the closing quote of a label pair; NULL: there is none. */
static const char *pair_end(const char *at)
{
    at = strchr(at, '"');
    for (at = at ? at + 1 : NULL; at && *at && *at != '"'; at++)
        if (*at == '\\' && at[1])
            at++;
    return at && *at ? at + 1 : NULL;
}

/* Behind the series; NULL: it is none. */
static const char *parse(const char *text, struct series *s)
{
    const char *at = text + strcspn(text, "{ \n");
    s->n = 0;
    take(s, text, at);
    if (*at != '{')
        return at;
    for (at++; *at && *at != '}'; at += *at == ',') {
        const char *end = pair_end(at);
        if (!end || !take(s, at, end))
            return NULL;
        at = end;
    }
    return *at ? at + 1 : NULL;
}

static bool has_pair(const struct series *s, const char *pair, size_t len)
{
    for (unsigned i = 1; i < s->n; i++)
        if (s->len[i] == len && !memcmp(s->at[i], pair, len))
            return true;
    return false;
}

static bool is_same(const struct series *a, const struct series *b)
{
    if (a->n != b->n || a->len[0] != b->len[0] || memcmp(a->at[0], b->at[0], a->len[0]) != 0)
        return false;
    for (unsigned i = 1; i < a->n; i++)
        if (!has_pair(b, a->at[i], a->len[i]))
            return false;
    return true;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

double metric_value(struct metrics_registry *registry, const char *series)
{
    struct series wanted, here;
    struct buf page = {0};
    double value = NAN;
    struct metrics_registry *r = registry ? registry : &metrics_default;
    if (!parse(series, &wanted) || metrics_registry_write_text(r, &page) != OK)
        return NAN;
    for (const char *line = buf_cstr(&page); *line; line = next_line(line)) {
        const char *end = *line == '#' ? NULL : parse(line, &here);
        if (end && is_same(&here, &wanted))
            value = strtod(end, NULL);
    }
    buf_free(&page);
    return value;
}

/* Differences ---------------------------------------------------------------------------------- */

static size_t line_len(const char *line)
{
    return (size_t)(next_line(line) - line);
}

static bool same_line(const char *a, const char *b)
{
    return line_len(a) == line_len(b) && !memcmp(a, b, line_len(a));
}

static bool is_among(const char *line, const char *text)
{
    for (; *text; text = next_line(text))
        if (same_line(line, text))
            return true;
    return false;
}

static void say(struct buf *out, const char *sign, const char *line)
{
    size_t len = line_len(line);
    buf_text(out, sign);
    buf_append(out, line, len);
    if (!len || line[len - 1] != '\n')
        buf_text(out, "\n(without an end of line)\n");
}

/* What both have is shown once; of the rest, first what was expected. */
static void compare(struct buf *out, const char *expected, const char *there)
{
    while (*expected || *there) {
        if (*expected && *there && same_line(expected, there)) {
            say(out, "  ", expected);
            expected = next_line(expected);
            there = next_line(there);
        } else if (*expected &&
                   (!*there || !is_among(expected, there) || is_among(there, expected))) {
            say(out, "- ", expected);
            expected = next_line(expected);
        } else {
            say(out, "+ ", there);
            there = next_line(there);
        }
    }
}

char *metrics_expect_(struct metrics_registry *registry, const char *expected,
                      const char *const names[])
{
    struct metrics_exposition what = {.names = names};
    struct buf page = {0}, out = {0};
    while (names[what.n_names])
        what.n_names++;
    char *text = NULL;
    if (metrics_write(registry ? registry : &metrics_default, &what, &page) != OK)
        text = strdup("out of memory\n");
    else if (strcmp(buf_cstr(&page), expected) != 0) {
        compare(&out, expected, buf_cstr(&page));
        text = strdup(buf_cstr(&out));
    }
    buf_free(&page);
    buf_free(&out);
    return text;
}
