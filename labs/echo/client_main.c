/* echo_client: calls the echo server, and tells how it answered. The table of contents. */
#include "base/log.h"
#include "echo/client_report.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    static struct client_run run;
    static struct loop loop;
    struct client_options options;
    struct err err = {0};

    client_options_or_exit(&options, argc, argv); /* flags, environment, defaults */
    log_setup_texts("echo_client", options.log_format, options.log_level);
    if (loop_init(&loop) != OK || client_run_start(&run, &loop, &options, &err) != OK) {
        fprintf(stderr, "echo_client: cannot start: %s\n", err.text);
        return err.code == ERR_INVALID ? 2 : 1;
    }
    int code = loop_run(&loop); /* until all is called, or Ctrl-C */
    int report = client_report(&run);
    client_run_free(&run);
    return code ? code : report;
}
