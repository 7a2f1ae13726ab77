/* Who gets a line; see recorder.h. */
#include "contract/recorder.h"

#include "base/random.h"

#define FOR_THE_PROMISED .5 /* of the rate, kept from those who were promised no line */

void recorder_init(struct recorder *r, double rate)
{
    budget_init(&r->ordinary, log_enabled(LOG_INFO) ? rate : 0);
    budget_init(&r->notable, rate);
    r->silent = 0;
}

static uint64_t random_id(void)
{
    uint64_t id;
    do
        id = random_u64();
    while (id == 0);
    return id;
}

void recorder_begin(struct recorder *r, struct trace *out)
{
    *out = (struct trace){
        .id = {random_u64(), random_id()},
        .span = random_id(),
        .sampled = budget_take(&r->ordinary, 0),
    };
}

void recorder_join(struct recorder *r, const char *text, size_t len, struct trace *out)
{
    if (text && traceparent_read(text, len, out) == OK)
        out->span = random_id();
    else
        recorder_begin(r, out);
}

/* A trace that began here has its line paid for already. */
static bool is_granted(struct recorder *r, const struct trace *t)
{
    if (t->sampled && t->parent == 0)
        return true;
    return budget_take(&r->ordinary, t->sampled ? 0 : FOR_THE_PROMISED);
}

bool recorder_wants(struct recorder *r, const struct trace *trace, bool notable)
{
    bool wanted = is_granted(r, trace) || (notable && budget_take(&r->notable, 0));
    r->silent += !wanted;
    return wanted;
}

size_t trace_fields(const struct trace *trace, struct trace_texts *texts, struct log_field *out)
{
    trace_id_write(trace, texts->trace);
    span_id_write(trace->span, texts->span);
    span_id_write(trace->parent, texts->parent);
    out[0] = LOG_STR("trace_id", texts->trace);
    out[1] = LOG_STR("span_id", texts->span);
    out[2] = LOG_STR("parent_span_id", texts->parent);
    return trace->parent ? 3 : 2;
}
