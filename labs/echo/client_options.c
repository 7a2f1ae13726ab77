/* The table; see client_options.h. */
#include "echo/client_options.h"

#include <stdio.h>
#include <stdlib.h>

static struct client_options given;

static const struct setting table[] = {
    {"target", "TARGET", SETTING_ADDRESS, &given.target, "127.0.0.1:50051",
     "address of the server"},
    {"calls", NULL, SETTING_INT, &given.calls, "100",
     "calls to make; 0 for as many as --duration has time for", .max = 1e12},
    {"concurrency", NULL, SETTING_INT, &given.concurrency, "100", "calls at a time", .min = 1,
     .max = 10000},
    {"deadline", NULL, SETTING_INT, &given.deadline_ms, "1000",
     "milliseconds that a call may take; 0 for no deadline", .max = 86400000},
    {"duration", NULL, SETTING_INT, &given.duration_s, "0",
     "seconds after which no further call begins; 0 for no limit", .max = 31536000},
    {"pause", NULL, SETTING_RANGE, &given.pause, "0",
     "milliseconds between the calls of one of the --concurrency, such as 100-500", .max = 60000},
    {"message", NULL, SETTING_TEXT, &given.message, "Hello", "what to have echoed"},
    {"fail-above-error-ratio", NULL, SETTING_NUMBER, &given.fail_above, "1",
     "exit status 1 where more of the calls than this share failed", .max = 1},
    {"log-format", "LOG_FORMAT", SETTING_TEXT, &given.log_format, "auto",
     "form of the log; auto: text on a terminal, else JSON", .choices = "auto|text|json"},
    {"log-level", "LOG_LEVEL", SETTING_TEXT, &given.log_level, "info", "least level logged",
     .choices = "debug|info|warn|error"},
    {NULL},
};

void client_options_or_exit(struct client_options *options, int argc, char **argv)
{
    settings_or_exit(table, argc, argv, "echo_client",
                     "calls the echo server, and tells how it answered");
    if (!given.calls && !given.duration_s) {
        fprintf(stderr, "echo_client: --calls 0 needs a --duration, else it would never end\n");
        exit(2);
    }
    *options = given;
}
