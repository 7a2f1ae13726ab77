/* What echo_client prints at its end. */
#ifndef ECHO_CLIENT_REPORT_H
#define ECHO_CLIENT_REPORT_H

#include "echo/client_run.h"

/* Prints the summary to standard output, and what is wrong to standard error. The exit status: 1
 * where nothing was answered with OK, or too much failed. */
int client_report(const struct client_run *run);

#endif
