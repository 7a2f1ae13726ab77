/*
 * process_*: what the kernel knows of this process, read from /proc at each exposition. What cannot
 * be read is left out of it, not invented.
 */
#include "metrics/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

COUNTER(cpu_seconds, "process_cpu_seconds_total", "User and system CPU time spent, in seconds.");
GAUGE(virtual_bytes, "process_virtual_memory_bytes", "Virtual memory size in bytes.");
GAUGE(resident_bytes, "process_resident_memory_bytes", "Resident memory size in bytes.");
GAUGE(start_time, "process_start_time_seconds", "Start of the process, in seconds since 1970.");
GAUGE(open_fds, "process_open_fds", "Open file descriptors.");
GAUGE(max_fds, "process_max_fds", "Limit of open file descriptors.");

static atomic_bool off;

/* Kept open, or they could not be read just when no descriptor is left. What is open here tells of
 * the process that opened it, so a child opens its own. */
static struct {
    pid_t owner;
    int stat;
    DIR *fds;
} proc = {.stat = -1};

/* Of /proc/self/stat, counted as proc(5) does. */
enum { STAT_STARTTIME = 22, STAT_VSIZE = 23, STAT_RSS = 24 };

static void set(struct gauge *g, bool known, double value)
{
    gauge_set(g, value);
    metric_child_show(&g->child, known);
}

static bool read_file(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t n = fread(text, 1, size - 1, f);
    fclose(f);
    text[n] = '\0';
    return n > 0;
}

static void forget_parent(void)
{
    if (proc.owner == getpid())
        return;
    if (proc.stat >= 0)
        close(proc.stat);
    if (proc.fds)
        closedir(proc.fds);
    proc.owner = getpid();
    proc.stat = -1;
    proc.fds = NULL;
}

static void open_proc(void)
{
    forget_parent();
    if (proc.stat < 0)
        proc.stat = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (!proc.fds)
        proc.fds = opendir("/proc/self/fd");
}

/* Fields 3 and on; the second is the program's name, which may hold spaces and brackets. */
static bool read_stat(double fields[static STAT_RSS + 1])
{
    char text[1024];
    ssize_t len = pread(proc.stat, text, sizeof text - 1, 0);
    if (len <= 0)
        return false;
    text[len] = '\0';
    char *rest = strrchr(text, ')');
    char *save = NULL;
    int n = 3;
    for (char *field = rest ? strtok_r(rest + 1, " ", &save) : NULL; field && n <= STAT_RSS;
         field = strtok_r(NULL, " ", &save), n++) {
        unsigned long long value = 0;
        sscanf(field, "%llu", &value);
        fields[n] = (double)value;
    }
    return n > STAT_RSS;
}

static bool boot_time(double *seconds)
{
    static char text[65536]; /* one line a CPU and one of all interrupts come before it */
    if (!read_file("/proc/stat", text, sizeof text))
        return false;
    const char *line = strstr(text, "\nbtime ");
    return line && sscanf(line, "\nbtime %lf", seconds) == 1;
}

/* Once, since it does not change and /proc/stat is dear to read. */
static void collect_start(bool known, double since_boot)
{
    double boot = 0;
    if (gauge_value(&start_time) != 0)
        return;
    known = known && boot_time(&boot);
    set(&start_time, known, known ? boot + since_boot : 0);
}

static void collect_stat(void)
{
    double f[STAT_RSS + 1] = {0};
    bool known = read_stat(f);
    set(&virtual_bytes, known, f[STAT_VSIZE]);
    set(&resident_bytes, known, f[STAT_RSS] * (double)sysconf(_SC_PAGESIZE));
    collect_start(known, f[STAT_STARTTIME] / (double)sysconf(_SC_CLK_TCK));
}

static void collect_cpu(void)
{
    struct timespec t;
    bool known = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0;
    metric_child_show(&cpu_seconds.child, known);
    if (known)
        counter_mirror(&cpu_seconds, (double)t.tv_sec + (double)t.tv_nsec / (double)NS_PER_S);
}

static void collect_fds(void)
{
    struct rlimit limit;
    double n = 0;
    if (proc.fds)
        rewinddir(proc.fds);
    while (proc.fds && readdir(proc.fds))
        n++;
    set(&open_fds, proc.fds, n - 2); /* "." and ".." */
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0;
    set(&max_fds, known, known ? (double)limit.rlim_cur : 0);
}

void metrics_process_collect(void *ctx)
{
    (void)ctx;
    if (atomic_load(&off))
        return;
    open_proc();
    collect_cpu();
    collect_stat();
    collect_fds();
}

void metrics_process_collector(bool on)
{
    atomic_store(&off, !on);
    struct gauge *const gauges[] = {&virtual_bytes, &resident_bytes, &start_time, &open_fds,
                                    &max_fds};
    metric_child_show(&cpu_seconds.child, on);
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        metric_child_show(&gauges[i]->child, on);
}
