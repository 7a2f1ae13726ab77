/* The translation; see stats.h. The part that is yours. */
#include "exporter/stats.h"

#include "metrics/collector.h"

#include <jansson.h>

static json_t *stats; /* what the source said last; NULL: nothing, or no JSON */

static void collect(void *context, struct metrics_sink *out)
{
    (void)context;
    json_t *counters = json_object_get(stats, "requestCounters");
    json_t *seconds = json_object_get(json_object_get(stats, "duration"), "sum");
    bool up = json_is_object(counters) && json_is_number(seconds);
    metrics_emit_family(out, METRIC_GAUGE, "stats_up",
                        "1 where the source's statistics could be read.");
    metrics_emit(out, up);
    if (!up)
        return;

    const char *code;
    json_t *count;
    metrics_emit_family(out, METRIC_COUNTER, "stats_requests_total", "Requests answered.", "code");
    json_object_foreach (counters, code, count)
        metrics_emit(out, json_number_value(count), code);
    metrics_emit_family(out, METRIC_COUNTER, "stats_request_seconds_total", "Time that they took.");
    metrics_emit(out, json_number_value(seconds));
}

int stats_init(void)
{
    static const struct metrics_collector collector = {collect, NULL};
    return metrics_collector_register(&metrics_default, &collector);
}

void stats_take(const char *body, size_t len)
{
    json_decref(stats);
    stats = body ? json_loadb(body, len, 0, NULL) : NULL;
}
