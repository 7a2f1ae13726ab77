/* Why a message is refused: for a server the status that it answers, and a metric's label. */
#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

/* X(name, status, label) */
#define HTTP_REFUSAL_MAP(X)                                                                        \
    X(SYNTAX, 400, "syntax")                                                                       \
    X(LINE_END, 400, "line_end") /* a bare CR or LF, or obs-fold */                                \
    X(HOST, 400, "host")         /* missing, double or malformed */                                \
    X(FRAMING, 400, "framing")   /* contradicting or malformed body lengths */                     \
    X(BODY_TOO_LARGE, 413, "body_too_large")                                                       \
    X(TARGET_TOO_LONG, 414, "target_too_long")                                                     \
    X(EXPECTATION, 417, "expectation")                                                             \
    X(HEADERS_TOO_LARGE, 431, "headers_too_large")                                                 \
    X(METHOD, 501, "method")                   /* not known to llhttp */                           \
    X(TRANSFER_CODING, 501, "transfer_coding") /* other than chunked */                            \
    X(MEMORY, 503, "memory")                                                                       \
    X(VERSION, 505, "version")

enum http_refusal {
#define HTTP_REFUSAL_ENUM(name, status, label) HTTP_REFUSE_##name,
    HTTP_REFUSAL_MAP(HTTP_REFUSAL_ENUM)
#undef HTTP_REFUSAL_ENUM
        HTTP_REFUSAL_COUNT,
};

int http_refusal_status(enum http_refusal refusal);
const char *http_refusal_label(enum http_refusal refusal);

#endif
