/* Any text as a traceparent: refused, or read so that what is written of it is read the same. */
#include "contract/traceparent.h"

#include <stdlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct trace a, b;
    char text[TRACEPARENT_SIZE];
    if (traceparent_read((const char *)data, len, &a) != OK)
        return 0;
    must((a.id[0] | a.id[1]) != 0 && a.parent != 0 && a.span == 0);
    a.span = a.parent;
    traceparent_write(&a, text);
    must(text[TRACEPARENT_LEN] == '\0');
    must(traceparent_read(text, TRACEPARENT_LEN, &b) == OK);
    must(a.id[0] == b.id[0] && a.id[1] == b.id[1] && a.parent == b.parent);
    must(a.sampled == b.sampled);
    return 0;
}
