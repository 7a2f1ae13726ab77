/* The summary for people; see report.h. */
#include "traffic/report.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static const double quantiles[] = {.5, .9, .99, .999, 1};

bool report_cpu_was_limit(const struct report *report)
{
    return report->cpu > REPORT_CPU_LIMIT;
}

bool report_part_was_late(const struct report_part *part)
{
    return latency_quantile(&part->tally->schedule_error, .99) > REPORT_LATE_LIMIT_NS;
}

static bool is_open(const struct report_part *part)
{
    return part->options->executor->open;
}

static double percent(uint64_t part, uint64_t of)
{
    return of ? 100 * (double)part / (double)of : 0;
}

/* Milliseconds with three or four digits that count. */
static void put_ms(struct buf *out, int width, uint64_t ns)
{
    double ms = (double)ns / (double)NS_PER_MS;
    buf_printf(out, "%*.*f", width, ms < 10 ? 3 : ms < 100 ? 2 : 1, ms);
}

static void put_head(struct buf *out, const struct report_part *part)
{
    const struct scenario_options *o = part->options;
    buf_printf(out, "\nscenario %s: %s, ", o->name, o->executor->name);
    if (is_open(part))
        buf_printf(out, "%s%g requests/s", o->stages ? "up to " : "", o->rate);
    else
        buf_printf(out, "%lld user%s", (long long)o->users, o->users == 1 ? "" : "s");
    buf_printf(out, ", %s, %.1f s, seed %llu\n\n", o->target, tally_seconds(part->tally),
               (unsigned long long)o->seed);
}

static void put_counts(struct buf *out, const struct report_part *part)
{
    const struct tally *t = part->tally;
    buf_printf(out, "requests   %llu, errors %llu (%.2f %%)", (unsigned long long)t->requests,
               (unsigned long long)t->errors, percent(t->errors, t->requests));
    if (part->options->executor != &constant_vus)
        buf_printf(out, ", dropped %llu", (unsigned long long)t->dropped);
    buf_text(out, "\nrate       ");
    if (is_open(part) && part->options->stages)
        buf_printf(out, "%.1f requests/s sent, ", tally_sent_rate(t));
    else if (is_open(part))
        buf_printf(out, "%.1f requests/s sent of %g, ", tally_sent_rate(t), part->options->rate);
    buf_printf(out, "%.1f requests/s answered", tally_rate(t));
    buf_char(out, '\n');
}

static void put_waited(struct buf *out, const struct report_part *part)
{
    if (is_open(part) && part->tally->waited)
        buf_printf(out, "waited     %llu requests, for one of the %d connections\n",
                   (unsigned long long)part->tally->waited, part->options->connections);
}

static void put_kinds(struct buf *out, const struct tally *t)
{
    const char *before = "no answer  ";
    for (int i = 0; i < TALLY_KINDS_MAX && t->kinds[i].count; i++) {
        buf_printf(out, "%s%s %llu", before, tally_kind_name(t->kinds[i].status),
                   (unsigned long long)t->kinds[i].count);
        before = ", ";
    }
    if (t->kinds[0].count)
        buf_char(out, '\n');
}

static void put_schedule(struct buf *out, const struct report_part *part)
{
    const struct latency *late = &part->tally->schedule_error;
    if (!is_open(part))
        return;
    buf_text(out, "late by    p50 ");
    put_ms(out, 0, latency_quantile(late, .5));
    buf_text(out, " ms, p99 ");
    put_ms(out, 0, latency_quantile(late, .99));
    buf_text(out, " ms, max ");
    put_ms(out, 0, late->max);
    buf_text(out, " ms (requests begun after their time)\n");
}

static void put_codes(struct buf *out, const struct tally_endpoint *e)
{
    for (int code = 100; code < TALLY_CODES; code++)
        if (e->codes[code])
            buf_printf(out, "  %d: %llu", code, (unsigned long long)e->codes[code]);
    if (e->codes[TALLY_NO_ANSWER])
        buf_printf(out, "  error: %llu", (unsigned long long)e->codes[TALLY_NO_ANSWER]);
    buf_char(out, '\n');
}

static void put_row(struct buf *out, const struct mix_endpoint *name,
                    const struct tally_endpoint *e)
{
    buf_printf(out, "%-4s %-15s %9llu", name->method, name->path, (unsigned long long)e->requests);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        put_ms(out, 10, latency_quantile(&e->latency, quantiles[i]));
    put_codes(out, e);
}

static void put_endpoints(struct buf *out, const struct report_part *part)
{
    const struct mix *mix = part->options->mix;
    buf_printf(out, "\n%-20s %9s%10s%10s%10s%10s%10s  codes\n", "latency in ms", "requests", "p50",
               "p90", "p99", "p99.9", "max");
    for (size_t i = 0; i < mix->endpoint_count; i++)
        put_row(out, &mix->endpoints[i], &part->tally->endpoints[i]);
}

/* What the reader must know before believing the figures. */
static void put_own_limits(struct buf *out, const struct report *report)
{
    buf_printf(out, "\ntraffic used %.1f %% of a core\n", 100 * report->cpu);
    if (report_cpu_was_limit(report))
        buf_text(out, "traffic itself was the limit: it had no processor time left\n");
    for (size_t i = 0; i < report->count; i++)
        if (report_part_was_late(&report->parts[i]))
            buf_printf(out,
                       "traffic itself was late: scenario %s began 1 %% of its requests more "
                       "than 1 ms after their time\n",
                       report->parts[i].options->name);
}

void report_text(struct buf *out, const struct report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct report_part *part = &report->parts[i];
        put_head(out, part);
        put_counts(out, part);
        put_kinds(out, part->tally);
        put_waited(out, part);
        put_schedule(out, part);
        put_endpoints(out, part);
    }
    put_own_limits(out, report);
}
