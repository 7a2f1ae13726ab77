/* Lines of keys; see lines.h. Valid JSON makes it short: only strings and brackets matter. */
#include "traffic/lines.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct place {
    const char *at, *end;
    size_t line;
};

static void step(struct place *p)
{
    p->line += *p->at == '\n';
    p->at++;
}

static bool is(const struct place *p, char c)
{
    return p->at < p->end && *p->at == c;
}

static void skip_blanks(struct place *p)
{
    while (p->at < p->end && memchr(" \t\r\n", *p->at, 4))
        step(p);
}

/* Behind the closing quote. */
static void skip_string(struct place *p)
{
    step(p);
    while (p->at < p->end && *p->at != '"') {
        if (*p->at == '\\' && p->end - p->at > 1)
            step(p);
        step(p);
    }
    if (p->at < p->end)
        step(p);
}

/* To the comma or bracket behind a value. */
static void skip_value(struct place *p)
{
    size_t open = 0;
    while (p->at < p->end && (open || !memchr(",]}", *p->at, 3))) {
        if (*p->at == '"') {
            skip_string(p);
            continue;
        }
        open += *p->at == '{' || *p->at == '[';
        open -= *p->at == '}' || *p->at == ']';
        step(p);
    }
}

/* Goes to the value of that key of an object, and says whether it is there. */
static bool enter_member(struct place *p, const char *key, size_t *line)
{
    size_t len = strlen(key);
    for (step(p), skip_blanks(p); is(p, '"'); skip_blanks(p)) {
        const char *name = p->at + 1;
        size_t at_line = p->line;
        skip_string(p);
        bool found = (size_t)(p->at - name) == len + 1 && memcmp(name, key, len) == 0;
        for (skip_blanks(p); is(p, ':'); skip_blanks(p))
            step(p);
        if (found) {
            *line = at_line;
            return true;
        }
        skip_value(p);
        if (is(p, ','))
            step(p);
    }
    return false;
}

static bool enter_element(struct place *p, const char *number, size_t *line)
{
    char text[24];
    step(p);
    for (size_t i = 0; p->at < p->end; i++) {
        skip_blanks(p);
        if (is(p, ']'))
            return false;
        snprintf(text, sizeof text, "%zu", i);
        if (strcmp(text, number) == 0) {
            *line = p->line;
            return true;
        }
        skip_value(p);
        if (is(p, ','))
            step(p);
    }
    return false;
}

size_t lines_of(const char *text, size_t len, const char *const path[], size_t depth)
{
    struct place p = {text, text + len, 1};
    skip_blanks(&p);
    size_t line = p.line;
    bool inside = true;
    for (size_t i = 0; i < depth && inside; i++) {
        inside = (is(&p, '{') && enter_member(&p, path[i], &line)) ||
                 (is(&p, '[') && enter_element(&p, path[i], &line));
        skip_blanks(&p);
    }
    return line;
}
