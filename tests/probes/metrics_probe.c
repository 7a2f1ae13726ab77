/*
 * /metrics of a program with known data, for a real Prometheus to scrape: no more than a server on
 * a loop.
 *
 *     observe N   puts the values 1/N, 2/N … 1 into each histogram, the last with an exemplar
 *     port        prints where it listens
 */
#include "http/builtin.h"
#include "metrics/metrics.h"
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

COUNTER(observed, "probe_observed_total", "Values observed.");
HISTOGRAM(native, "probe_native_seconds", "Native buckets.", BUCKETS_NATIVE);
HISTOGRAM(both, "probe_both_seconds", "Both.", BUCKETS_NATIVE_AND(BUCKETS(.25, .5, .75)));
HISTOGRAM(classic, "probe_classic_seconds", "Classic buckets.", BUCKETS(.25, .5, .75));
SUMMARY(quantiles, "probe_summary_seconds", "Quantiles.", QUANTILES(.5, .9), WINDOW(600));

static struct loop loop;
static struct http_server *server;
static const struct http_route routes[] = {HTTP_BUILTIN_ROUTES, {NULL}};
static const struct http_builtin builtin = {.loop = &loop};
static struct http_router router = {.routes = routes};

static void observe(int count)
{
    struct histogram *const all[] = {&native, &both, &classic};
    for (int i = 1; i <= count; i++) {
        double value = (double)i / count;
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            if (i < count)
                histogram_observe(all[k], value);
            else
                histogram_observe_exemplar(all[k], value, EXEMPLAR("trace_id", "the-last"));
        summary_observe(&quantiles, value);
        counter_inc(&observed);
    }
    probe_say("observe %d", count);
}

static void on_line(int count, char **words)
{
    if (strcmp(words[0], "observe") == 0 && count == 2)
        observe(atoi(words[1]));
    else if (strcmp(words[0], "port") == 0)
        probe_say("port %d", http_server_port(server));
    else
        probe_say("unknown %s", words[0]);
}

static void on_close(void)
{
    probe_closed();
}

int main(void)
{
    static const struct probe probe = {.on_line = on_line, .on_close = on_close};
    struct http_server_options o = {
        .address = "127.0.0.1:0", .handler = http_router_handle, .ctx = &router};
    struct err err;
    if (loop_init(&loop) != 0)
        return 1;
    http_builtin_setup(&builtin);
    server = http_server_listen(&loop, &o, &err);
    if (!server) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return probe_run(&loop, &probe);
}
