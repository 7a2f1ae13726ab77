/* The summary for machines; see report.h. Times are in seconds, shares between 0 and 1. */
#include "base/clock.h"
#include "traffic/report.h"

#include <string.h>

typedef unsigned long long ull;

static const struct {
    const char *name;
    double q;
} quantiles[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p99.9", .999}, {"max", 1}};

static void put_text(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\":\"", name);
    buf_json_escaped(out, text, strlen(text));
    buf_text(out, "\",");
}

static void put_latency(struct buf *out, const char *name, const struct latency *l)
{
    buf_printf(out, "\"%s\":{", name);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        buf_printf(out, "%s\"%s\":%.9f", i ? "," : "", quantiles[i].name,
                   (double)latency_quantile(l, quantiles[i].q) / (double)NS_PER_S);
    buf_char(out, '}');
}

static void put_codes(struct buf *out, const struct tally_endpoint *e)
{
    const char *before = "";
    buf_text(out, "\"codes\":{");
    for (int code = 0; code < TALLY_CODES; code++) {
        if (!e->codes[code])
            continue;
        if (code == TALLY_NO_ANSWER)
            buf_printf(out, "\"error\":%llu", (ull)e->codes[code]);
        else
            buf_printf(out, "%s\"%d\":%llu", before, code, (ull)e->codes[code]);
        before = ",";
    }
    buf_text(out, "},");
}

static void put_endpoint(struct buf *out, const struct mix_endpoint *name,
                         const struct tally_endpoint *e)
{
    buf_char(out, '{');
    put_text(out, "method", name->method);
    put_text(out, "path", name->path);
    buf_printf(out, "\"requests\":%llu,\"errors\":%llu,", (ull)e->requests, (ull)e->errors);
    put_codes(out, e);
    put_latency(out, "latency_seconds", &e->latency);
    buf_char(out, '}');
}

static void put_kinds(struct buf *out, const struct tally *t)
{
    buf_text(out, "\"no_answer\":{");
    for (int i = 0; i < TALLY_KINDS_MAX && t->kinds[i].count; i++) {
        buf_text(out, i ? ",\"" : "\"");
        const char *name = tally_kind_name(t->kinds[i].status);
        buf_json_escaped(out, name, strlen(name));
        buf_printf(out, "\":%llu", (ull)t->kinds[i].count);
    }
    buf_text(out, "},");
}

static void put_wanted(struct buf *out, const struct scenario_options *o)
{
    put_text(out, "name", o->name);
    put_text(out, "executor", o->executor->name);
    put_text(out, "target", o->target);
    if (o->executor->open)
        buf_printf(out, "\"target_rate\":%.17g,", o->rate);
    else
        buf_printf(out, "\"users\":%lld,", (long long)o->users);
    buf_printf(out, "\"seed\":%llu,", (ull)o->seed);
}

static void put_totals(struct buf *out, const struct tally *t)
{
    buf_printf(out, "\"seconds\":%.6f,\"requests\":%llu,\"errors\":%llu,", tally_seconds(t),
               (ull)t->requests, (ull)t->errors);
    buf_printf(out, "\"waited_for_connection\":%llu,", (ull)t->waited);
    buf_printf(out, "\"dropped_iterations\":%llu,\"error_ratio\":%.9f,", (ull)t->dropped,
               tally_error_ratio(t));
    buf_printf(out, "\"rate\":%.3f,\"sent_rate\":%.3f,", tally_rate(t), tally_sent_rate(t));
}

static void put_part(struct buf *out, const struct report_part *part)
{
    const struct mix *mix = part->options->mix;
    struct latency all;
    buf_char(out, '{');
    put_wanted(out, part->options);
    put_totals(out, part->tally);
    put_kinds(out, part->tally);
    buf_printf(out, "\"late\":%s,", report_part_was_late(part) ? "true" : "false");
    put_latency(out, "schedule_error_seconds", &part->tally->schedule_error);
    tally_latency(part->tally, &all);
    buf_char(out, ',');
    put_latency(out, "latency_seconds", &all);
    buf_text(out, ",\"endpoints\":[");
    for (size_t i = 0; i < mix->endpoint_count; i++) {
        buf_text(out, i ? "," : "");
        put_endpoint(out, &mix->endpoints[i], &part->tally->endpoints[i]);
    }
    buf_text(out, "]}");
}

void report_json(struct buf *out, const struct report *report)
{
    buf_printf(out, "{\"cpu\":%.4f,\"cpu_was_limit\":%s,\"scenarios\":[", report->cpu,
               report_cpu_was_limit(report) ? "true" : "false");
    for (size_t i = 0; i < report->count; i++) {
        buf_text(out, i ? "," : "");
        put_part(out, &report->parts[i]);
    }
    buf_text(out, "]}\n");
}
