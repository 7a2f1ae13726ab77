/*
 * gRPC's status codes, and what else becomes one; and the text beside it, as the field grpc-message
 * carries it: percent-encoded UTF-8.
 */
#ifndef GRPC_STATUS_H
#define GRPC_STATUS_H

#include "base/buf.h"

/* X(name, number), as the protocol numbers them */
#define GRPC_STATUS_MAP(X)                                                                         \
    X(OK, 0)                                                                                       \
    X(CANCELLED, 1)                                                                                \
    X(UNKNOWN, 2)                                                                                  \
    X(INVALID_ARGUMENT, 3)                                                                         \
    X(DEADLINE_EXCEEDED, 4)                                                                        \
    X(NOT_FOUND, 5)                                                                                \
    X(ALREADY_EXISTS, 6)                                                                           \
    X(PERMISSION_DENIED, 7)                                                                        \
    X(RESOURCE_EXHAUSTED, 8)                                                                       \
    X(FAILED_PRECONDITION, 9)                                                                      \
    X(ABORTED, 10)                                                                                 \
    X(OUT_OF_RANGE, 11)                                                                            \
    X(UNIMPLEMENTED, 12)                                                                           \
    X(INTERNAL, 13)                                                                                \
    X(UNAVAILABLE, 14)                                                                             \
    X(DATA_LOSS, 15)                                                                               \
    X(UNAUTHENTICATED, 16)

enum grpc_status {
#define GRPC_ENUM(name, number) GRPC_##name = number,
    GRPC_STATUS_MAP(GRPC_ENUM)
#undef GRPC_ENUM
        GRPC_STATUS_COUNT
};

/* "DEADLINE_EXCEEDED"; "UNKNOWN" for what is no code. Static. */
const char *grpc_status_name(int status);

/* The decimal number of the field grpc-status; GRPC_UNKNOWN for what is none of the codes. */
enum grpc_status grpc_status_parse(const char *text, size_t len);

/* For an answer without grpc-status: what its HTTP status, or the reset of its stream, stands for.
 */
enum grpc_status grpc_status_of_http(int http_status);
enum grpc_status grpc_status_of_reset(uint32_t http2_error);

/* Appends the text so that it may stand in a field; 0 or ERR_NOMEM. */
int grpc_message_encode(struct buf *out, const char *text, size_t len) MUST_CHECK;

/* Appends what the field stands for. A '%' that no two hex digits follow stands for itself. */
int grpc_message_decode(struct buf *out, const char *field, size_t len) MUST_CHECK;

#endif
