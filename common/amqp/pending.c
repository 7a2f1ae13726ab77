/* One message on its way; see pending.h. */
#include "amqp/pending.h"

#include "amqp/codec.h"

#include <stdlib.h>

#define TEXT_MAX 255 /* AMQP's short strings hold no more */

static size_t length(const char *text)
{
    return text ? strlen(text) : 0;
}

static char *append(char *at, const char *bytes, size_t n)
{
    if (n)
        memcpy(at, bytes, n);
    return at + n;
}

int pending_new(struct pending **out, const struct amqp_message *from)
{
    size_t type = length(from->content_type), id = length(from->message_id),
           trace = length(from->traceparent);
    struct pending *m;
    char *at;

    if (from->len > AMQP_BODY_MAX || type > TEXT_MAX || id > TEXT_MAX || trace > TEXT_MAX)
        return ERR_TOO_LARGE;
    m = *out = malloc(sizeof *m + type + id + trace + from->len);
    if (!m)
        return ERR_NOMEM;
    *m = (struct pending){.timestamp = from->timestamp,
                          .type_len = type,
                          .id_len = id,
                          .trace_len = trace,
                          .len = from->len};
    list_init(&m->by_age);
    list_init(&m->waiting);
    at = append(m->data, from->content_type, type);
    at = append(at, from->message_id, id);
    at = append(at, from->traceparent, trace);
    append(at, from->body, from->len);
    return OK;
}

static const char *id_of(const struct pending *m)
{
    return m->data + m->type_len;
}

static const char *trace_of(const struct pending *m)
{
    return id_of(m) + m->id_len;
}

/* `header` is room for the one entry of the headers, and must live as long as the result. */
static amqp_basic_properties_t properties_of(const struct pending *m, amqp_table_entry_t *header)
{
    amqp_flags_t flags = AMQP_BASIC_DELIVERY_MODE_FLAG;

    *header =
        (amqp_table_entry_t){.key = amqp_cstring_bytes("traceparent"),
                             .value = {.kind = AMQP_FIELD_KIND_UTF8,
                                       .value.bytes = codec_bytes(trace_of(m), m->trace_len)}};
    flags |= m->type_len ? AMQP_BASIC_CONTENT_TYPE_FLAG : 0;
    flags |= m->id_len ? AMQP_BASIC_MESSAGE_ID_FLAG : 0;
    flags |= m->trace_len ? AMQP_BASIC_HEADERS_FLAG : 0;
    flags |= m->timestamp ? AMQP_BASIC_TIMESTAMP_FLAG : 0;
    return (amqp_basic_properties_t){._flags = flags,
                                     .delivery_mode = AMQP_DELIVERY_PERSISTENT,
                                     .content_type = codec_bytes(m->data, m->type_len),
                                     .message_id = codec_bytes(id_of(m), m->id_len),
                                     .headers = {.num_entries = 1, .entries = header},
                                     .timestamp = m->timestamp};
}

int pending_encode(const struct pending *m, struct buf *out, const char *queue, size_t frame_max)
{
    amqp_table_entry_t header;
    amqp_basic_properties_t properties = properties_of(m, &header);
    amqp_basic_publish_t method = {.routing_key = amqp_cstring_bytes(queue), .mandatory = 1};

    return codec_publish(out, &method, &properties, trace_of(m) + m->trace_len, m->len, frame_max);
}

bool pending_has_id(const struct pending *m, const char *id, size_t len)
{
    return m->id_len == len && memcmp(id_of(m), id, len) == 0;
}
