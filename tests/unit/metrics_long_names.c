/* With METRICS_NO_SHORT_NAMES the short names are the user's own: this only has to compile. */
#define METRICS_NO_SHORT_NAMES
#include "metrics/metrics.h"

COUNTER_VEC(jobs, "jobs_total", "Jobs.", queue);
SUMMARY(waits, "waits_seconds", "Waits.", QUANTILES_NONE, WINDOW(60));

static int counter, gauge, histogram, summary, stopwatch, with, without, TIME;

int use_long_names(void);
int use_long_names(void)
{
    struct counter *mail = METRIC_WITH(jobs, .queue = "mail");
    counter_inc(mail);
    METRIC_WITHOUT(jobs, .queue = "mail");
    METRIC_TIME(&waits)
    {
        counter++;
    }
    return counter + gauge + histogram + summary + stopwatch + with + without + TIME;
}
