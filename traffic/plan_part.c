/* A scenario's keys, by its executor; see plan_part.h. */
#include "traffic/plan_part.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DURATION_S 600 /* of shared-iterations, as k6 has it */
#define REQUESTS_MAX   1000000000000

/* The request ---------------------------------------------------------------------------------- */

static int read_method(struct reader *r, const json_t *object, const char **out)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};
    *out = "GET";
    int rc = read_text(r, object, "method", false, out);
    for (size_t i = 0; rc == OK && methods[i]; i++)
        if (strcmp(methods[i], *out) == 0)
            return OK;
    return rc ? rc
              : reader_refuse_key(r, "method", "must be GET, HEAD, POST, PUT, PATCH or DELETE");
}

/* A text is sent as it is; anything else as JSON. */
static int read_body(struct plan_part *part, struct reader *r, const json_t *object,
                     struct mix_request *out)
{
    const json_t *body = json_object_get(object, "body");
    if (!body)
        return OK;
    part->body = json_is_string(body) ? strdup(json_string_value(body))
                                      : json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!part->body)
        return err_set(r->err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    out->body = part->body;
    out->len = strlen(part->body);
    out->headers = "Content-Type: application/json\r\n";
    return OK;
}

static int read_codes(struct plan_part *part, struct reader *r, const json_t *object,
                      struct mix_request *out)
{
    const json_t *codes = json_object_get(object, "expect");
    size_t count = json_array_size(codes);
    if (!codes)
        return OK;
    if (count == 0 || count > PLAN_CODES_MAX)
        return reader_refuse_key(r, "expect", "must be an array of 1 to %d status codes",
                                 PLAN_CODES_MAX);
    for (size_t i = 0; i < count; i++) {
        json_int_t code = json_integer_value(json_array_get(codes, i));
        if (code < 100 || code > 599)
            return reader_refuse_key(r, "expect",
                                     "has an entry that is no status code: 100 to 599");
        part->codes[i] = (int)code;
    }
    out->codes = part->codes;
    return OK;
}

static int make_mix(struct plan_part *part, struct reader *r, const struct mix_request *request)
{
    struct err why = {0};
    int rc = mix_init_request(&part->mix, request, &why);
    if (rc == ERR_INVALID) /* the text begins with the key: "path: …" */
        return reader_refuse_key(r, strncmp(why.text, "path", 4) == 0 ? "path" : "body", "%s",
                                 why.text + strlen("path: "));
    return rc ? err_set(r->err, rc, "%s", why.text) : OK;
}

static int read_request(struct plan_part *part, struct reader *r, json_t *object)
{
    static const char *const known[] = {"method", "path", "body", "expect", "endpoint", NULL};
    struct mix_request request = {0};
    if (!json_is_object(object))
        return reader_refuse(r, "must be an object with \"path\"");
    int rc = refuse_others(r, object, known);
    rc = rc ? rc : read_method(r, object, &request.method);
    rc = rc ? rc : read_text(r, object, "path", true, &request.target);
    rc = rc ? rc : read_text(r, object, "endpoint", false, &request.endpoint);
    rc = rc ? rc : read_body(part, r, object, &request);
    rc = rc ? rc : read_codes(part, r, object, &request);
    return rc ? rc : make_mix(part, r, &request);
}

/* "request", or "only", which names kinds of requests as the flag does. */
static int read_mix(struct plan_part *part, struct reader *r, const json_t *object)
{
    json_t *request = json_object_get(object, "request");
    const char *only = NULL;
    struct err why;
    int rc = read_text(r, object, "only", false, &only);
    if (rc != OK)
        return rc;
    if (!request == !only)
        return reader_refuse(r, "needs either \"request\" or \"only\"");
    if (!request)
        return mix_init(&part->mix, only, &why) == OK
                   ? OK
                   : reader_refuse_key(r, "only", "%s", why.text);
    reader_enter(r, "request");
    rc = read_request(part, r, request);
    reader_leave(r);
    return rc;
}

/* The executors
 * ------------------------------------------------------------------------------------ */

static int read_users(struct plan_part *part, struct reader *r, const json_t *object)
{
    struct scenario_options *o = &part->options;
    o->users = 1;
    o->pause = (struct setting_range){0, 0};
    int rc = read_integer(r, object, "vus", false, 1, PLAN_USERS_MAX, &o->users);
    rc = rc ? rc : read_range(r, object, "pause", &o->pause);
    o->max_in_flight = o->users;
    o->connections = (int)o->users;
    return rc;
}

static int read_constant_vus(struct plan_part *part, struct reader *r, const json_t *object)
{
    int rc = read_users(part, r, object);
    return rc ? rc : read_seconds(r, object, "duration", true, true, &part->options.duration);
}

static int read_shared(struct plan_part *part, struct reader *r, const json_t *object)
{
    struct scenario_options *o = &part->options;
    int64_t iterations = 1;
    o->duration = MAX_DURATION_S;
    int rc = read_users(part, r, object);
    rc = rc ? rc : read_integer(r, object, "iterations", false, 1, REQUESTS_MAX, &iterations);
    rc = rc ? rc : read_seconds(r, object, "maxDuration", false, true, &o->duration);
    o->requests = (uint64_t)iterations;
    return rc;
}

/* The users of an open loop: how many requests can be in flight. preAllocatedVUs is k6's; here
 * nothing is gained by allocating later. */
static int read_max_users(struct plan_part *part, struct reader *r, const json_t *object)
{
    struct scenario_options *o = &part->options;
    int64_t before = 0, most = 0;
    int rc = read_integer(r, object, "preAllocatedVUs", false, 1, HTTP_CLIENT_QUEUE_MAX, &before);
    most = before;
    rc = rc ? rc : read_integer(r, object, "maxVUs", before == 0, 1, HTTP_CLIENT_QUEUE_MAX, &most);
    if (rc == OK && most < before)
        rc = reader_refuse_key(r, "maxVUs", "must not be below preAllocatedVUs");
    o->max_in_flight = most;
    o->connections = (int)most;
    return rc;
}

static int read_arrivals(struct plan_part *part, struct reader *r, const json_t *object)
{
    const char *arrivals = "constant";
    int rc = read_text(r, object, "arrivals", false, &arrivals);
    if (rc == OK && strcmp(arrivals, "constant") != 0 && strcmp(arrivals, "poisson") != 0)
        rc = reader_refuse_key(r, "arrivals", "must be \"constant\" or \"poisson\"");
    part->options.arrivals =
        strcmp(arrivals, "poisson") == 0 ? ARRIVALS_POISSON : ARRIVALS_CONSTANT;
    return rc;
}

/* `*unit` is the time that rates are given for. */
static int read_open(struct plan_part *part, struct reader *r, const json_t *object, double *unit)
{
    *unit = 1;
    int rc = read_seconds(r, object, "timeUnit", false, true, unit);
    return rc ? rc : read_max_users(part, r, object);
}

static int read_constant_rate(struct plan_part *part, struct reader *r, const json_t *object)
{
    struct scenario_options *o = &part->options;
    double unit;
    int rc = read_open(part, r, object, &unit);
    rc = rc ? rc : read_number(r, object, "rate", true, true, SCHEDULE_RATE_MAX, &o->rate);
    rc = rc ? rc : read_seconds(r, object, "duration", true, true, &o->duration);
    o->rate /= unit;
    return rc ? rc : read_arrivals(part, r, object);
}

static int read_stage(struct plan_part *part, struct reader *r, json_t *object, double unit)
{
    static const char *const known[] = {"target", "duration", NULL};
    struct scenario_options *o = &part->options;
    struct schedule_stage *stage = &part->stages[o->stage_count++];
    if (!json_is_object(object))
        return reader_refuse(r, "must be an object with \"target\" and \"duration\"");
    int rc = refuse_others(r, object, known);
    rc = rc ? rc : read_number(r, object, "target", true, false, SCHEDULE_RATE_MAX, &stage->target);
    rc = rc ? rc : read_seconds(r, object, "duration", true, false, &stage->seconds);
    stage->target /= unit;
    o->duration += stage->seconds;
    o->rate = stage->target > o->rate ? stage->target : o->rate;
    return rc;
}

static int read_stages(struct plan_part *part, struct reader *r, const json_t *stages, double unit)
{
    size_t count = json_array_size(stages);
    int rc = OK;
    if (count == 0 || count > PLAN_STAGES_MAX)
        return reader_refuse_key(r, "stages", "must be an array of 1 to %d stages",
                                 PLAN_STAGES_MAX);
    reader_enter(r, "stages");
    for (size_t i = 0; i < count && rc == OK; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        reader_enter(r, number);
        rc = read_stage(part, r, json_array_get(stages, i), unit);
        reader_leave(r);
    }
    if (rc == OK && (part->options.duration <= 0 || part->options.rate <= 0))
        rc = reader_refuse(r, "have no time or no rate above 0");
    reader_leave(r);
    return rc;
}

static int read_ramp(struct plan_part *part, struct reader *r, const json_t *object)
{
    struct scenario_options *o = &part->options;
    double unit;
    int rc = read_open(part, r, object, &unit);
    rc = rc ? rc
            : read_number(r, object, "startRate", false, false, SCHEDULE_RATE_MAX, &o->start_rate);
    o->start_rate /= unit;
    o->rate = o->start_rate;
    o->duration = 0;
    o->stages = part->stages;
    return rc ? rc : read_stages(part, r, json_object_get(object, "stages"), unit);
}

/* Each with the keys that it knows besides those of all. */
#define COMMON "executor", "startTime", "request", "only"
static const struct {
    const struct executor *executor;
    int (*read)(struct plan_part *part, struct reader *r, const json_t *object);
    const char *known[12];
} executors[] = {
    {&constant_vus, read_constant_vus, {COMMON, "vus", "duration", "pause"}},
    {&shared_iterations, read_shared, {COMMON, "vus", "iterations", "maxDuration", "pause"}},
    {&constant_arrival_rate,
     read_constant_rate,
     {COMMON, "rate", "timeUnit", "duration", "preAllocatedVUs", "maxVUs", "arrivals"}},
    {&ramping_arrival_rate,
     read_ramp,
     {COMMON, "startRate", "timeUnit", "stages", "preAllocatedVUs", "maxVUs"}},
};
enum { EXECUTORS = sizeof executors / sizeof *executors };

static int read_executor(struct plan_part *part, struct reader *r, json_t *object)
{
    const char *name = NULL;
    int i = 0;
    int rc = read_text(r, object, "executor", true, &name);
    if (rc != OK)
        return rc;
    while (i < EXECUTORS && strcmp(executors[i].executor->name, name) != 0)
        i++;
    if (i == EXECUTORS)
        return reader_refuse_key(r, "executor",
                                 "must be constant-vus, shared-iterations, constant-arrival-rate "
                                 "or ramping-arrival-rate");
    part->options.executor = executors[i].executor;
    rc = refuse_others(r, object, executors[i].known);
    return rc ? rc : executors[i].read(part, r, object);
}

/* Speed
 * --------------------------------------------------------------------------------------------- */

/* So many times faster: as many requests in a shorter time. */
static int hurry(struct plan_part *part, struct reader *r, double speed)
{
    struct scenario_options *o = &part->options;
    o->start_after /= speed;
    o->duration /= speed;
    o->rate *= speed;
    o->start_rate *= speed;
    o->pause.low = (int64_t)((double)o->pause.low / speed);
    o->pause.high = (int64_t)((double)o->pause.high / speed);
    for (size_t i = 0; i < o->stage_count; i++) {
        part->stages[i].seconds /= speed;
        part->stages[i].target *= speed;
    }
    bool constant = o->executor == &constant_arrival_rate;
    if ((constant && o->rate < SCHEDULE_RATE_MIN) || o->rate > SCHEDULE_RATE_MAX)
        return reader_refuse(r, "comes to %g requests a second; possible are 0.001 to 10000000",
                             o->rate);
    return OK;
}

int plan_part_read(struct plan_part *part, struct reader *r, json_t *value, double speed)
{
    struct scenario_options *o = &part->options;
    if (!json_is_object(value))
        return reader_refuse(r, "must be an object with \"executor\"");
    o->requests = 0;
    o->rate = o->start_rate = o->start_after = o->duration = 0;
    o->mix = &part->mix;
    int rc = read_executor(part, r, value);
    rc = rc ? rc : read_seconds(r, value, "startTime", false, false, &o->start_after);
    rc = rc ? rc : read_mix(part, r, value);
    return rc ? rc : hurry(part, r, speed);
}
