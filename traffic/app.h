/* All that traffic is made of, in one struct that lives as long as the process. */
#ifndef TRAFFIC_APP_H
#define TRAFFIC_APP_H

#include "http/builtin.h"
#include "traffic/ledger.h"
#include "traffic/live.h"
#include "traffic/options.h"
#include "traffic/plan.h"
#include "traffic/scenario.h"

struct app {
    struct options options;
    struct loop loop;
    struct http_server *server;
    struct http_router router;
    struct http_builtin builtin;
    struct http_dependency dependencies[2];
    struct plan plan;
    FILE *json; /* NULL: not wanted */
    struct ledger ledger;
    struct loop_part close_ledger;
    struct scenario *scenarios; /* one a part of the plan */
    size_t started_count;       /* of them */
    size_t running;             /* that are not over */
    struct live live;
    double cpu_before; /* seconds used until it started */
    uint64_t started;  /* clock_now */
};

/* Starts everything; requests go out when the loop runs. 0 or a negative code with a text in `err`:
 * ERR_INVALID where a setting is at fault. */
int app_start(struct app *app, const struct options *options, struct err *err) MUST_CHECK;

/* After the loop: prints the summary, writes the JSON, and says how the program ends: `exit_code`
 * or, where that is 0, 1 if too much failed or the summary could not be written. */
int app_report(struct app *app, int exit_code);

void app_free(struct app *app);

#endif
