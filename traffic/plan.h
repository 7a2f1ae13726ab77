/*
 * What a run consists of: one scenario that the flags describe, or the parts of a scenario file,
 * which run side by side. docs/traffic.md tells the file's keys.
 *
 *     traffic: lab.json:12: scenarios.update.rate: must be a number above 0
 */
#ifndef TRAFFIC_PLAN_H
#define TRAFFIC_PLAN_H

#include "traffic/mix.h"
#include "traffic/scenario.h"

#include <jansson.h>

#define PLAN_FILE_MAX     (1 << 20) /* bytes of a scenario file */
#define PLAN_PARTS_MAX    64
#define PLAN_STAGES_MAX   64
#define PLAN_CODES_MAX    16
#define PLAN_USERS_MAX    100000
#define PLAN_SECONDS_MAX  31536000 /* a year */
#define PLAN_PAUSE_MAX_MS 3600000

struct plan_part {
    struct scenario_options options;
    struct mix mix;
    struct schedule_stage stages[PLAN_STAGES_MAX];
    int codes[PLAN_CODES_MAX + 1];
    char *body; /* of the request, as JSON text */
};

/* Zero-initialised is empty. Its parts point into it. */
struct plan {
    struct plan_part *parts;
    size_t count;
    const char *target; /* that the file names, or NULL */
    json_t *root;       /* names and texts are its */
};

/* Reads a scenario file's text; `name` is for complaints. Every part begins as a copy of
 * `defaults`, with a seed of its own; times are divided by `speed`, and rates multiplied. 0; or
 * ERR_INVALID, with file, line and key in `err`, or ERR_NOMEM: then the plan is empty. */
int plan_read(struct plan *plan, const char *name, const char *text, size_t len,
              const struct scenario_options *defaults, double speed, struct err *err) MUST_CHECK;

/* The same with the file's content, which is read first. */
int plan_read_file(struct plan *plan, const char *path, const struct scenario_options *defaults,
                   double speed, struct err *err) MUST_CHECK;

/* One part, "default", with the mix that `only` names. 0 or what mix_init says. */
int plan_single(struct plan *plan, const struct scenario_options *options, const char *only,
                struct err *err) MUST_CHECK;

void plan_free(struct plan *plan);

#endif
