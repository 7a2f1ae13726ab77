/*
 * Errors: a function that can fail returns 0 or a negative code.
 *
 * Our own codes are below; libuv's and errno's negative codes pass through unchanged, for the
 * ranges do not meet. Rules of use: check every code (the attribute MUST_CHECK makes the compiler
 * insist), and put a readable text beside it where the reader can act on it (struct err).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

#define MUST_CHECK               __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* X(name, code, text) */
#define ERR_MAP(X)                                                                                 \
    X(NOMEM, -10001, "out of memory")                                                              \
    X(INVALID, -10002, "invalid argument")                                                         \
    X(FULL, -10003, "queue is full")                                                               \
    X(UNAVAILABLE, -10004, "server is not available")                                              \
    X(TIMEOUT, -10005, "timed out")                                                                \
    X(CLOSED, -10006, "closed")                                                                    \
    X(PROTOCOL, -10007, "protocol violation")                                                      \
    X(TOO_LARGE, -10008, "too large")                                                              \
    X(NOT_FOUND, -10009, "not found")                                                              \
    X(REFUSED, -10010, "refused by the server")                                                    \
    X(LOST, -10011, "connection lost")                                                             \
    X(UNKNOWN_FRUIT, -10012, "unknown fruit")                                                      \
    X(INVALID_QUANTITY, -10013, "invalid quantity")

enum err_code {
    OK = 0,
#define ERR_ENUM(name, code, text) ERR_##name = code,
    ERR_MAP(ERR_ENUM)
#undef ERR_ENUM
};

/* "TIMEOUT" for ERR_TIMEOUT, the errno's name for a negated errno. Static memory. */
const char *err_name(int code);

/* A sentence fragment for people. Static memory, or strerror's. */
const char *err_text(int code);

/* A code with the text that tells a person what to do about it. Plain data; copy as you like. */
struct err {
    int code;
    char text[256];
};

/* Fills `err` (may be NULL) and returns `code`, so that `return err_set(err, ERR_X, …)` reads well.
 * A text that is too long is cut. */
int err_set(struct err *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "<where>: " before the text, and returns the code. */
int err_at(struct err *err, const char *where);

#endif
