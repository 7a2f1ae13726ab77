/* Any Accept and Accept-Encoding field: an answer within bounds, that letters' case does not
 * change, nor an element that accepts nothing of ours. */
#include "http/gzip.h"
#include "metrics/metrics.h"

#include <ctype.h>
#include <stdlib.h>

/* The format for exactly these bytes, behind whose end the address sanitizer watches. */
static enum metrics_format ask(const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);
    if (len)
        memcpy(copy, text, len);
    enum metrics_format format = metrics_negotiate(copy, len);
    if (!metrics_content_type(format))
        abort();
    (void)http_gzip_is_wanted(copy, len);
    free(copy);
    return format;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char first[] = "image/png;q=1,";
    char *more = malloc(sizeof first + len);
    memcpy(more, first, sizeof first - 1);
    enum metrics_format format = ask((const char *)data, len);
    if (len)
        memcpy(more + sizeof first - 1, data, len);
    if (ask(more, sizeof first - 1 + len) != format)
        abort();
    for (size_t i = 0; i < len; i++)
        more[i] = (char)toupper(data[i]);
    if (ask(more, len) != format)
        abort();
    free(more);
    return 0;
}
