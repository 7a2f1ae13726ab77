/*
 * AMQP 0-9-1 frames, in and out. Pure: bytes and frames, no socket, nothing that could wait.
 *
 *     type 1 | channel 2 | size 4 | payload (size bytes) | 0xCE
 *
 * The framing is ours; payloads are encoded and decoded by those functions of librabbitmq that only
 * touch memory. A message is three kinds of frame: a method, a header with the properties and the
 * body's size, and as many body frames as the size asks for.
 */
#ifndef AMQP_CODEC_H
#define AMQP_CODEC_H

#include "base/buf.h"

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#endif

#define CODEC_FRAME_MAX 131072 /* what we ask for, and the largest frame that we take in */
#define CODEC_OVERHEAD  8      /* bytes of a frame that are not payload */
#define CODEC_CHANNEL   1      /* the one channel that a connection uses; 0 is the connection's */

/* One decoded frame. Pointers into the bytes that were fed, and into the codec till its release. */
struct codec_frame {
    uint8_t type; /* AMQP_FRAME_METHOD, _HEADER, _BODY or _HEARTBEAT */
    uint16_t channel;
    amqp_method_number_t method;               /* of a METHOD */
    const void *decoded;                       /* of a METHOD: its amqp_…_t */
    const amqp_basic_properties_t *properties; /* of a HEADER */
    uint64_t body_size;                        /* of a HEADER: bytes that the body frames bring */
    const char *body;                          /* of a BODY */
    size_t len;
};

/* The incoming side. */
struct codec {
    amqp_pool_t pool; /* what decoding allocates */
};

void codec_init(struct codec *c);
void codec_free(struct codec *c);

/* Decodes the frame at the front of `bytes`. The number of bytes it took, 0 where it is not there
 * in full yet, or ERR_PROTOCOL, after which the connection is of no more use. */
int codec_next(struct codec *c, const char *bytes, size_t n, struct codec_frame *out) MUST_CHECK;

/* The outgoing side: each appends whole frames, or nothing. 0, ERR_NOMEM, or ERR_TOO_LARGE where
 * a method or header does not fit into CODEC_PAYLOAD_MAX. */
#define CODEC_PAYLOAD_MAX 4096
int codec_method(struct buf *out, uint16_t channel, amqp_method_number_t id,
                 const void *method) MUST_CHECK;
int codec_heartbeat(struct buf *out) MUST_CHECK;

/* Method basic.publish, header and body, the body in frames of at most `frame_max` bytes. */
int codec_publish(struct buf *out, const amqp_basic_publish_t *method,
                  const amqp_basic_properties_t *properties, const char *body, size_t len,
                  size_t frame_max) MUST_CHECK;

/* Text as librabbitmq wants it; it reads it only. */
static inline amqp_bytes_t codec_bytes(const char *text, size_t len)
{
    return (amqp_bytes_t){.len = len, .bytes = (void *)text};
}

#endif
