/*
 * A growing run of bytes: the one buffer type of the whole project.
 *
 * Zero-initialised is empty (`struct buf b = {0}`); buf_free makes it empty again. Reading from the
 * front is buf_consume, which moves the start and gives the room back when all is read or when the
 * buffer next grows, so a queue of bytes costs no memmove a message. `buf_data` pointers die at the
 * next append, reserve, consume or free.
 *
 * Appending can fail for want of memory. Each append says so, and the buffer remembers it as well
 * (`failed`), so that a run of appends may be checked once at its end with buf_ok.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct buf {
    char *data;   /* the allocation, NULL while empty */
    size_t start; /* first unread byte */
    size_t end;   /* one past the last byte */
    size_t cap;   /* bytes allocated */
    bool failed;  /* an append ran out of memory since the last clear */
};

static inline char *buf_data(const struct buf *b)
{
    return b->data ? b->data + b->start : NULL;
}
static inline size_t buf_len(const struct buf *b)
{
    return b->end - b->start;
}
static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

/* Makes room for `n` bytes behind the end. 0 or ERR_NOMEM (then nothing changed but `failed`). */
int buf_reserve(struct buf *b, size_t n);

/* Where the reserved bytes begin; buf_added says how many of them were written. */
static inline char *buf_tail(struct buf *b)
{
    return b->data ? b->data + b->end : NULL; /* NULL + 0 is not defined in C */
}
static inline void buf_added(struct buf *b, size_t n)
{
    b->end += n;
}
static inline size_t buf_room(const struct buf *b)
{
    return b->cap - b->end;
}

/* Append; 0 or ERR_NOMEM. */
static inline int buf_append(struct buf *b, const void *bytes, size_t n)
{
    if (buf_room(b) < n && buf_reserve(b, n) != OK)
        return ERR_NOMEM;
    if (n)
        memcpy(b->data + b->end, bytes, n);
    b->end += n;
    return OK;
}
static inline int buf_char(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}
static inline int buf_text(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}
int buf_u64(struct buf *b, uint64_t value); /* in decimal */
int buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* The text with what JSON demands escaped, without the quotes around it. Invalid UTF-8 becomes
 * U+FFFD. */
int buf_json_escaped(struct buf *b, const char *text, size_t n);

/* A terminated copy-free view: appends a NUL that does not count, and returns the data ("" when
 * memory is out). */
const char *buf_cstr(struct buf *b);

/* Drops `n` bytes from the front; n ≤ buf_len. */
void buf_consume(struct buf *b, size_t n);

/* Empties; the allocation stays for the next use. */
static inline void buf_clear(struct buf *b)
{
    b->start = b->end = 0;
    b->failed = false;
}
void buf_free(struct buf *b);

#endif
