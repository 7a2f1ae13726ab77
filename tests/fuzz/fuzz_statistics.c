/* Any page of statistics: believed whole, with nothing absurd in it, or not at all and with a
 * reason. */
#include "exporter/statistics.h"

#include <math.h>
#include <stdlib.h>

static void must_be_sound(const struct statistics *s)
{
    if (!s->up || !isfinite(s->sum) || s->sum < 0)
        abort();
    for (int code = 0; code <= STATISTICS_CODE_MAX; code++)
        if (s->has[code] && (code < STATISTICS_CODE_MIN || !(s->requests[code] >= 0) ||
                             s->requests[code] != floor(s->requests[code])))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct statistics statistics;
    struct verdict v = statistics_take(&statistics, (const char *)data, len);
    if (v.kind == VERDICT_OK)
        must_be_sound(&statistics);
    else if (statistics.up || v.text[0] == '\0')
        abort();
    return 0;
}
