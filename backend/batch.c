/* Batches as PostgreSQL's arrays; see batch.h. */
#include "backend/batch.h"

#include <stdlib.h>

static void open_or_comma(struct buf *array)
{
    buf_char(array, buf_len(array) == 0 ? '{' : ',');
}

static void append_id(struct buf *array, const struct job *job)
{
    open_or_comma(array);
    buf_text(array, job->id[0] ? job->id : "NULL");
}

/* An element in quotes, with what an array literal demands escaped. */
static void append_quoted(struct buf *array, const char *text)
{
    open_or_comma(array);
    buf_char(array, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_char(array, '\\');
        buf_char(array, *text);
    }
    buf_char(array, '"');
}

/* bytea as hexadecimal; its backslash needs one more in an array literal. */
static void append_bytes(struct buf *array, const char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    open_or_comma(array);
    buf_text(array, "\"\\\\x");
    if (buf_reserve(array, len * 2) != OK)
        return;
    char *p = buf_tail(array);
    for (size_t i = 0; i < len; i++) {
        *p++ = digits[(unsigned char)bytes[i] >> 4];
        *p++ = digits[(unsigned char)bytes[i] & 15];
    }
    buf_added(array, len * 2);
    buf_char(array, '"');
}

static void append_row(struct batch_arrays *out, const struct job *job)
{
    append_id(&out->ids, job);
    open_or_comma(&out->names);
    buf_text(&out->names, fruit_name(job->order.fruit));
    open_or_comma(&out->quantities);
    buf_u64(&out->quantities, (uint64_t)job->order.quantity);
    out->rows++;
}

static void append_dead(struct batch_arrays *out, const struct job *job)
{
    append_id(&out->dead_ids, job);
    append_quoted(&out->reasons, job->reason);
    append_bytes(&out->bodies, job->body, job->len);
    out->dead++;
}

static bool close_all(struct batch_arrays *a)
{
    struct buf *all[] = {&a->ids, &a->names, &a->quantities, &a->dead_ids, &a->reasons, &a->bodies};
    bool ok = true;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        buf_text(all[i], buf_len(all[i]) == 0 ? "{}" : "}");
        buf_cstr(all[i]);
        ok = ok && buf_ok(all[i]);
    }
    return ok;
}

static void clear_all(struct batch_arrays *a)
{
    struct buf *all[] = {&a->ids, &a->names, &a->quantities, &a->dead_ids, &a->reasons, &a->bodies};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_clear(all[i]);
    a->rows = a->dead = 0;
}

int batch_encode(const struct batch *b, struct batch_arrays *out)
{
    clear_all(out);
    for (size_t i = 0; i < b->count; i++) {
        if (job_is_row(&b->jobs[i]))
            append_row(out, &b->jobs[i]);
        else
            append_dead(out, &b->jobs[i]);
    }
    return close_all(out) ? OK : ERR_NOMEM;
}

void batch_arrays_free(struct batch_arrays *a)
{
    struct buf *all[] = {&a->ids, &a->names, &a->quantities, &a->dead_ids, &a->reasons, &a->bodies};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_free(all[i]);
}

void batch_split(struct batch *b, struct batch *other)
{
    size_t keep = b->count / 2;
    other->count = b->count - keep;
    memcpy(other->jobs, b->jobs + keep, other->count * sizeof *b->jobs);
    b->count = keep;
}

void batch_drop_stale(struct batch *b, uint64_t epoch)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->jobs[i].tag.epoch < epoch)
            free(b->jobs[i].body);
        else
            b->jobs[kept++] = b->jobs[i];
    }
    b->count = kept;
}

void batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        free(b->jobs[i].body);
    free(b);
}
