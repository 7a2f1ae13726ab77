/* Texts that vary; see template.h. */
#include "traffic/template.h"

#include <stdlib.h>
#include <string.h>

/* Parsing -------------------------------------------------------------------------------------- */

static bool take(const char **at, const char *end, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(end - *at) < len || memcmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

/* A number up to TEMPLATE_RANDOM_MAX. */
static bool take_number(const char **at, const char *end, uint32_t *out)
{
    const char *begin = *at;
    uint64_t value = 0;
    for (; *at < end && **at >= '0' && **at <= '9' && value <= TEMPLATE_RANDOM_MAX; ++*at)
        value = value * 10 + (uint64_t)(**at - '0');
    *out = (uint32_t)value;
    return *at > begin && value <= TEMPLATE_RANDOM_MAX;
}

static bool parse_random(const char *at, const char *end, struct template_piece *piece)
{
    piece->kind = PIECE_RANDOM;
    return take_number(&at, end, &piece->low) && take(&at, end, "-") &&
           take_number(&at, end, &piece->high) && at == end && piece->low <= piece->high;
}

static void parse_pick(const char *at, const char *end, struct template_piece *piece)
{
    *piece = (struct template_piece){PIECE_PICK, at, (size_t)(end - at), .high = 1};
    for (; at < end; at++)
        piece->high += *at == '|';
}

/* What stands between "${" and "}". */
static int parse_placeholder(const char *begin, const char *end, struct template_piece *piece,
                             struct err *err)
{
    const char *at = begin;
    if (end - begin == (long)strlen("iteration") && take(&at, end, "iteration")) {
        piece->kind = PIECE_ITERATION;
    } else if (take(&at, end, "pick ")) {
        parse_pick(at, end, piece);
    } else if (!take(&at, end, "random ") || !parse_random(at, end, piece)) {
        int len = end - begin < 60 ? (int)(end - begin) : 60;
        return err_set(err, ERR_INVALID,
                       "\"${%.*s}\" is none of ${iteration}, ${random LOW-HIGH} and ${pick A|B}",
                       len, begin);
    }
    return OK;
}

/* The next piece at *at, which moves on. */
static int parse_piece(const char **at, const char *end, struct template_piece *piece,
                       struct err *err)
{
    const char *open = *at;
    *piece = (struct template_piece){.kind = PIECE_TEXT};
    if (take(at, end, "${")) {
        const char *close = memchr(*at, '}', (size_t)(end - *at));
        if (!close)
            return err_set(err, ERR_INVALID, "a \"${\" has no \"}\"");
        const char *inside = *at;
        *at = close + 1;
        return parse_placeholder(inside, close, piece, err);
    }
    while (*at < end && !(**at == '$' && end - *at > 1 && (*at)[1] == '{'))
        ++*at;
    piece->text = open;
    piece->len = (size_t)(*at - open);
    return OK;
}

static int add_piece(struct template *t, const struct template_piece *piece, struct err *err)
{
    struct template_piece *pieces = realloc(t->pieces, (t->count + 1) * sizeof *pieces);
    if (!pieces)
        return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    t->pieces = pieces;
    t->pieces[t->count++] = *piece;
    return OK;
}

int template_parse(struct template *t, const char *text, size_t len, struct err *err)
{
    *t = (struct template){.copy = malloc(len + 1)};
    if (!t->copy)
        return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    memcpy(t->copy, text, len);
    int rc = OK;
    const char *at = t->copy, *end = t->copy + len;
    while (rc == OK && at < end) {
        struct template_piece piece;
        rc = parse_piece(&at, end, &piece, err);
        rc = rc ? rc : add_piece(t, &piece, err);
    }
    if (rc != OK)
        template_free(t);
    return rc;
}

void template_free(struct template *t)
{
    free(t->copy);
    free(t->pieces);
    *t = (struct template){0};
}

/* Making --------------------------------------------------------------------------------------- */

static void render_pick(const struct template_piece *piece, struct random *random, struct buf *out)
{
    const char *at = piece->text, *end = at + piece->len;
    for (uint32_t skip = random_below(random, piece->high); skip; skip--)
        at = (const char *)memchr(at, '|', (size_t)(end - at)) + 1;
    const char *bar = memchr(at, '|', (size_t)(end - at));
    buf_append(out, at, (size_t)((bar ? bar : end) - at));
}

void template_render(const struct template *t, uint64_t iteration, struct random *random,
                     struct buf *out)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct template_piece *piece = &t->pieces[i];
        if (piece->kind == PIECE_TEXT)
            buf_append(out, piece->text, piece->len);
        else if (piece->kind == PIECE_ITERATION)
            buf_u64(out, iteration);
        else if (piece->kind == PIECE_RANDOM)
            buf_u64(out, piece->low + random_below(random, piece->high - piece->low + 1));
        else
            render_pick(piece, random, out);
    }
}

bool template_is_target(const struct template *t)
{
    for (size_t i = 0; i < t->count; i++)
        for (size_t c = 0; c < t->pieces[i].len; c++) {
            char byte = t->pieces[i].text[c];
            if (byte <= ' ' || byte > '~' || byte == '#')
                return false;
        }
    return t->count > 0 && t->pieces[0].kind == PIECE_TEXT && t->pieces[0].text[0] == '/';
}

void template_label(const struct template *t, struct buf *out)
{
    static const char *const names[] = {
        [PIECE_ITERATION] = ":iteration", [PIECE_RANDOM] = ":random", [PIECE_PICK] = ":pick"};
    for (size_t i = 0; i < t->count; i++) {
        const struct template_piece *piece = &t->pieces[i];
        if (piece->kind != PIECE_TEXT) {
            buf_text(out, names[piece->kind]);
            continue;
        }
        const char *query = memchr(piece->text, '?', piece->len);
        buf_append(out, piece->text, query ? (size_t)(query - piece->text) : piece->len);
        if (query)
            return;
    }
}
