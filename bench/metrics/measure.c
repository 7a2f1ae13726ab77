/* Runs of operations, their time, and lines about them. See measure.h. */
#include "measure.h"

#include "base/clock.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RUN_SECONDS      .002
#define TOGETHER_SECONDS .02 /* long enough that both threads surely run at once */
#define ALL_SECONDS      .14
enum { LEAST_RUNS = 5 };

static double seconds_of(work_fn *work, unsigned n)
{
    uint64_t start = clock_now();
    work(n);
    return clock_seconds(start, clock_now());
}

static double best_ns(double (*run)(work_fn *, unsigned), work_fn *work, double run_seconds)
{
    unsigned n = 1;
    double seconds = run(work, n);
    while (seconds < run_seconds)
        seconds = run(work, n *= 2);
    double best = seconds, all = seconds;
    for (int i = 1; i < LEAST_RUNS || all < ALL_SECONDS; i++) {
        seconds = run(work, n);
        all += seconds;
        best = seconds < best ? seconds : best;
    }
    return best * 1e9 / n;
}

double measure_ns(work_fn *work)
{
    return best_ns(seconds_of, work, RUN_SECONDS);
}

struct worker {
    pthread_t thread;
    pthread_barrier_t *start;
    work_fn *work;
    unsigned n;
    uint64_t begin, end;
};

static void *work_in_step(void *ctx)
{
    struct worker *w = ctx;
    pthread_barrier_wait(w->start);
    w->begin = clock_now();
    w->work(w->n);
    w->end = clock_now();
    return NULL;
}

static double slower_seconds(work_fn *work, unsigned n)
{
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 2);
    struct worker here = {.start = &start, .work = work, .n = n}, there = here;
    measure_must(pthread_create(&there.thread, NULL, work_in_step, &there) == 0, "pthread_create");
    work_in_step(&here);
    pthread_join(there.thread, NULL);
    pthread_barrier_destroy(&start);
    return clock_seconds(here.begin < there.begin ? here.begin : there.begin,
                         here.end > there.end ? here.end : there.end);
}

double measure_two_threads_ns(work_fn *work)
{
    return best_ns(slower_seconds, work, TOGETHER_SECONDS);
}

double measure_resident(void)
{
    unsigned long pages = 0;
    malloc_trim(0);
    FILE *f = fopen("/proc/self/statm", "r");
    measure_must(f && fscanf(f, "%*u %lu", &pages) == 1, "reading /proc/self/statm");
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void measure_show(const char *name, double value, const char *unit)
{
    printf("%s %.3f %s\n", name, value, unit);
}

void measure_must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}
