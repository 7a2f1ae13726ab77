/*
 * The messages on the queue, and what goes with them: all that the programs must agree on.
 *
 * A body is JSON, either the text "hello" or an object {"fruit":"pears","quantity":3}. What is read
 * is stricter than "some JSON", for what passes here is stored:
 *   - keys other than these two are ignored; of a key that stands twice the last one counts, as in
 *     Python and JavaScript;
 *   - a fruit's name may be in any case, a quantity is a JSON integer of 1..2147483647: 3.0 and 1e2
 *     are not integers, nor are "3" and true;
 *   - a number that neither 64 bits nor a double can hold is a wrong quantity, wherever it stands;
 *   - null counts as missing; nesting past jansson's bound (2,048) is broken JSON.
 */
#ifndef CONTRACT_MESSAGE_H
#define CONTRACT_MESSAGE_H

#include "base/buf.h"
#include "contract/fruit.h"

#include <stdint.h>

#define CONTRACT_QUEUE        "task_queue" /* durable, on the default exchange */
#define CONTRACT_CONTENT_TYPE "application/json"

enum {
    CONTRACT_CACHE_TTL_S = 5,
    CONTRACT_BODY_MAX = 64 * 1024 /* bytes; no real message has 100 */
};

struct message {
    enum message_kind { MESSAGE_HELLO, MESSAGE_FRUIT } kind;
    enum fruit fruit; /* of MESSAGE_FRUIT, as is the quantity */
    int32_t quantity;
};

/* Appends the body. 0 or ERR_NOMEM. */
int message_encode(const struct message *message, struct buf *out) MUST_CHECK;

/* Reads a body of either kind. 0, or with a text in `why` (may be NULL) for the dead letter:
 *   ERR_TOO_LARGE         more than CONTRACT_BODY_MAX bytes
 *   ERR_INVALID           no JSON, or no fruit and quantity in it
 *   ERR_UNKNOWN_FRUIT     the fruit is unknown or no text
 *   ERR_INVALID_QUANTITY  the quantity is no integer, or out of range
 *   ERR_NOMEM             nothing is wrong with the message: try again
 * Where several things are wrong, the first of this list is told. */
int message_decode(const char *body, size_t len, struct message *out, struct err *why) MUST_CHECK;

/* As message_decode, but "hello" is ERR_INVALID: what POST /fruit takes. */
int message_decode_fruit(const char *body, size_t len, struct message *out,
                         struct err *why) MUST_CHECK;

/* What POST /fruit answers to a code of message_decode_fruit: "Invalid fruit", "Invalid quantity",
 * else "No fruit or quantity provided". Static. */
const char *message_refusal(int code);

#endif
