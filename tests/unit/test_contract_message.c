/* Messages: what is written, what is read, and every kind of body that is refused. */
#include "contract/message.h"
#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A literal's bytes, NULs inside included. */
#define BYTES(literal) (literal), sizeof(literal) - 1

static void encodes(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_int_equal(message_encode(&(struct message){.kind = MESSAGE_HELLO}, &b), OK);
    assert_string_equal(buf_cstr(&b), "\"hello\"");
    buf_clear(&b);
    struct message m = {MESSAGE_FRUIT, FRUIT_PEARS, INT32_MAX};
    assert_int_equal(message_encode(&m, &b), OK);
    assert_string_equal(buf_cstr(&b), "{\"fruit\":\"pears\",\"quantity\":2147483647}");
    buf_free(&b);
}

static void decodes_what_it_encodes(void **state)
{
    (void)state;
    for (int fruit = 0; fruit < FRUIT_COUNT; fruit++) {
        struct message in = {MESSAGE_FRUIT, (enum fruit)fruit, fruit + 1}, out;
        struct buf b = {0};
        assert_int_equal(message_encode(&in, &b), OK);
        assert_int_equal(message_decode(buf_data(&b), buf_len(&b), &out, NULL), OK);
        assert_int_equal(out.kind, MESSAGE_FRUIT);
        assert_int_equal(out.fruit, in.fruit);
        assert_int_equal(out.quantity, in.quantity);
        buf_free(&b);
    }
}

static void hello_is_for_the_queue_alone(void **state)
{
    (void)state;
    struct message m;
    struct err why;
    assert_int_equal(message_decode(BYTES("\"hello\""), &m, NULL), OK);
    assert_int_equal(m.kind, MESSAGE_HELLO);
    assert_int_equal(message_decode(BYTES(" \"hello\" \n"), &m, NULL), OK);
    assert_int_equal(message_decode_fruit(BYTES("\"hello\""), &m, &why), ERR_INVALID);
    assert_int_equal(message_decode(BYTES("\"Hello\""), &m, &why), ERR_INVALID);
    assert_int_equal(message_decode(BYTES("\"hello\\u0000\""), &m, &why), ERR_INVALID);
    assert_int_equal(message_decode(BYTES("hello"), &m, &why), ERR_INVALID);
}

static void accepts(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum fruit fruit;
        int quantity;
    } cases[] = {
        {"{\"fruit\":\"Pears\",\"quantity\":3}", FRUIT_PEARS, 3},
        {"{\"quantity\":1,\"fruit\":\"APPLES\"}", FRUIT_APPLES, 1},
        {" {\n\"fruit\" : \"grapes\" , \"quantity\" : 2147483647 }\r\n", FRUIT_GRAPES, INT32_MAX},
        {"{\"fruit\":\"pe\\u0061rs\",\"quantity\":3}", FRUIT_PEARS, 3},
        /* extra keys, whatever they hold */
        {"{\"fruit\":\"pears\",\"quantity\":3,\"x\":{\"y\":[1,2.5,null,\"\\u0000\"]}}", FRUIT_PEARS,
         3},
        /* of a key that stands twice the last one counts */
        {"{\"fruit\":\"pears\",\"quantity\":3,\"fruit\":\"oranges\",\"quantity\":4}", FRUIT_ORANGES,
         4},
        {"{\"fruit\":null,\"quantity\":\"x\",\"fruit\":\"bananas\",\"quantity\":4}", FRUIT_BANANAS,
         4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message m;
        struct err why;
        assert_int_equal(message_decode(cases[i].body, strlen(cases[i].body), &m, &why), OK);
        assert_int_equal(m.fruit, cases[i].fruit);
        assert_int_equal(m.quantity, cases[i].quantity);
    }
}

static const struct refusal {
    const char *body;
    size_t len;
    int code;
} refusals[] = {
    /* no JSON */
    {BYTES(""), ERR_INVALID},
    {BYTES(" "), ERR_INVALID},
    {BYTES("{"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":3"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":3}x"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":3}{}"), ERR_INVALID},
    {BYTES("{'fruit':'pears','quantity':3}"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":03}"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":+3}"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":NaN}"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":3,}"), ERR_INVALID},
    {BYTES("fruit=pears&quantity=3"), ERR_INVALID},
    {BYTES("\0"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":3}\0"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pe\0ars\",\"quantity\":3}"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\xff\",\"quantity\":3}"), ERR_INVALID},
    {BYTES("{\"fruit\":\"\xc0\xaf\",\"quantity\":3}"), ERR_INVALID},
    {BYTES("{\"fruit\":\"\\ud800\",\"quantity\":3}"), ERR_INVALID},
    {BYTES("\xef\xbb\xbf{\"fruit\":\"pears\",\"quantity\":3}"), ERR_INVALID},
    /* no object, or without the two */
    {BYTES("null"), ERR_INVALID},
    {BYTES("true"), ERR_INVALID},
    {BYTES("3"), ERR_INVALID},
    {BYTES("[]"), ERR_INVALID},
    {BYTES("[{\"fruit\":\"pears\",\"quantity\":3}]"), ERR_INVALID},
    {BYTES("{}"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\"}"), ERR_INVALID},
    {BYTES("{\"quantity\":3}"), ERR_INVALID},
    {BYTES("{\"fruit\":null,\"quantity\":3}"), ERR_INVALID},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":null}"), ERR_INVALID},
    {BYTES("{\"fruit\":\"mango\",\"quantity\":null}"), ERR_INVALID},
    {BYTES("{\"Fruit\":\"pears\",\"Quantity\":3}"), ERR_INVALID},
    /* a wrong fruit */
    {BYTES("{\"fruit\":\"mango\",\"quantity\":3}"), ERR_UNKNOWN_FRUIT},
    {BYTES("{\"fruit\":\"\",\"quantity\":3}"), ERR_UNKNOWN_FRUIT},
    {BYTES("{\"fruit\":\"all\",\"quantity\":3}"), ERR_UNKNOWN_FRUIT},
    {BYTES("{\"fruit\":\" pears\",\"quantity\":3}"), ERR_UNKNOWN_FRUIT},
    {BYTES("{\"fruit\":\"pear\",\"quantity\":3}"), ERR_UNKNOWN_FRUIT},
    {BYTES("{\"fruit\":\"pears\\u0000\",\"quantity\":3}"), ERR_UNKNOWN_FRUIT},
    {BYTES("{\"fruit\":\"p\xc3\xa9"
           "ars\",\"quantity\":3}"),
     ERR_UNKNOWN_FRUIT},
    {BYTES("{\"fruit\":3,\"quantity\":3}"), ERR_UNKNOWN_FRUIT},
    {BYTES("{\"fruit\":[\"pears\"],\"quantity\":3}"), ERR_UNKNOWN_FRUIT},
    {BYTES("{\"fruit\":false,\"quantity\":3}"), ERR_UNKNOWN_FRUIT},
    {BYTES("{\"fruit\":\"mango\",\"quantity\":0}"), ERR_UNKNOWN_FRUIT},
    /* a wrong quantity */
    {BYTES("{\"fruit\":\"pears\",\"quantity\":0}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":-0}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":-1}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":3.5}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":3.0}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":1e2}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":2147483648}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":4294967297}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":9223372036854775807}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":9223372036854775808}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":-9223372036854775809}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":18446744073709551617}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":1e309}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":-1e309}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":\"3\"}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":\"\"}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":true}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":[3]}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":{}}"), ERR_INVALID_QUANTITY},
    {BYTES("{\"fruit\":\"pears\",\"quantity\":3,\"x\":1e309}"), ERR_INVALID_QUANTITY},
};

/* The body is copied to its exact size, so that the address sanitizer sees a read past its end. */
static int decode_exactly(const char *body, size_t len, struct err *why)
{
    struct message m;
    char *copy = malloc(len ? len : 1);
    memcpy(copy, body, len);
    int queue = message_decode(copy, len, &m, why);
    int post = message_decode_fruit(copy, len, &m, why);
    assert_int_equal(queue, post);
    free(copy);
    return post;
}

static void refuses_with_the_right_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct err why = {0};
        const struct refusal *r = &refusals[i];
        int code = decode_exactly(r->body, r->len, &why);
        if (code != r->code)
            fail_msg("%s: %s (%s)", r->body, err_name(code), why.text);
        assert_int_equal(why.code, code);
        assert_true(strlen(why.text) > 5);
    }
}

static int decode_repeated(const char *head, const char *unit, size_t times, const char *tail)
{
    struct buf b = {0};
    struct err why;
    buf_text(&b, head);
    for (size_t i = 0; i < times; i++)
        buf_text(&b, unit);
    buf_text(&b, tail);
    int code = decode_exactly(buf_data(&b), buf_len(&b), &why);
    buf_free(&b);
    return code;
}

static void refuses_the_huge(void **state)
{
    (void)state;
    const char *pear = "{\"fruit\":\"pears\",\"quantity\":3";
    assert_int_equal(decode_repeated("", "[", 60000, ""), ERR_INVALID);
    assert_int_equal(decode_repeated("", "{\"a\":", 12000, ""), ERR_INVALID);
    assert_int_equal(decode_repeated(pear, ",\"a\":[[[[[[[[]]]]]]]]", 1000, "}"), OK);
    assert_int_equal(decode_repeated("{\"quantity\":3,\"fruit\":\"", "x", 10240, "\"}"),
                     ERR_UNKNOWN_FRUIT);
    assert_int_equal(decode_repeated("{\"fruit\":\"pears\",\"quantity\":", "9", 10240, "}"),
                     ERR_INVALID_QUANTITY);
    assert_int_equal(decode_repeated(pear, " ", CONTRACT_BODY_MAX - strlen(pear) - 1, "}"), OK);
    assert_int_equal(decode_repeated(pear, " ", CONTRACT_BODY_MAX - strlen(pear), "}"),
                     ERR_TOO_LARGE);
}

/* Any cut of a good body is refused, and none is read past its end. */
static void refuses_every_cut(void **state)
{
    (void)state;
    static const char body[] = "{\"fruit\":\"p\\u0065ars\",\"quantity\":12,\"x\":[true,-1.5e3]}";
    struct err why;
    for (size_t len = 0; len < sizeof body - 1; len++)
        assert_int_equal(decode_exactly(body, len, &why), ERR_INVALID);
    assert_int_equal(decode_exactly(body, sizeof body - 1, &why), OK);
}

static void refusals_have_their_texts(void **state)
{
    (void)state;
    assert_string_equal(message_refusal(ERR_INVALID), "No fruit or quantity provided");
    assert_string_equal(message_refusal(ERR_TOO_LARGE), "No fruit or quantity provided");
    assert_string_equal(message_refusal(ERR_UNKNOWN_FRUIT), "Invalid fruit");
    assert_string_equal(message_refusal(ERR_INVALID_QUANTITY), "Invalid quantity");
}

/* A good message must never become a dead letter because memory was short. */
static void want_of_memory_is_no_fault_of_the_message(void **state)
{
    (void)state;
    static const char body[] = "{\"fruit\":\"pears\",\"quantity\":12,\"x\":[true,-1.5e3,\"y\"]}";
    int code = ERR_NOMEM;
    long n = 0;
    for (; code != OK; n++) {
        struct message m;
        struct err why;
        alloc_fail_at(n);
        code = message_decode(body, sizeof body - 1, &m, &why);
        if (code != (alloc_fail_never() ? ERR_NOMEM : OK))
            fail_msg("allocation %ld: %s (%s)", n, err_name(code), why.text);
    }
    assert_true(n > 5);
}

static void fruits_have_names_and_keys(void **state)
{
    (void)state;
    enum fruit f;
    for (int i = 0; i < FRUIT_COUNT; i++) {
        const char *name = fruit_name((enum fruit)i);
        assert_int_equal(fruit_parse(name, strlen(name), &f), OK);
        assert_int_equal(f, i);
        assert_memory_equal(fruit_cache_key(f), "fruit_", 6);
        assert_string_equal(fruit_cache_key(f) + 6, name);
    }
    assert_string_equal(fruit_name(FRUIT_APPLES), "apples");
    assert_string_equal(fruit_cache_key(FRUIT_ALL), "fruit_all");
    assert_int_equal(fruit_or_all_parse("ALL", 3, &f), OK);
    assert_int_equal(f, FRUIT_ALL);
    assert_int_equal(fruit_or_all_parse("GraPes", 6, &f), OK);
    assert_int_equal(f, FRUIT_GRAPES);
    assert_int_equal(fruit_parse("all", 3, &f), ERR_UNKNOWN_FRUIT);
    assert_int_equal(fruit_parse("pearsx", 6, &f), ERR_UNKNOWN_FRUIT);
    assert_int_equal(fruit_parse("", 0, &f), ERR_UNKNOWN_FRUIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes),
        cmocka_unit_test(decodes_what_it_encodes),
        cmocka_unit_test(hello_is_for_the_queue_alone),
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses_with_the_right_code),
        cmocka_unit_test(refuses_the_huge),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(refusals_have_their_texts),
        cmocka_unit_test(want_of_memory_is_no_fault_of_the_message),
        cmocka_unit_test(fruits_have_names_and_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
