/* Counting and telling verdicts; see verdict.h. */
#include "exporter/verdict.h"

#include "base/log.h"
#include "metrics/metrics.h"

#include <stdarg.h>
#include <stdio.h>

COUNTER_VEC(fetches, "exporter_fetches_total", "Questions to the source.", result);

static const char *const labels[] = {
#define VERDICT_LABEL(name, label) [VERDICT_##name] = (label),
    VERDICT_MAP(VERDICT_LABEL)
#undef VERDICT_LABEL
};

/* All are there from the start, with 0: what appears with its first failure has no increase. */
static __attribute__((constructor)) void bind(void)
{
    for (int kind = 0; kind < VERDICT_COUNT; kind++)
        with(fetches, .result = labels[kind]);
}

struct verdict verdict(enum verdict_kind kind, const char *format, ...)
{
    struct verdict v = {.kind = kind};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(v.text, sizeof v.text, format, arguments);
    va_end(arguments);
    return v;
}

static void tell(const struct verdicts *verdicts, const struct verdict *v)
{
    if (v->kind != VERDICT_OK)
        log_warn("the source is down", LOG_STR("result", labels[v->kind]),
                 LOG_STR("reason", v->text));
    else
        log_info(verdicts->told ? "the source is up again" : "the source is up");
}

void verdicts_note(struct verdicts *verdicts, const struct verdict *v)
{
    const unsigned bit = 1u << v->kind, well = 1u << VERDICT_OK;
    counter_inc(with(fetches, .result = labels[v->kind]));
    if (verdicts->told & bit)
        return;
    tell(verdicts, v);
    verdicts->told = v->kind == VERDICT_OK ? well : (verdicts->told & ~well) | bit;
}
