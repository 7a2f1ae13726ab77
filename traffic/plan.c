/* Scenario files; see plan.h. The file reads from the outside inwards. */
#include "traffic/plan.h"

#include "traffic/plan_part.h"
#include "traffic/plan_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_SHOWN 60

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
}

/* A part's name is a label and a word in the summary. */
static bool is_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t len = strlen(name);
    return len > 0 && len <= 40 && strspn(name, allowed) == len;
}

static int read_parts(struct plan *plan, struct reader *r, json_t *scenarios,
                      const struct scenario_options *defaults, double speed)
{
    const char *name;
    json_t *value;
    int rc = OK;
    json_object_foreach (scenarios, name, value) {
        struct plan_part *part = &plan->parts[plan->count++];
        part->options = *defaults;
        part->options.name = name;
        part->options.seed += plan->count - 1;
        reader_enter(r, name);
        if (!is_name(name))
            rc = reader_refuse(r, "a name has up to 40 letters, digits, - and _");
        rc = rc ? rc : plan_part_read(part, r, value, speed);
        reader_leave(r);
        if (rc != OK)
            break;
    }
    return rc;
}

static int read_scenarios(struct plan *plan, struct reader *r,
                          const struct scenario_options *defaults, double speed)
{
    json_t *scenarios = json_object_get(plan->root, "scenarios");
    size_t count = json_object_size(scenarios);
    if (!scenarios)
        return reader_refuse(r, "\"scenarios\" is missing");
    reader_enter(r, "scenarios");
    if (count == 0 || count > PLAN_PARTS_MAX)
        return reader_refuse(r, "must be an object with 1 to %d scenarios", PLAN_PARTS_MAX);
    plan->parts = calloc(count, sizeof *plan->parts);
    if (!plan->parts)
        return no_memory(r->err);
    int rc = read_parts(plan, r, scenarios, defaults, speed);
    reader_leave(r);
    return rc;
}

static int read_root(struct plan *plan, struct reader *r, const struct scenario_options *defaults,
                     double speed)
{
    static const char *const known[] = {"target", "scenarios", NULL};
    if (!json_is_object(plan->root))
        return reader_refuse(r, "must be a JSON object with \"scenarios\"");
    int rc = refuse_others(r, plan->root, known);
    rc = rc ? rc : read_text(r, plan->root, "target", false, &plan->target);
    return rc ? rc : read_scenarios(plan, r, defaults, speed);
}

int plan_read(struct plan *plan, const char *name, const char *text, size_t len,
              const struct scenario_options *defaults, double speed, struct err *err)
{
    struct reader r = {.file = name, .text = text, .len = len, .err = err};
    json_error_t e;
    *plan = (struct plan){.root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e)};
    int rc = OK;
    if (!plan->root)
        rc = err_set(err, ERR_INVALID, "%.60s:%d: not valid JSON: %.120s", name,
                     e.line > 0 ? e.line : 1, e.text);
    rc = rc ? rc : read_root(plan, &r, defaults, speed);
    if (rc != OK)
        plan_free(plan);
    return rc;
}

/* The whole file, and no more than allowed. */
static int read_all(const char *path, struct buf *out, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, ERR_INVALID, "--scenario: cannot read %.100s: %s", path,
                       strerror(errno));
    size_t n = 0;
    while (buf_len(out) <= PLAN_FILE_MAX && buf_reserve(out, 65536) == OK &&
           (n = fread(buf_tail(out), 1, 65536, file)) > 0)
        buf_added(out, n);
    bool bad = ferror(file);
    int why = errno;
    fclose(file);
    if (bad)
        return err_set(err, ERR_INVALID, "--scenario: cannot read %.100s: %s", path, strerror(why));
    if (buf_len(out) > PLAN_FILE_MAX)
        return err_set(err, ERR_INVALID, "--scenario: %.100s is larger than 1 MiB", path);
    return buf_ok(out) ? OK : no_memory(err);
}

/* The end of a long path says more than its begin, and a complaint has room for so much. */
static const char *shown(const char *path)
{
    size_t len = strlen(path);
    return len > NAME_MAX_SHOWN ? path + len - NAME_MAX_SHOWN : path;
}

int plan_read_file(struct plan *plan, const char *path, const struct scenario_options *defaults,
                   double speed, struct err *err)
{
    struct buf text = {0};
    int rc = read_all(path, &text, err);
    if (rc == OK)
        rc = plan_read(plan, shown(path), buf_cstr(&text), buf_len(&text), defaults, speed, err);
    buf_free(&text);
    return rc;
}

int plan_single(struct plan *plan, const struct scenario_options *options, const char *only,
                struct err *err)
{
    *plan = (struct plan){.parts = calloc(1, sizeof *plan->parts)};
    if (!plan->parts)
        return no_memory(err);
    plan->count = 1;
    plan->parts->options = *options;
    plan->parts->options.mix = &plan->parts->mix;
    return mix_init(&plan->parts->mix, only, err);
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        mix_free(&plan->parts[i].mix);
        free(plan->parts[i].body);
    }
    free(plan->parts);
    json_decref(plan->root);
    *plan = (struct plan){0};
}
