/*
 * What the person lab does with text from outside, without a server: the first line is a path's
 * last segment, the rest a body. What is taken goes through the store and is written as JSON that
 * reads back as the same.
 */
#include "person/json.h"

#include <stdlib.h>
#include <string.h>

static void segment(const char *text, size_t len)
{
    uint64_t id = person_id_parse(text, len);
    char again[24];
    snprintf(again, sizeof again, "%llu", (unsigned long long)id);
    if (id && (strlen(again) != len || memcmp(again, text, len) != 0))
        abort();
}

static void same(const struct person *person, const struct person_input *in)
{
    for (unsigned i = 0; i < PERSON_FIELDS; i++) {
        struct person_value a = person_value(person, i), b = in->values[i];
        bool a_text = a.kind == VALUE_TEXT, b_text = b.kind == VALUE_TEXT;
        if (a_text != b_text || (a_text && (a.len != b.len || memcmp(a.text, b.text, a.len) != 0)))
            abort();
    }
}

static void make(const struct person_input *in)
{
    struct people people = {.max = 1};
    const struct person *person = NULL;
    struct person_input again;
    struct buf out = {0};
    if (people_add(&people, in->values, 1, &person) != OK ||
        people_change(&people, 1, in->values, 2, &person) != OK)
        abort();
    same(person, in);
    person_write(&out, person);
    if (person_read(buf_data(&out), buf_len(&out), true, &again, NULL) != OK)
        abort();
    same(person, &again);
    person_input_free(&again);
    buf_free(&out);
    people_free(&people);
}

static void body(const char *data, size_t len)
{
    struct person_input in;
    struct err err = {0};
    int rc = person_read(data, len, true, &in, &err);
    if (rc != OK) {
        if (err.text[0] == '\0')
            abort();
        return;
    }
    make(&in);
    person_input_free(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    /* A copy of its own size, so that the sanitizer sees one byte too many. */
    const char *end = len ? memchr(data, '\n', len) : NULL;
    size_t line = end ? (size_t)(end - (const char *)data) : len, rest = len - line - (end != NULL);
    char *first = malloc(line + 1), *last = malloc(rest + !rest);
    if (!first || !last)
        abort();
    memcpy(first, data, line);
    memcpy(last, end ? end + 1 : (const char *)data, rest);
    segment(first, line);
    body(last, rest);
    free(first);
    free(last);
    return 0;
}
