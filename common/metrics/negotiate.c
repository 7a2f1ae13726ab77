/*
 * Which format a scraper gets for its Accept field: the one that it gives the highest q, as
 * https://prometheus.io/docs/instrumenting/content_negotiation demands.
 *
 * Each format takes its q from the range that names it most closely: its own name before a wildcard
 * for its type, that before one for all. So who accepts all but refuses text by q=0 gets no text.
 * Versions count: OpenMetrics 0.0.1 is answered with 1.0.0, which its readers read, but version
 * 1.0.0 of the text format is not what we write.
 */
#include "base/accept.h"
#include "metrics/metrics.h"

#include <string.h>

enum { FORMATS = METRICS_PROTOBUF + 1 };

/* How closely a range names a format. */
enum closeness { NOT_NAMED, BY_ANY, BY_TYPE, BY_NAME };

struct offer {
    enum closeness closeness;
    int q;
    unsigned place; /* of the range in the list */
};

static bool has(const struct accept_element *e, const char *parameter, const char *value)
{
    struct accept_text there;
    return accept_parameter(e, parameter, &there) && accept_is(there, value);
}

static bool lacks(const struct accept_element *e, const char *parameter)
{
    struct accept_text there;
    return !accept_parameter(e, parameter, &there);
}

static bool is_text(const struct accept_element *e)
{
    return accept_is(e->name, "text/plain") && (lacks(e, "version") || has(e, "version", "0.0.4"));
}

static bool is_openmetrics(const struct accept_element *e)
{
    return accept_is(e->name, "application/openmetrics-text") &&
           (lacks(e, "version") || has(e, "version", "1.0.0") || has(e, "version", "0.0.1"));
}

static bool is_protobuf(const struct accept_element *e)
{
    return accept_is(e->name, "application/vnd.google.protobuf") &&
           has(e, "proto", "io.prometheus.client.MetricFamily") && has(e, "encoding", "delimited");
}

/* The documents' example has a slash alone, where they mean all; old Java has a star. */
static bool is_any(const struct accept_element *e)
{
    return accept_is(e->name, "*/*") || accept_is(e->name, "/") || accept_is(e->name, "*");
}

static enum closeness closeness(const struct accept_element *e, enum metrics_format format)
{
    static bool (*const by_name[FORMATS])(const struct accept_element *) = {
        [METRICS_TEXT] = is_text,
        [METRICS_OPENMETRICS] = is_openmetrics,
        [METRICS_PROTOBUF] = is_protobuf,
    };
    if (by_name[format](e))
        return BY_NAME;
    if (accept_is(e->name, format == METRICS_TEXT ? "text/*" : "application/*"))
        return BY_TYPE;
    return is_any(e) ? BY_ANY : NOT_NAMED;
}

static void hear(struct offer *offer, enum closeness closeness, int q, unsigned place)
{
    if (closeness > offer->closeness || (closeness == offer->closeness && q > offer->q))
        *offer = (struct offer){closeness, q, place};
}

static bool is_better(const struct offer *a, const struct offer *b)
{
    return a->q > b->q || (a->q == b->q && a->place < b->place);
}

enum metrics_format metrics_negotiate(const char *accept, size_t len)
{
    struct offer offers[FORMATS] = {0};
    const char *at = accept, *end = len ? accept + len : accept;
    struct accept_element e;
    for (unsigned place = 0; accept_next(&at, end, &e); place++)
        for (int f = 0; f < FORMATS; f++) {
            enum closeness c = closeness(&e, (enum metrics_format)f);
            if (c != NOT_NAMED)
                hear(&offers[f], c, e.q, place);
        }
    int best = METRICS_TEXT; /* also the last resort */
    for (int f = METRICS_TEXT + 1; f < FORMATS; f++)
        if (offers[f].q > 0 && is_better(&offers[f], &offers[best]))
            best = f;
    return (enum metrics_format)best;
}
