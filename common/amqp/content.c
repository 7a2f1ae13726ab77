/* Header and body frames put together; see content.h. */
#include "amqp/content.h"

void content_init(struct content *c, size_t limit)
{
    *c = (struct content){.limit = limit};
}

void content_free(struct content *c)
{
    buf_free(&c->kept);
}

void content_reset(struct content *c)
{
    c->state = CONTENT_NONE;
    buf_clear(&c->kept);
}

int content_begin(struct content *c)
{
    if (c->state != CONTENT_NONE)
        return ERR_PROTOCOL;
    c->state = CONTENT_HEADER;
    return OK;
}

static size_t keep_text(char to[CONTENT_TEXT_MAX + 1], amqp_bytes_t from)
{
    size_t len = from.len <= CONTENT_TEXT_MAX ? from.len : 0;

    if (len)
        memcpy(to, from.bytes, len);
    to[len] = 0;
    return len;
}

/* The text of a header, or nothing where it is missing or no text. */
static amqp_bytes_t header_text(const amqp_basic_properties_t *p, const char *name)
{
    size_t len = strlen(name);

    if (!(p->_flags & AMQP_BASIC_HEADERS_FLAG))
        return codec_bytes(NULL, 0);
    for (int i = 0; i < p->headers.num_entries; i++) {
        const amqp_table_entry_t *e = &p->headers.entries[i];
        if (e->value.kind == AMQP_FIELD_KIND_UTF8 && e->key.len == len &&
            memcmp(e->key.bytes, name, len) == 0)
            return e->value.value.bytes;
    }
    return codec_bytes(NULL, 0);
}

static void keep_properties(struct content *c, const amqp_basic_properties_t *p)
{
    amqp_bytes_t id = codec_bytes(NULL, 0);

    if (p->_flags & AMQP_BASIC_MESSAGE_ID_FLAG)
        id = p->message_id;
    c->message_id_len = keep_text(c->message_id, id);
    c->traceparent_len = keep_text(c->traceparent, header_text(p, "traceparent"));
}

static int whole(struct content *c)
{
    if (!c->body) {
        c->body = buf_len(&c->kept) ? buf_data(&c->kept) : "";
        c->len = buf_len(&c->kept);
    }
    c->state = CONTENT_NONE;
    return 1;
}

static int begin_body(struct content *c, const struct codec_frame *frame)
{
    keep_properties(c, frame->properties);
    c->missing = frame->body_size;
    c->too_large = frame->body_size > c->limit;
    c->state = CONTENT_BODY;
    c->body = NULL;
    buf_clear(&c->kept);
    return c->missing ? 0 : whole(c);
}

static int add_body(struct content *c, const struct codec_frame *frame)
{
    size_t wanted = c->limit - buf_len(&c->kept);

    if (frame->len > c->missing)
        return ERR_PROTOCOL;
    c->missing -= frame->len;
    if (!c->missing && !buf_len(&c->kept)) { /* all in one frame: no copy */
        c->body = frame->body;
        c->len = frame->len < c->limit ? frame->len : c->limit;
        return whole(c);
    }
    if (buf_append(&c->kept, frame->body, frame->len < wanted ? frame->len : wanted))
        return ERR_NOMEM;
    return c->missing ? 0 : whole(c);
}

int content_frame(struct content *c, const struct codec_frame *frame)
{
    if (frame->type == AMQP_FRAME_HEADER && c->state == CONTENT_HEADER)
        return begin_body(c, frame);
    if (frame->type == AMQP_FRAME_BODY && c->state == CONTENT_BODY)
        return add_body(c, frame);
    return ERR_PROTOCOL;
}
