/* The settings of traffic: flags over environment over defaults. */
#ifndef TRAFFIC_OPTIONS_H
#define TRAFFIC_OPTIONS_H

#include "base/settings.h"
#include "traffic/plan.h"

struct options {
    const char *target, *listen, *only, *arrivals, *json, *log_ids, *log_format, *log_level;
    const char *scenario; /* file, or NULL */
    int64_t users, requests, connections, max_in_flight, seed;
    double rate, duration, timeout, fail_above, speed;
    struct setting_range pause;
    bool idempotency_keys, quiet;
};

/* Fills `o`, or says what is wrong and exits with 2. SETTINGS_OK or SETTINGS_HEALTHCHECK. */
int options_or_exit(struct options *o, int argc, char **argv);

/* What these settings say to do: the scenario file's parts, or one part, "default". 0, or a
 * negative code with a text in `err`. */
int options_plan(const struct options *o, struct plan *plan, struct err *err) MUST_CHECK;

#endif
