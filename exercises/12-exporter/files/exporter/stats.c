/* The translation; see stats.h. The part that is yours. */
#include "exporter/stats.h"

#include "metrics/collector.h"

#include <jansson.h>

static void collect(void *context, struct metrics_sink *out)
{
    (void)context;
    (void)out;
}

int stats_init(void)
{
    static const struct metrics_collector collector = {collect, NULL};
    return metrics_collector_register(&metrics_default, &collector);
}

void stats_take(const char *body, size_t len)
{
    (void)body;
    (void)len;
}
