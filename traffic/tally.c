/* Counting; see tally.h. */
#include "traffic/tally.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

int tally_init(struct tally *t, const struct mix *mix)
{
    *t = (struct tally){.mix = mix, .endpoints = calloc(mix->endpoint_count, sizeof *t->endpoints)};
    return t->endpoints ? OK : ERR_NOMEM;
}

static void add_kind(struct tally *t, int status)
{
    size_t i = 0;
    while (i < TALLY_KINDS_MAX - 1 && t->kinds[i].count && t->kinds[i].status != status)
        i++;
    t->kinds[i].status = i < TALLY_KINDS_MAX - 1 ? status : 0;
    t->kinds[i].count++;
}

bool tally_has_latency(int status)
{
    return status == OK || status == ERR_TIMEOUT || status == ERR_LOST || status == ERR_CLOSED;
}

void tally_add(struct tally *t, size_t endpoint, int status, int code, uint64_t latency_ns)
{
    struct tally_endpoint *e = &t->endpoints[endpoint];
    bool error = status != OK || mix_is_error(&t->mix->endpoints[endpoint], code);
    e->requests++;
    e->errors += error;
    e->codes[status == OK ? code : TALLY_NO_ANSWER]++;
    t->requests++;
    t->errors += error;
    t->answered += status == OK;
    t->recent.requests++;
    t->recent.errors += error;
    if (status != OK)
        add_kind(t, status);
    if (!tally_has_latency(status))
        return;
    latency_record(&e->latency, latency_ns);
    latency_record(&t->recent.latency, latency_ns);
}

void tally_drop(struct tally *t, uint64_t count)
{
    t->dropped += count;
    t->recent.dropped += count;
}

void tally_latency(const struct tally *t, struct latency *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < t->mix->endpoint_count; i++)
        latency_merge(out, &t->endpoints[i].latency);
}

double tally_seconds(const struct tally *t)
{
    uint64_t end = t->last_end > t->stopped ? t->last_end : t->stopped;
    return end > t->started ? clock_seconds(t->started, end) : 0;
}

double tally_rate(const struct tally *t)
{
    double seconds = tally_seconds(t);
    return seconds > 0 ? (double)t->answered / seconds : 0;
}

double tally_sent_rate(const struct tally *t)
{
    double seconds = t->stopped > t->started ? clock_seconds(t->started, t->stopped) : 0;
    return seconds > 0 ? (double)t->requests / seconds : 0;
}

double tally_error_ratio(const struct tally *t)
{
    uint64_t all = t->requests + t->dropped;
    return all ? (double)(t->errors + t->dropped) / (double)all : 0;
}

const char *tally_kind_name(int status)
{
    switch (status) {
    case 0:
        return "other";
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_LOST:
        return "connection lost";
    case ERR_CLOSED:
        return "unfinished";
    case ERR_FULL:
        return "queue full";
    case UV_ECONNREFUSED:
        return "connection refused";
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_AGAIN:
        return "name not found";
    default:
        return err_text(status);
    }
}

void tally_free(struct tally *t)
{
    free(t->endpoints);
    t->endpoints = NULL;
}
