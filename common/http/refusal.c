/* The table of refusals; see refusal.h. */
#include "http/refusal.h"

#include <assert.h>

static const struct {
    int status;
    const char *label;
} refusals[] = {
#define REFUSAL_ROW(name, status, label) [HTTP_REFUSE_##name] = {status, label},
    HTTP_REFUSAL_MAP(REFUSAL_ROW)
#undef REFUSAL_ROW
};

int http_refusal_status(enum http_refusal refusal)
{
    assert(refusal < HTTP_REFUSAL_COUNT);
    return refusals[refusal].status;
}

const char *http_refusal_label(enum http_refusal refusal)
{
    assert(refusal < HTTP_REFUSAL_COUNT);
    return refusals[refusal].label;
}
