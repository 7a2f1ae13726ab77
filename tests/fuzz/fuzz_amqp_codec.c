/* Any bytes from the broker: frames or ERR_PROTOCOL, never a read past what was fed. */
#include "amqp/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    /* A copy of just this size, so that the sanitizer sees one byte too many. */
    char *bytes = malloc(len ? len : 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data, len);
    struct codec codec;
    codec_init(&codec);
    for (size_t at = 0; at < len;) {
        struct codec_frame frame;
        int taken = codec_next(&codec, bytes + at, len - at, &frame);
        if (taken <= 0)
            break;
        if ((size_t)taken > len - at)
            abort();
        at += (size_t)taken;
    }
    codec_free(&codec);
    free(bytes);
    return 0;
}
