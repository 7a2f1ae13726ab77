/* The settings of echo_client. */
#ifndef ECHO_CLIENT_OPTIONS_H
#define ECHO_CLIENT_OPTIONS_H

#include "base/settings.h"

struct client_options {
    const char *target, *message, *log_format, *log_level;
    int64_t calls;       /* 0: as many as --duration has time for */
    int64_t concurrency; /* calls at a time */
    int64_t deadline_ms; /* of each call; 0: none */
    int64_t duration_s;  /* 0: until --calls are done */
    struct setting_range pause;
    double fail_above;
};

/* Fills `options`; --help, --version and bad values end the program here. */
void client_options_or_exit(struct client_options *options, int argc, char **argv);

#endif
