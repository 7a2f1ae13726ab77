/* Reading and telling a page of statistics; see statistics.h. */
#include "exporter/statistics.h"

#include "metrics/collector.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53: further a double has no ones */

/* Reading -------------------------------------------------------------------------------------- */

/* A count is a whole number from 0 on; some write it as 12.0 or 1e3. jansson knows no NaN, and
 * refuses what a double does not hold. */
static struct verdict take_count(const json_t *value, const char *name, uint64_t *out)
{
    double number = json_number_value(value);
    if (!value)
        return verdict(VERDICT_MISSING, "%s is missing", name);
    if (!json_is_number(value))
        return verdict(VERDICT_ABSURD, "%s is no number", name);
    if (number < 0)
        return verdict(VERDICT_ABSURD, "%s is negative: %g", name, number);
    if (json_is_real(value) && (number != floor(number) || number > WHOLE_MAX))
        return verdict(VERDICT_ABSURD, "%s is no count: %g", name, number);
    *out = json_is_integer(value) ? (uint64_t)json_integer_value(value) : (uint64_t)number;
    return VERDICT_WELL;
}

static struct verdict take_sum(const json_t *value, double *out)
{
    *out = json_number_value(value);
    if (!value)
        return verdict(VERDICT_MISSING, "duration.sum is missing");
    if (!json_is_number(value))
        return verdict(VERDICT_ABSURD, "duration.sum is no number");
    if (!isfinite(*out) || *out < 0)
        return verdict(VERDICT_ABSURD, "duration.sum is negative: %g", *out);
    return VERDICT_WELL;
}

/* 0 where the key is no status code: whoever answers with other keys must not make series of them.
 */
static int code_of(const char *key)
{
    bool digits = strlen(key) == 3 && isdigit((unsigned char)key[0]) &&
                  isdigit((unsigned char)key[1]) && isdigit((unsigned char)key[2]);
    int code = digits ? (key[0] - '0') * 100 + (key[1] - '0') * 10 + key[2] - '0' : 0;
    return code >= STATISTICS_CODE_MIN && code <= STATISTICS_CODE_MAX ? code : 0;
}

static struct verdict take_counter(struct statistics *s, const char *key, const json_t *value)
{
    char name[sizeof "requestCounters." + 3];
    uint64_t count = 0;
    int code = code_of(key);
    if (!code)
        return verdict(VERDICT_ABSURD, "requestCounters has the key %.40s, no status code", key);
    snprintf(name, sizeof name, "requestCounters.%d", code);
    struct verdict v = take_count(value, name, &count);
    s->has[code] = true;
    s->requests[code] = (double)count;
    return v;
}

static struct verdict take_counters(struct statistics *s, json_t *counters)
{
    struct verdict v = VERDICT_WELL;
    const char *key;
    json_t *value;
    if (!counters)
        return verdict(VERDICT_MISSING, "requestCounters is missing");
    if (!json_is_object(counters))
        return verdict(VERDICT_ABSURD, "requestCounters is no object");
    json_object_foreach (counters, key, value)
        if (v.kind == VERDICT_OK)
            v = take_counter(s, key, value);
    return v;
}

static struct verdict take_duration(struct statistics *s, const json_t *duration)
{
    if (!duration)
        return verdict(VERDICT_MISSING, "duration is missing");
    if (!json_is_object(duration))
        return verdict(VERDICT_ABSURD, "duration is no object");
    struct verdict v = take_count(json_object_get(duration, "count"), "duration.count", &s->count);
    return v.kind == VERDICT_OK ? take_sum(json_object_get(duration, "sum"), &s->sum) : v;
}

struct verdict statistics_take(struct statistics *s, const char *json, size_t len)
{
    json_error_t error;
    statistics_forget(s);
    json_t *page = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
    if (!page)
        return verdict(VERDICT_NOT_JSON, "its answer is no JSON: %s", error.text);
    struct verdict v = take_counters(s, json_object_get(page, "requestCounters"));
    if (v.kind == VERDICT_OK)
        v = take_duration(s, json_object_get(page, "duration"));
    json_decref(page);
    s->up = v.kind == VERDICT_OK;
    return v;
}

void statistics_forget(struct statistics *s)
{
    *s = (struct statistics){.up = false};
}

/* Telling -------------------------------------------------------------------------------------- */

static void tell_requests(const struct statistics *s, struct metrics_sink *out)
{
    char text[12];
    metrics_emit_family(out, METRIC_COUNTER, "syseng_http_requests_total",
                        "Requests that the source answered, as it says.", "code");
    for (int code = STATISTICS_CODE_MIN; code <= STATISTICS_CODE_MAX; code++) {
        snprintf(text, sizeof text, "%d", code);
        if (s->has[code])
            metrics_emit(out, s->requests[code], text);
    }
}

static void collect(void *context, struct metrics_sink *out)
{
    const struct statistics *s = context;
    metrics_emit_family(out, METRIC_GAUGE, "syseng_up",
                        "1 where the source's statistics could be read at this scrape.");
    metrics_emit(out, s->up);
    if (!s->up)
        return;
    tell_requests(s, out);
    metrics_emit_family(out, METRIC_SUMMARY, "syseng_http_request_duration_seconds",
                        "How many requests the source timed, and how long they took in all.");
    metrics_emit_sum(out, s->sum, s->count, NULL, 0);
}

int statistics_register(struct statistics *statistics, struct err *err)
{
    static struct metrics_collector collector = {.collect = collect};
    collector.ctx = statistics;
    int rc = metrics_collector_register(&metrics_default, &collector);
    return rc == OK ? OK : err_set(err, rc, "the registry takes no further collector");
}
