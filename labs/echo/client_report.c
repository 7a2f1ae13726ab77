/* The summary; see client_report.h. */
#include "echo/client_report.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static void print_statuses(const struct client_run *run)
{
    for (int status = 0; status < GRPC_STATUS_COUNT; status++)
        if (run->by_status[status])
            printf("  %-19s %" PRIu64 "\n", grpc_status_name(status), run->by_status[status]);
    if (run->wrong)
        printf("  %-19s %" PRIu64 "\n", "(wrong message)", run->wrong);
}

int client_report(const struct client_run *run)
{
    uint64_t calls = client_run_calls(run), failed = client_run_failed(run);
    double seconds = clock_seconds(run->began, run->ended);
    double ratio = calls ? (double)failed / (double)calls : 1;
    printf("calls     %" PRIu64 " in %.3f s, %.1f/s\n", calls, seconds,
           seconds > 0 ? (double)calls / seconds : 0);
    print_statuses(run);
    if (calls)
        printf("latency   p50 %.2f ms, p90 %.2f ms, p99 %.2f ms\n", 1e3 * client_run_quantile(.5),
               1e3 * client_run_quantile(.9), 1e3 * client_run_quantile(.99));
    if (*run->first_failure)
        printf("first failure: %s\n", run->first_failure);
    if (ratio > run->options->fail_above)
        fprintf(stderr,
                "echo_client: the error ratio is %.4g, above --fail-above-error-ratio %.4g\n",
                ratio, run->options->fail_above);
    else if (calls && failed == calls)
        fprintf(stderr, "echo_client: no call succeeded; the first failed with %s\n",
                run->first_failure);
    return fflush(stdout) != 0 || ratio > run->options->fail_above || failed == calls;
}
