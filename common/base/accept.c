/* Lists of preferences; see accept.h. */
#include "base/accept.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct accept_text trimmed(const char *from, const char *end)
{
    while (from < end && is_blank(*from))
        from++;
    while (end > from && is_blank(end[-1]))
        end--;
    return (struct accept_text){from, (size_t)(end - from)};
}

/* Up to the separator, which is none inside of quotes. */
static const char *find(const char *from, const char *end, char separator)
{
    bool quoted = false;
    for (; from < end && (quoted || *from != separator); from++)
        if (*from == '"')
            quoted = !quoted;
        else if (quoted && *from == '\\' && from + 1 < end)
            from++;
    return from;
}

/* Takes what stands before the separator off the front. */
static struct accept_text take(const char **at, const char *end, char separator)
{
    const char *from = *at, *stop = find(from, end, separator);
    *at = stop < end ? stop + 1 : end;
    return trimmed(from, stop);
}

bool accept_is(struct accept_text text, const char *word)
{
    return text.len == strlen(word) && (text.len == 0 || !strncasecmp(text.data, word, text.len));
}

bool accept_parameter(const struct accept_element *element, const char *name,
                      struct accept_text *value)
{
    const char *at = element->parameters.data, *end = at + element->parameters.len;
    while (at < end) {
        struct accept_text pair = take(&at, end, ';');
        const char *rest = pair.data, *pair_end = pair.data + pair.len;
        if (!accept_is(take(&rest, pair_end, '='), name))
            continue;
        *value = trimmed(rest, pair_end);
        if (value->len >= 2 && value->data[0] == '"' && value->data[value->len - 1] == '"')
            *value = (struct accept_text){value->data + 1, value->len - 2};
        return true;
    }
    return false;
}

/* "0.25" as 250; more than one is one, and digits behind the third do not count. */
static int parse_q(struct accept_text text)
{
    int whole = 0, part = 0, unit = ACCEPT_Q_ONE / 10;
    size_t i = 0;
    for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        whole |= text.data[i] != '0';
    if (i < text.len && text.data[i] == '.')
        for (i++; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++, unit /= 10)
            part += (text.data[i] - '0') * unit;
    return whole || text.len == 0 || i < text.len ? ACCEPT_Q_ONE : part;
}

bool accept_next(const char **at, const char *end, struct accept_element *element)
{
    while (*at < end) {
        struct accept_text whole = take(at, end, ','), q;
        const char *rest = whole.data, *whole_end = whole.data + whole.len;
        element->name = take(&rest, whole_end, ';');
        element->parameters = (struct accept_text){rest, (size_t)(whole_end - rest)};
        element->q = accept_parameter(element, "q", &q) ? parse_q(q) : ACCEPT_Q_ONE;
        if (element->name.len)
            return true;
    }
    return false;
}
