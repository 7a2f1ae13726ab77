/* The settings of traffic: flags over environment over defaults. */
#ifndef TRAFFIC_OPTIONS_H
#define TRAFFIC_OPTIONS_H

#include "base/settings.h"
#include "traffic/scenario.h"

struct options {
    const char *target, *listen, *only, *arrivals, *json, *log_ids, *log_format, *log_level;
    int64_t users, requests, connections, max_in_flight, seed;
    double rate, duration, timeout, fail_above;
    struct setting_range pause;
    bool idempotency_keys, quiet;
};

/* Fills `o`, or says what is wrong and exits with 2. SETTINGS_OK or SETTINGS_HEALTHCHECK. */
int options_or_exit(struct options *o, int argc, char **argv);

/* The one scenario that these settings describe, "default". */
struct scenario_options options_scenario(const struct options *o, const struct mix *mix);

#endif
