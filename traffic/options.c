/* The table of settings, and what follows from it; see options.h. */
#include "traffic/options.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define USERS_MAX    100000
#define PAUSE_MAX_MS 3600000
#define DURATION_MAX 31536000 /* a year, in seconds */
#define TIMEOUT_MAX  3600     /* seconds */

#define USERS_DEFAULT "10"

/* By its address one sees whether another was given: settings point at what they were taken from.
 */
static const char target_default[] = "http://127.0.0.1:5000";

static struct options given;

static const struct setting table[] = {
    {"target", "BASE_URL", SETTING_TEXT, &given.target, target_default,
     "http://HOST[:PORT][/prefix] to send requests to; a scenario file's wins over the variable"},
    {"scenario", NULL, SETTING_TEXT, &given.scenario, NULL,
     "file with scenarios to run side by side, in place of the settings of one"},
    {"speed", NULL, SETTING_NUMBER, &given.speed, "1",
     "run the scenario file so many times faster: as many requests in less time", .min = 0.001,
     .max = 1000},
    {"only", NULL, SETTING_TEXT, &given.only, MIX_DEFAULT,
     "what to ask for, chosen uniformly: hello, fruit_get, fruit_post, or paths to GET"},
    {"users", NULL, SETTING_INT, &given.users, USERS_DEFAULT, "users of the closed loop", .min = 1,
     .max = USERS_MAX},
    {"pause", NULL, SETTING_RANGE, &given.pause, "100-500", "each user's pause between requests",
     .min = 0, .max = PAUSE_MAX_MS},
    {"rate", NULL, SETTING_NUMBER, &given.rate, "0",
     "requests a second of an open loop; 0: the closed loop", .min = 0, .max = SCHEDULE_RATE_MAX},
    {"arrivals", NULL, SETTING_TEXT, &given.arrivals, "constant", "how the open loop spaces them",
     .choices = "constant|poisson"},
    {"connections", NULL, SETTING_INT, &given.connections, "1000",
     "connections of the open loop at most", .min = 1, .max = USERS_MAX},
    {"max-in-flight", NULL, SETTING_INT, &given.max_in_flight, "10000",
     "requests of the open loop unanswered at most; past it they are dropped", .min = 1,
     .max = HTTP_CLIENT_QUEUE_MAX},
    {"duration", NULL, SETTING_NUMBER, &given.duration, "0", "seconds to run; 0: for ever",
     .min = 0, .max = DURATION_MAX},
    {"requests", NULL, SETTING_INT, &given.requests, "0", "requests to make; 0: no limit", .min = 0,
     .max = 1e15},
    {"timeout", NULL, SETTING_NUMBER, &given.timeout, "10", "seconds to wait for an answer",
     .min = 0.001, .max = TIMEOUT_MAX},
    {"seed", NULL, SETTING_INT, &given.seed, "0", "for the same choices again; 0: a new one",
     .min = 0, .max = 1e15},
    {"idempotency-keys", NULL, SETTING_FLAG, &given.idempotency_keys, "false",
     "send an Idempotency-Key with each POST"},
    {"log-ids", NULL, SETTING_TEXT, &given.log_ids, NULL,
     "file for the keys attempted and answered; implies --idempotency-keys"},
    {"json", NULL, SETTING_TEXT, &given.json, NULL, "file for the summary as JSON; -: stdout"},
    {"fail-above-error-ratio", NULL, SETTING_NUMBER, &given.fail_above, "1",
     "exit 1 where a larger share of requests failed or was dropped", .min = 0, .max = 1},
    {"quiet", NULL, SETTING_FLAG, &given.quiet, "false", "no live line and no summary"},
    {"listen", "LISTEN", SETTING_ADDRESS, &given.listen, "127.0.0.1:5002",
     "HOST:PORT for /metrics, /health and /ready"},
    {"log-format", "LOG_FORMAT", SETTING_TEXT, &given.log_format, "auto",
     "form of the log; auto: text on a terminal, else JSON", .choices = "auto|text|json"},
    {"log-level", "LOG_LEVEL", SETTING_TEXT, &given.log_level, "info", "the least level logged",
     .choices = "debug|info|warn|error"},
    {NULL},
};

static void refuse(const char *text)
{
    fprintf(stderr, "traffic: %s\n", text);
    exit(2);
}

/* The file says these itself, and a flag that does nothing misleads. */
static void refuse_beside_scenario(void)
{
    const struct {
        const char *name;
        bool given;
    } flags[] = {
        {"--only", strcmp(given.only, MIX_DEFAULT) != 0},
        {"--users", given.users != atoi(USERS_DEFAULT)},
        {"--rate", given.rate > 0},
        {"--duration", given.duration > 0},
        {"--requests", given.requests > 0},
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].given) {
            fprintf(stderr, "traffic: %s: with --scenario, the file says this\n", flags[i].name);
            exit(2);
        }
}

int options_or_exit(struct options *o, int argc, char **argv)
{
    int result = settings_or_exit(table, argc, argv, "traffic",
                                  "Makes HTTP requests at a target, and tells how it answered.");
    if (given.rate > 0 && given.rate < SCHEDULE_RATE_MIN)
        refuse("--rate: less than 0.001 requests a second cannot be made");
    if (given.scenario)
        refuse_beside_scenario();
    else if (given.speed != 1)
        refuse("--speed: it is for a --scenario");
    given.idempotency_keys = given.idempotency_keys || given.log_ids;
    if (given.seed == 0)
        given.seed = (int64_t)(clock_now() % 1000000) + 1;
    *o = given;
    return result;
}

static struct scenario_options of_one(const struct options *o)
{
    bool open = o->rate > 0;
    return (struct scenario_options){
        .name = "default",
        .executor = open ? &constant_arrival_rate : &constant_vus,
        .target = o->target,
        .requests = (uint64_t)o->requests,
        .duration = o->duration,
        .timeout = o->timeout,
        .seed = (uint64_t)o->seed,
        .connections = (int)(open ? o->connections : o->users),
        .max_in_flight = open ? o->max_in_flight : o->users,
        .idempotency_keys = o->idempotency_keys,
        .users = o->users,
        .pause = o->pause,
        .rate = o->rate,
        .arrivals = strcmp(o->arrivals, "poisson") == 0 ? ARRIVALS_POISSON : ARRIVALS_CONSTANT,
    };
}

/* A flag's, and not the environment's, which is set for all that run: settings point at what they
 * were taken from. */
static bool is_flagged(const char *target)
{
    return target != target_default && target != getenv("BASE_URL");
}

int options_plan(const struct options *o, struct plan *plan, struct err *err)
{
    struct scenario_options one = of_one(o);
    if (!o->scenario)
        return plan_single(plan, &one, o->only, err);
    int rc = plan_read_file(plan, o->scenario, &one, o->speed, err);
    for (size_t i = 0; rc == OK && plan->target && !is_flagged(o->target) && i < plan->count; i++)
        plan->parts[i].options.target = plan->target;
    return rc;
}
