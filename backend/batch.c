/* Batches as PostgreSQL's arrays; see batch.h. */
#include "backend/batch.h"

#include <endian.h>
#include <stdlib.h>

#define BYTEA_OID 17

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

static void append_u32(struct buf *array, size_t value)
{
    uint32_t big = htobe32((uint32_t)value);
    buf_append(array, &big, sizeof big);
}

/* Dimensions, whether there are nulls, the elements' type; then the one dimension's length and
 * lower bound. An array without elements has no dimension. */
static void open_binary(struct buf *array, size_t elements)
{
    append_u32(array, elements ? 1 : 0);
    append_u32(array, 0);
    append_u32(array, BYTEA_OID);
    if (elements == 0)
        return;
    append_u32(array, elements);
    append_u32(array, 1);
}

static void append_bytes(struct buf *array, const char *bytes, size_t len)
{
    append_u32(array, len);
    buf_append(array, bytes, len);
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
    struct buf *all[] = {&a->ids, &a->names, &a->quantities, &a->dead_ids, &a->reasons};
    bool ok = buf_ok(&a->bodies);
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

static size_t dead_letters(const struct batch *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++)
        n += !job_is_row(&b->jobs[i]);
    return n;
}

int batch_encode(const struct batch *b, struct batch_arrays *out)
{
    clear_all(out);
    open_binary(&out->bodies, dead_letters(b));
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

void batch_add(struct batch *b, const struct job *job)
{
    b->jobs[b->count++] = *job;
    b->bytes += job->len;
}

void batch_split(struct batch *b, struct batch *other)
{
    size_t keep = b->count / 2;
    for (size_t i = keep; i < b->count; i++)
        batch_add(other, &b->jobs[i]);
    b->bytes -= other->bytes;
    b->count = keep;
}

void batch_drop_stale(struct batch *b, uint64_t epoch)
{
    size_t count = b->count;
    b->count = b->bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (b->jobs[i].tag.epoch < epoch)
            free(b->jobs[i].body);
        else
            batch_add(b, &b->jobs[i]); /* never behind the one that is read */
    }
}

void batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        free(b->jobs[i].body);
    free(b);
}
