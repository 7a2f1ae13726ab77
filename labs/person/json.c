/* JSON in and out; see json.h. */
#include "person/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Reading -------------------------------------------------------------------------------------- */

/* jansson tells most failed allocations as a syntax error, but what is to blame is not the client:
 * so its allocations go through here. */
static bool starved;

static void *noting_malloc(size_t n)
{
    void *p = malloc(n);
    starved |= !p;
    return p;
}

static int parse_fault(const json_error_t *e, struct err *err)
{
    if (starved)
        return err_set(err, ERR_NOMEM, "out of memory");
    return err_set(err, ERR_INVALID, "not valid JSON: %.100s (line %d, column %d)", e->text,
                   e->line, e->column);
}

static int field_of(const char *name)
{
    int i = 0;
    while (i < PERSON_FIELDS && strcmp(person_rules[i].name, name) != 0)
        i++;
    return i;
}

static int read_value(const json_t *value, int field, struct person_value *out, struct err *err)
{
    const struct person_rule *rule = &person_rules[field];
    if (json_is_null(value) && field >= PERSON_REQUIRED) {
        out->kind = VALUE_NONE;
        return OK;
    }
    if (!json_is_string(value))
        return err_set(err, ERR_INVALID, "%s must be a text", rule->name);
    size_t len = json_string_length(value);
    if (len == 0 && field < PERSON_REQUIRED)
        return err_set(err, ERR_INVALID, "%s must not be empty", rule->name);
    if (len > rule->max)
        return err_set(err, ERR_INVALID, "%s is longer than %zu bytes", rule->name, rule->max);
    *out = (struct person_value){VALUE_TEXT, json_string_value(value), len};
    return OK;
}

static int read_members(json_t *root, struct person_value values[PERSON_FIELDS], struct err *err)
{
    const char *name;
    json_t *value;
    json_object_foreach (root, name, value) {
        int field = field_of(name);
        int rc = field < PERSON_FIELDS ? read_value(value, field, &values[field], err) : OK;
        if (rc != OK)
            return rc;
    }
    return OK;
}

static int read_object(struct person_input *in, bool all, struct err *err)
{
    if (!json_is_object(in->root))
        return err_set(err, ERR_INVALID, "the body must be a JSON object");
    int rc = read_members(in->root, in->values, err);
    for (int i = 0; rc == OK && all && i < PERSON_REQUIRED; i++)
        if (in->values[i].kind != VALUE_TEXT)
            rc = err_set(err, ERR_INVALID, "%s is missing", person_rules[i].name);
    return rc;
}

int person_read(const char *body, size_t len, bool all, struct person_input *out, struct err *err)
{
    json_error_t e;
    if (len == 0)
        return err_set(err, ERR_INVALID, "the body is empty: it must be a JSON object");
    json_set_alloc_funcs(noting_malloc, free);
    starved = false;
    *out = (struct person_input){
        .root = json_loadb(body, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e)};
    if (!out->root)
        return parse_fault(&e, err);
    int rc = read_object(out, all, err);
    if (rc != OK)
        person_input_free(out);
    return rc;
}

void person_input_free(struct person_input *input)
{
    json_decref(input->root);
    input->root = NULL;
}

/* Writing -------------------------------------------------------------------------------------- */

/* RFC 3339 in UTC. People are often made and read in the same second, so its text is kept. */
static void write_time(struct buf *out, uint64_t ms)
{
    static char text[32];
    static time_t made = -1;
    time_t second = (time_t)(ms / 1000);
    unsigned rest = (unsigned)(ms % 1000);
    char fraction[] = {
        '.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10), (char)('0' + rest % 10), 'Z',
        '"'};
    if (second != made) {
        struct tm tm;
        gmtime_r(&second, &tm);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
        made = second;
    }
    buf_char(out, '"');
    buf_text(out, text);
    buf_append(out, fraction, sizeof fraction);
}

static void write_text(struct buf *out, struct person_value value)
{
    if (value.kind == VALUE_NONE) {
        buf_text(out, "null");
        return;
    }
    buf_char(out, '"');
    buf_json_escaped(out, value.text, value.len);
    buf_char(out, '"');
}

void person_write(struct buf *out, const struct person *person)
{
    buf_text(out, "{\"id\":");
    buf_u64(out, person->id);
    for (unsigned i = 0; i < PERSON_FIELDS; i++) {
        buf_text(out, ",\"");
        buf_text(out, person_rules[i].name);
        buf_text(out, "\":");
        write_text(out, person_value(person, i));
    }
    buf_text(out, ",\"created_at\":");
    write_time(out, person->created_ms);
    buf_text(out, ",\"updated_at\":");
    write_time(out, person->updated_ms);
    buf_char(out, '}');
}

/* Numbers -------------------------------------------------------------------------------------- */

bool person_number_parse(const char *text, size_t len, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit > 9 || digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

uint64_t person_id_parse(const char *text, size_t len)
{
    uint64_t id = 0;
    bool padded = len > 0 && text[0] == '0';
    return !padded && person_number_parse(text, len, UINT64_MAX, &id) ? id : 0;
}
