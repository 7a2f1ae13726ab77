/*
 * Scenario files. What is refused is told with file and line; what is taken can be run: its
 * requests have targets that a request may have, and its schedules end.
 */
#include "traffic/plan.h"

#include <stdlib.h>
#include <string.h>

static void make_requests(const struct plan_part *part)
{
    struct random random = {1};
    struct buf out = {0};
    for (uint64_t i = 1; i < 20; i++) {
        const struct call *call = mix_pick(&part->mix, &random);
        if (!call->varying)
            continue;
        buf_clear(&out);
        template_render(&call->varying->target, i, &random, &out);
        template_render(&call->varying->body, i, &random, &out);
        if (*buf_cstr(&out) != '/')
            abort();
    }
    buf_free(&out);
}

static void go_through(const struct plan_part *part)
{
    const struct scenario_options *o = &part->options;
    struct schedule s;
    uint64_t before = 0;
    if (!o->stages)
        return;
    schedule_init_ramp(&s, o->start_rate, o->stages, o->stage_count, 0);
    for (int i = 0; i < 1000 && schedule_due(&s) != UINT64_MAX; i++, schedule_advance(&s)) {
        if (schedule_due(&s) < before)
            abort();
        before = schedule_due(&s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct scenario_options defaults = {.target = "http://h", .timeout = 1};
    struct plan plan;
    struct err err = {0};
    char *text = malloc(len + !len);
    if (!text)
        abort();
    memcpy(text, data, len);
    int rc = plan_read(&plan, "f", text, len, &defaults, 10, &err);
    if (rc != OK && (strncmp(err.text, "f:", 2) != 0 || plan.parts))
        abort();
    for (size_t i = 0; rc == OK && i < plan.count; i++) {
        make_requests(&plan.parts[i]);
        go_through(&plan.parts[i]);
    }
    if (rc == OK)
        plan_free(&plan);
    free(text);
    return 0;
}
