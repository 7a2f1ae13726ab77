/*
 * A text that differs with each request, as the paths and bodies of scenario files are:
 *
 *     /person/${iteration}              1, 2, 3 … in the order in which a scenario begins requests
 *     /person/${random 1-50000}         a whole number, each as likely
 *     {"name":"${pick Ada|Grace}"}      one of the texts, each as likely
 *
 * Parsed once, so that making a text is copying. Pure.
 */
#ifndef TRAFFIC_TEMPLATE_H
#define TRAFFIC_TEMPLATE_H

#include "base/buf.h"
#include "traffic/random.h"

#define TEMPLATE_RANDOM_MAX 1000000000

struct template_piece {
    enum { PIECE_TEXT, PIECE_ITERATION, PIECE_RANDOM, PIECE_PICK } kind;
    const char *text; /* of PIECE_TEXT and PIECE_PICK, in the template's copy */
    size_t len;
    uint32_t low,
        high; /* of PIECE_RANDOM, both included; of PIECE_PICK the number of texts is high */
};

/* Zero-initialised is the empty text. */
struct template
{
    char *copy;
    struct template_piece *pieces;
    size_t count;
};

/* 0; or ERR_INVALID, with what is wrong in `err`, or ERR_NOMEM: then there is nothing to free. */
int template_parse(struct template *t, const char *text, size_t len, struct err *err) MUST_CHECK;

/* Appends the text. Out of memory shows in buf_ok(out). */
void template_render(const struct template *t, uint64_t iteration, struct random *random,
                     struct buf *out);

/* Whether each text it makes consists of visible ASCII without '#', as a request's target must. */
bool template_is_target(const struct template *t);

/* Appends it as a label: the path before '?', in which ":random" stands for what varies. */
void template_label(const struct template *t, struct buf *out);

void template_free(struct template *t);

#endif
