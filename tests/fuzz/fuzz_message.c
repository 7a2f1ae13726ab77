/* Any body: decoded or refused with a text; what is decoded survives encoding and decoding. */
#include "contract/message.h"

#include <stdlib.h>

static void must_survive(const struct message *m)
{
    struct buf body = {0};
    struct message again;
    if (message_encode(m, &body) != OK)
        abort();
    if (message_decode(buf_data(&body), buf_len(&body), &again, NULL) != OK)
        abort();
    if (again.kind != m->kind)
        abort();
    if (m->kind == MESSAGE_FRUIT && (again.fruit != m->fruit || again.quantity != m->quantity))
        abort();
    buf_free(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct message m;
    struct err why = {0};
    if (message_decode((const char *)data, len, &m, &why) == OK)
        must_survive(&m);
    else if (why.text[0] == '\0')
        abort();
    (void)!message_decode_fruit((const char *)data, len, &m, NULL);
    return 0;
}
