/* Messages to JSON and back; see message.h. */
#include "contract/message.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include <jansson.h>

static const char hello[] = "hello";

int message_encode(const struct message *message, struct buf *out)
{
    if (message->kind == MESSAGE_HELLO)
        return buf_text(out, "\"hello\"");
    assert(message->fruit < FRUIT_COUNT && message->quantity > 0);
    buf_text(out, "{\"fruit\":\"");
    buf_text(out, fruit_name(message->fruit));
    buf_text(out, "\",\"quantity\":");
    buf_u64(out, (uint64_t)message->quantity);
    return buf_char(out, '}') == OK && buf_ok(out) ? OK : ERR_NOMEM;
}

/* jansson tells most failed allocations as a syntax error, and a good message must not become a
 * dead letter for want of memory: so its allocations go through here. */
static _Thread_local bool starved;

static void *noting_malloc(size_t n)
{
    void *p = malloc(n);
    starved |= !p;
    return p;
}

static int parse_fault(const json_error_t *e, struct err *why)
{
    if (starved)
        return err_set(why, ERR_NOMEM, "out of memory");
    if (json_error_code(e) == json_error_numeric_overflow)
        return err_set(why, ERR_INVALID_QUANTITY, "a number is too big (byte %d)", e->position);
    return err_set(why, ERR_INVALID, "not JSON: %s (byte %d)", e->text, e->position);
}

static int read_fruit(const json_t *value, enum fruit *out, struct err *why)
{
    if (!json_is_string(value))
        return err_set(why, ERR_UNKNOWN_FRUIT, "the fruit is no text");
    if (fruit_parse(json_string_value(value), json_string_length(value), out) != OK)
        return err_set(why, ERR_UNKNOWN_FRUIT, "unknown fruit \"%.64s\"", json_string_value(value));
    return OK;
}

static int read_quantity(const json_t *value, int32_t *out, struct err *why)
{
    if (!json_is_integer(value))
        return err_set(why, ERR_INVALID_QUANTITY, "the quantity is no integer");
    json_int_t quantity = json_integer_value(value);
    if (quantity < 1 || quantity > INT32_MAX)
        return err_set(why, ERR_INVALID_QUANTITY, "the quantity is not between 1 and %d",
                       INT32_MAX);
    *out = (int32_t)quantity;
    return OK;
}

static bool is_missing(const json_t *value)
{
    return !value || json_is_null(value);
}

static int read_object(const json_t *root, struct message *out, struct err *why)
{
    const json_t *fruit = json_object_get(root, "fruit");
    const json_t *quantity = json_object_get(root, "quantity");
    if (!json_is_object(root))
        return err_set(why, ERR_INVALID, "neither an object nor \"hello\"");
    if (is_missing(fruit) || is_missing(quantity))
        return err_set(why, ERR_INVALID, "no %s", is_missing(fruit) ? "fruit" : "quantity");
    *out = (struct message){.kind = MESSAGE_FRUIT};
    int rc = read_fruit(fruit, &out->fruit, why);
    return rc == OK ? read_quantity(quantity, &out->quantity, why) : rc;
}

static bool is_hello(const json_t *root)
{
    return json_string_length(root) == strlen(hello) &&
           memcmp(json_string_value(root), hello, strlen(hello)) == 0;
}

static int decode(const char *body, size_t len, bool take_hello, struct message *out,
                  struct err *why)
{
    if (len > CONTRACT_BODY_MAX)
        return err_set(why, ERR_TOO_LARGE, "%zu bytes are too many", len);
    json_set_alloc_funcs(noting_malloc, free);
    starved = false;
    /* Any value, because "hello" is no object; NUL, because an ignored key may hold one. */
    json_error_t e;
    json_t *root = json_loadb(body, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    if (!root)
        return parse_fault(&e, why);
    int rc = OK;
    if (take_hello && is_hello(root))
        *out = (struct message){.kind = MESSAGE_HELLO};
    else
        rc = read_object(root, out, why);
    json_decref(root);
    return rc;
}

int message_decode(const char *body, size_t len, struct message *out, struct err *why)
{
    return decode(body, len, true, out, why);
}

int message_decode_fruit(const char *body, size_t len, struct message *out, struct err *why)
{
    return decode(body, len, false, out, why);
}

const char *message_refusal(int code)
{
    if (code == ERR_UNKNOWN_FRUIT)
        return "Invalid fruit";
    return code == ERR_INVALID_QUANTITY ? "Invalid quantity" : "No fruit or quantity provided";
}
