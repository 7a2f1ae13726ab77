/* Requests and their series; see iteration.h. */
#include "traffic/iteration.h"

#include "base/clock.h"
#include "metrics/metrics.h"
#include "traffic/scenario.h"

#include <stdio.h>
#include <stdlib.h>

COUNTER_VEC(requests, "traffic_requests_total",
            "Requests that ended, by the answer's code; \"error\" where there was no answer.",
            scenario, method, endpoint, code);
HISTOGRAM_VEC(seconds, "traffic_request_duration_seconds",
              "Seconds from when a request was to begin until its answer.", BUCKETS_DEFAULT,
              scenario, method, endpoint);
COUNTER(dropped, "traffic_dropped_iterations_total",
        "Requests that were due and never sent: too many were in flight, or time was over.");

/* The bound children of one endpoint; codes are bound when they first occur. */
struct iteration_series {
    counter *codes[TALLY_CODES];
    histogram *seconds;
};

static counter *code_counter(struct scenario *s, size_t endpoint, int code)
{
    const struct mix_endpoint *e = &s->options.mix->endpoints[endpoint];
    counter **slot = &s->series[endpoint].codes[code];
    char text[12] = "error";
    if (*slot)
        return *slot;
    if (code != TALLY_NO_ANSWER)
        snprintf(text, sizeof text, "%d", code);
    *slot = with(requests, .scenario = s->options.name, .method = e->method, .endpoint = e->path,
                 .code = text);
    return *slot;
}

static void bind_series(struct scenario *s, size_t endpoint)
{
    const struct mix_endpoint *e = &s->options.mix->endpoints[endpoint];
    s->series[endpoint].seconds =
        with(seconds, .scenario = s->options.name, .method = e->method, .endpoint = e->path);
    code_counter(s, endpoint, TALLY_NO_ANSWER);
    for (const int *code = e->codes; *code; code++)
        code_counter(s, endpoint, *code);
}

int iterations_init(struct scenario *s, uint32_t max)
{
    s->series = calloc(s->options.mix->endpoint_count, sizeof *s->series);
    s->iterations = calloc(max, sizeof *s->iterations);
    if (!s->series || !s->iterations)
        return ERR_NOMEM;
    for (size_t i = 0; i < s->options.mix->endpoint_count; i++)
        bind_series(s, i);
    for (uint32_t i = 0; i < max; i++) {
        s->iterations[i].scenario = s;
        s->iterations[i].next_free = s->free_iterations;
        s->free_iterations = &s->iterations[i];
    }
    return OK;
}

static void count(struct iteration *it, int status, int code)
{
    struct scenario *s = it->scenario;
    size_t endpoint = it->call->endpoint;
    uint64_t now = clock_now();
    uint64_t latency = now - it->intended;
    tally_add(&s->tally, endpoint, status, code, latency);
    s->tally.last_end = now;
    counter_inc(code_counter(s, endpoint, status == OK ? code : TALLY_NO_ANSWER));
    if (tally_has_latency(status))
        histogram_observe(s->series[endpoint].seconds, (double)latency / (double)NS_PER_S);
}

static void release(struct iteration *it)
{
    it->next_free = it->scenario->free_iterations;
    it->scenario->free_iterations = it;
}

static void on_answer(int status, const struct http_message *response, void *ctx)
{
    struct iteration *it = ctx;
    struct scenario *s = it->scenario;
    int code = status == OK ? response->status : 0;
    if (status == OK && (code < 100 || code >= TALLY_CODES))
        status = ERR_PROTOCOL;
    count(it, status, code);
    if (status == OK && it->uuid[0])
        ledger_ack(s->ledger, it->uuid, code);
    s->target_up = status == OK;
    s->in_flight--;
    release(it);
    s->options.executor->answered(s, it->user, status);
    scenario_check(s);
}

/* One whose texts are made for it alone. The client copies them. */
static int send_varying(struct iteration *it, struct random *random)
{
    struct scenario *s = it->scenario;
    const struct mix_varying *v = it->call->varying;
    struct http_client_request request = it->call->request;
    buf_clear(&s->target);
    buf_clear(&s->body);
    template_render(&v->target, s->issued + 1, random, &s->target);
    template_render(&v->body, s->issued + 1, random, &s->body);
    request.target = buf_cstr(&s->target);
    if (!buf_ok(&s->target) || !buf_ok(&s->body))
        return ERR_NOMEM;
    if (v->has_body) {
        request.body = buf_data(&s->body);
        request.len = buf_len(&s->body);
    }
    return http_client_send(s->client, &request, on_answer, it);
}

/* The call as it was made at the start or, for a POST that bears a key, with that. */
static int send_request(struct iteration *it, struct random *random)
{
    struct scenario *s = it->scenario;
    const struct http_client_request *request = &it->call->request;
    if (it->call->varying)
        return send_varying(it, random);
    if (!it->uuid[0])
        return http_client_send(s->client, request, on_answer, it);
    char headers[128];
    struct http_client_request keyed = *request;
    snprintf(headers, sizeof headers, "%sIdempotency-Key: %s\r\n", request->headers, it->uuid);
    keyed.headers = headers;
    ledger_attempt(s->ledger, it->uuid, it->call->fruit, it->call->quantity);
    return http_client_send(s->client, &keyed, on_answer, it);
}

/* Takes an iteration that is free. */
static struct iteration *take(struct scenario *s, struct random *random)
{
    struct iteration *it = s->free_iterations;
    if (!it)
        return NULL;
    s->free_iterations = it->next_free;
    it->call = mix_pick(s->options.mix, random);
    it->uuid[0] = '\0';
    if (s->options.idempotency_keys && it->call->fruit)
        uuid_v7(it->uuid);
    return it;
}

static bool waits_for_connection(const struct scenario *s)
{
    return http_client_queued(s->client) > 0 &&
           http_client_open(s->client) >= (size_t)s->options.connections;
}

int iteration_begin(struct scenario *s, struct random *random, uint64_t intended, struct user *user)
{
    struct iteration *it = take(s, random);
    if (!it)
        return ERR_FULL;
    it->intended = intended;
    it->user = user;
    int rc = send_request(it, random);
    s->issued += rc != ERR_FULL;
    s->in_flight += rc == OK;
    s->tally.waited += rc == OK && waits_for_connection(s);
    if (rc != OK && rc != ERR_FULL)
        count(it, rc, 0);
    if (rc != OK)
        release(it);
    return rc;
}

void iterations_drop(struct scenario *s, uint64_t n)
{
    s->issued += n;
    tally_drop(&s->tally, n);
    counter_add(&dropped, n);
}

void iterations_free(struct scenario *s)
{
    free(s->iterations);
    free(s->series);
    buf_free(&s->target);
    buf_free(&s->body);
    s->iterations = NULL;
    s->series = NULL;
}
