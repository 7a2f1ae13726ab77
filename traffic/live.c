/* The live line; see live.h. */
#include "traffic/live.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TICK_TERMINAL_MS 1000
#define TICK_LOG_MS      5000
#define LINE_MAX_BYTES   200

/* Since the line before. */
struct recent {
    double rate, error_percent, p50_ms, p99_ms;
    double elapsed, left; /* seconds; left < 0: no end is set */
    uint64_t in_flight, dropped;
};

static double ms(uint64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

/* Until the last one's time is over; some end before, when all their requests are made. */
static double seconds_left(const struct live *live, double elapsed)
{
    double last = 0;
    for (size_t i = 0; i < live->count; i++) {
        const struct scenario_options *o = &live->scenarios[i].options;
        if (o->duration == 0)
            return -1;
        last = last > o->start_after + o->duration ? last : o->start_after + o->duration;
    }
    return last > elapsed ? last - elapsed : 0;
}

static void take_one(struct scenario *s, struct tally *sum, struct recent *r)
{
    struct tally *t = &s->tally;
    sum->recent.requests += t->recent.requests;
    sum->recent.errors += t->recent.errors;
    latency_merge(&sum->recent.latency, &t->recent.latency);
    r->dropped += t->recent.dropped;
    r->in_flight += s->in_flight;
    memset(&t->recent, 0, sizeof t->recent);
}

static struct recent take(struct live *live)
{
    static struct tally sum; /* a latency is large */
    uint64_t now = clock_now();
    struct recent r = {.elapsed = clock_seconds(live->began, now)};
    memset(&sum.recent, 0, sizeof sum.recent);
    for (size_t i = 0; i < live->count; i++)
        take_one(&live->scenarios[i], &sum, &r);
    uint64_t n = sum.recent.requests;
    r.rate = (double)n / clock_seconds(live->shown, now);
    r.error_percent = n ? 100 * (double)sum.recent.errors / (double)n : 0;
    r.p50_ms = ms(latency_quantile(&sum.recent.latency, .5));
    r.p99_ms = ms(latency_quantile(&sum.recent.latency, .99));
    r.left = seconds_left(live, r.elapsed);
    live->shown = now;
    return r;
}

static int columns(void)
{
    struct winsize size;
    int known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return known && size.ws_col < LINE_MAX_BYTES ? size.ws_col - 1 : LINE_MAX_BYTES - 1;
}

static int format(char *line, const struct recent *r)
{
    char left[40] = "";
    if (r->left >= 0)
        snprintf(left, sizeof left, ", %.0f s left", r->left);
    return snprintf(line, LINE_MAX_BYTES,
                    "%.1f requests/s  errors %.1f %%  p50 %.2f ms  p99 %.2f ms  in flight %llu  "
                    "dropped %llu  %.0f s%s",
                    r->rate, r->error_percent, r->p50_ms, r->p99_ms,
                    (unsigned long long)r->in_flight, (unsigned long long)r->dropped, r->elapsed,
                    left);
}

/* The cursor goes back to the line's begin, so that a log line between writes over it. */
static void rewrite(const struct recent *r)
{
    char line[LINE_MAX_BYTES];
    format(line, r);
    fprintf(stderr, "\r\033[K%.*s\r", columns(), line);
    fflush(stderr);
}

static void log_line(const struct recent *r)
{
    log_info("progress", LOG_DBL("rate", r->rate), LOG_DBL("error_percent", r->error_percent),
             LOG_DBL("p50_ms", r->p50_ms), LOG_DBL("p99_ms", r->p99_ms),
             LOG_INT("in_flight", (long long)r->in_flight),
             LOG_INT("dropped", (long long)r->dropped), LOG_DBL("elapsed", r->elapsed),
             LOG_DBL("left", r->left));
}

static void on_tick(uv_timer_t *timer)
{
    struct live *live = timer->data;
    struct recent r = take(live);
    if (live->terminal)
        rewrite(&r);
    else
        log_line(&r);
}

static void on_close(struct loop_part *part)
{
    struct live *live = LIST_ITEM(part, struct live, close_part);
    uv_close((uv_handle_t *)&live->tick, NULL);
    if (live->terminal)
        fputs("\r\033[K", stderr);
    loop_part_done(part);
}

int live_start(struct live *live, struct loop *loop, struct scenario *scenarios, size_t count)
{
    *live = (struct live){.loop = loop, .scenarios = scenarios, .count = count};
    live->began = live->shown = clock_now();
    live->terminal = isatty(STDERR_FILENO);
    int rc = uv_timer_init(&loop->uv, &live->tick);
    live->tick.data = live;
    uint64_t every = live->terminal ? TICK_TERMINAL_MS : TICK_LOG_MS;
    rc = rc ? rc : uv_timer_start(&live->tick, on_tick, every, every);
    loop_on_shutdown(loop, STAGE_CLOSE, "live line", &live->close_part, on_close);
    return rc;
}
