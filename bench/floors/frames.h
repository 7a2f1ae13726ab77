/*
 * The frames of a publisher that does nothing twice: those of a message are encoded once, and for
 * each message copied, with another id. Of what the broker says only basic.ack is understood.
 */
#ifndef FLOORS_FRAMES_H
#define FLOORS_FRAMES_H

#include "broker.h"

static const char body[] = "{\"fruit\":\"pears\",\"quantity\":3}";
enum {
    BODY_SIZE = sizeof body - 1,
    ID_SIZE = 36,
    FRAME_HEAD = 7,
    TEMPLATE_MAX = 512,
    ACK_SIZE = 21
};

static char template[TEMPLATE_MAX];
static size_t template_size, id_at;

static inline amqp_basic_properties_t properties_with(char *id)
{
    return (amqp_basic_properties_t){
        ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG |
                  AMQP_BASIC_MESSAGE_ID_FLAG,
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .content_type = amqp_cstring_bytes("application/json"),
        .message_id = {ID_SIZE, id},
    };
}

static inline uint64_t big(const char *at, int n)
{
    uint64_t value = 0;
    for (int i = 0; i < n; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

static inline void put(char *at, uint64_t value, int n)
{
    while (n-- > 0) {
        at[n] = (char)value;
        value >>= 8;
    }
}

/* Frames the payload of `size` bytes that was written FRAME_HEAD behind the template's end. */
static inline void end_frame(int type, size_t size)
{
    char *at = template + template_size;
    at[0] = (char)type;
    put(at + 1, CHANNEL, 2);
    put(at + 3, size, 4);
    at[FRAME_HEAD + size] = (char)AMQP_FRAME_END;
    template_size += FRAME_HEAD + size + 1;
}

static inline amqp_bytes_t room(size_t skip)
{
    size_t used = template_size + FRAME_HEAD + skip;
    return (amqp_bytes_t){TEMPLATE_MAX - used, template + used};
}

static inline void make_template(void)
{
    char id[ID_SIZE + 1];
    floor_uuid(id, 0);
    amqp_basic_publish_t method = {.routing_key = amqp_cstring_bytes(QUEUE), .mandatory = 1};
    put(room(0).bytes, AMQP_BASIC_PUBLISH_METHOD, 4);
    end_frame(AMQP_FRAME_METHOD,
              4 + (size_t)amqp_encode_method(AMQP_BASIC_PUBLISH_METHOD, &method, room(4)));

    amqp_basic_properties_t properties = properties_with(id);
    char *header = room(0).bytes;
    put(header, (uint64_t)AMQP_BASIC_CLASS << 16, 4);
    put(header + 4, BODY_SIZE, 8);
    size_t size = (size_t)amqp_encode_properties(AMQP_BASIC_CLASS, &properties, room(12));
    id_at = (size_t)((char *)memmem(header, 12 + size, id, ID_SIZE) - template);
    end_frame(AMQP_FRAME_HEADER, 12 + size);

    memcpy(room(0).bytes, body, BODY_SIZE);
    end_frame(AMQP_FRAME_BODY, BODY_SIZE);
}

/* The frames of the n-th message; returns the end of them. */
static inline char *write_message(char *at, uint64_t n)
{
    char id[ID_SIZE + 1];
    floor_uuid(id, n);
    memcpy(at, template, template_size);
    memcpy(at + id_at, id, ID_SIZE);
    return at + template_size;
}

typedef void (*ack_cb)(uint64_t tag, int multiple);

/* Hands over each whole ack of `*have` bytes, and moves what is left to the front. */
static inline void take_acks(char *in, size_t *have, ack_cb cb)
{
    char *at = in;
    for (; *have >= ACK_SIZE; at += ACK_SIZE, *have -= ACK_SIZE) {
        floor_must(big(at + FRAME_HEAD, 4) == AMQP_BASIC_ACK_METHOD, "a confirm");
        cb(big(at + FRAME_HEAD + 4, 8), at[FRAME_HEAD + 12]);
    }
    memmove(in, at, *have);
}

#endif
