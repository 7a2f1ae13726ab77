/* What the process uses; see usage.h. */
#include "person/usage.h"

#include "base/clock.h"
#include "metrics/metrics.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct usage *shown; /* by the metrics, which are the process's */

static struct usage_sample sample(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (struct usage_sample){clock_now(),
                                 (double)t.tv_sec + (double)t.tv_nsec / (double)NS_PER_S};
}

static double cpu_percent(void *ctx)
{
    (void)ctx;
    if (!shown)
        return NAN;
    const struct usage_sample *oldest = &shown->samples[shown->next % USAGE_SAMPLES];
    struct usage_sample now = sample();
    double seconds = clock_seconds(oldest->at, now.at);
    return seconds > 0 ? 100 * (now.cpu - oldest->cpu) / seconds : NAN;
}

static double memory_megabytes(void *ctx)
{
    char text[128];
    unsigned long pages = 0;
    (void)ctx;
    ssize_t len = shown && shown->statm >= 0 ? pread(shown->statm, text, sizeof text - 1, 0) : 0;
    if (len <= 0)
        return NAN;
    text[len] = '\0';
    if (sscanf(text, "%*u %lu", &pages) != 1)
        return NAN;
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

GAUGE_CALLBACK(cpu_usage, "app_cpu_usage_percent",
               "Processor time used over the last five seconds; 100 is one core.", cpu_percent,
               NULL);
GAUGE_CALLBACK(memory_usage, "app_memory_usage_megabytes",
               "Resident memory in units of 1,000,000 bytes.", memory_megabytes, NULL);

static void on_tick(uv_timer_t *tick)
{
    struct usage *usage = tick->data;
    usage->samples[usage->next++ % USAGE_SAMPLES] = sample();
}

static void on_close(struct loop_part *part)
{
    struct usage *usage = LIST_ITEM(part, struct usage, close_part);
    shown = NULL;
    uv_close((uv_handle_t *)&usage->tick, NULL);
    if (usage->statm >= 0)
        close(usage->statm);
    loop_part_done(part);
}

int usage_start(struct usage *usage, struct loop *loop)
{
    *usage = (struct usage){.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
    struct usage_sample begin = sample();
    for (unsigned i = 0; i < USAGE_SAMPLES; i++)
        usage->samples[i] = begin;
    int rc = uv_timer_init(&loop->uv, &usage->tick);
    usage->tick.data = usage;
    rc = rc ? rc : uv_timer_start(&usage->tick, on_tick, USAGE_EVERY_MS, USAGE_EVERY_MS);
    if (rc != OK)
        return rc;
    loop_on_shutdown(loop, STAGE_CLOSE, "usage", &usage->close_part, on_close);
    shown = usage;
    return OK;
}
