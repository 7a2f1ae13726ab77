/*
 * gRPC's framing: each message behind one byte of flags and its length in four, big end first.
 * HTTP/2 may cut the stream anywhere, the prefix included.
 *
 *     while (len) {
 *         size_t used;
 *         switch (grpc_reader_feed(&reader, data, len, &used)) …
 *     }
 *
 * The reader knows no socket. Memory grows with what has come, never with what a prefix promises.
 */
#ifndef GRPC_FRAMING_H
#define GRPC_FRAMING_H

#include "base/buf.h"

#define GRPC_PREFIX 5

enum grpc_read {
    GRPC_READ_MORE,       /* all was taken, and no message is whole */
    GRPC_READ_MESSAGE,    /* reader->message holds one; the next feed begins the next */
    GRPC_READ_COMPRESSED, /* a compressed one, for which nothing is agreed */
    GRPC_READ_TOO_LARGE,  /* longer than `max`; reader->length says how long */
    GRPC_READ_BAD_FLAGS,  /* flags that the protocol does not have */
    GRPC_READ_NO_MEMORY,
};

/* Zero-initialise but for `max`; free with grpc_reader_free. After an error it is of no use. */
struct grpc_reader {
    uint32_t max; /* bytes of one message, at most */
    unsigned char prefix[GRPC_PREFIX];
    unsigned prefix_len;
    uint32_t length; /* of the message, once its prefix is whole */
    struct buf message;
    bool whole; /* the message was told */
};

/* Takes bytes off `data` up to the end of a message or of what there is; `used`: how many. */
enum grpc_read grpc_reader_feed(struct grpc_reader *reader, const void *data, size_t len,
                                size_t *used);

/* Whether it stands between two messages: whoever ends elsewhere cut one short. */
bool grpc_reader_at_boundary(const struct grpc_reader *reader);

void grpc_reader_free(struct grpc_reader *reader);

/* Appends a message with its prefix, uncompressed; 0 or ERR_NOMEM. */
int grpc_frame(struct buf *out, const void *message, uint32_t len) MUST_CHECK;

#endif
