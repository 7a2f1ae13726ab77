/* What probes have in common; see probe.h. */
#include "probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "metrics/metrics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct probe *probe;
static struct loop *loop;
static struct loop_part close_part;
static uv_pipe_t input;
static uv_timer_t ticker;
static uint64_t last_tick;
static double worst_lag_ms;
static struct buf line;

void probe_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
    uint64_t now = clock_now();
    double lag = (double)(now - last_tick) / (double)NS_PER_MS - 1;
    worst_lag_ms = lag > worst_lag_ms ? lag : worst_lag_ms;
    last_tick = now;
}

static void say_metrics(void)
{
    struct buf text = {0};
    if (metrics_write_text(&text) == OK)
        probe_say("%send of metrics", buf_cstr(&text));
    buf_free(&text);
}

static void obey(char *text)
{
    char *words[PROBE_WORDS_MAX], *save = NULL;
    int n = 0;
    for (char *w = strtok_r(text, " ", &save); w && n < PROBE_WORDS_MAX;
         w = strtok_r(NULL, " ", &save))
        words[n++] = w;
    if (n == 0)
        return;
    if (strcmp(words[0], "lag") == 0) {
        probe_say("lag %.1f", worst_lag_ms);
        worst_lag_ms = 0;
    } else if (strcmp(words[0], "metrics") == 0) {
        say_metrics();
    } else if (strcmp(words[0], "close") == 0) {
        loop_stop(loop, 0);
    } else {
        probe->on_line(n, words);
    }
}

static void obey_lines(void)
{
    char *end;
    while (buf_len(&line) && (end = memchr(buf_data(&line), '\n', buf_len(&line)))) {
        size_t n = (size_t)(end - buf_data(&line)) + 1;
        *end = '\0';
        obey(buf_data(&line));
        buf_consume(&line, n);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *into)
{
    (void)handle;
    *into = uv_buf_init(NULL, 0);
    if (buf_reserve(&line, suggested) == OK)
        *into = uv_buf_init(buf_tail(&line), (unsigned)suggested);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *into)
{
    (void)into;
    if (n < 0) {
        uv_read_stop(stream);
        return loop_stop(loop, 0);
    }
    buf_added(&line, (size_t)n);
    obey_lines();
}

static void begin_close(struct loop_part *part)
{
    (void)part;
    uv_close((uv_handle_t *)&input, NULL);
    uv_close((uv_handle_t *)&ticker, NULL);
    probe->on_close();
}

void probe_closed(void)
{
    probe_say("closed");
    loop_part_done(&close_part);
}

int probe_run(struct loop *on_loop, const struct probe *what)
{
    probe = what;
    loop = on_loop;
    if (uv_pipe_init(&loop->uv, &input, 0) != 0 || uv_pipe_open(&input, 0) != 0)
        return 2;
    uv_timer_init(&loop->uv, &ticker);
    uv_timer_start(&ticker, on_tick, 1, 1);
    last_tick = clock_now();
    uv_read_start((uv_stream_t *)&input, on_alloc, on_read);
    loop_on_shutdown(loop, STAGE_CLOSE, "probe", &close_part, begin_close);
    int code = loop_run(loop);
    buf_free(&line);
    return code;
}

/* Floods -------------------------------------------------------------------------------------- */

static struct {
    long total, window, started, ended, failed;
    uint64_t began;
    int (*start)(void);
} flood;

static void flood_on(void)
{
    while (flood.started < flood.total && flood.started - flood.ended < flood.window) {
        int rc = flood.start();
        if (rc == ERR_FULL)
            return;
        flood.started++;
        if (rc != OK)
            return probe_flood_ended(rc);
    }
}

void probe_flood(long total, long window, int (*start)(void))
{
    flood.total = total;
    flood.window = window;
    flood.started = flood.ended = flood.failed = 0;
    flood.began = clock_now();
    flood.start = start;
    flood_on();
}

void probe_flood_ended(int status)
{
    flood.failed += status != OK;
    if (++flood.ended < flood.total)
        return flood_on();
    double seconds = clock_seconds(flood.began, clock_now());
    probe_say("flood %ld %.3f %.0f %ld", flood.ended, seconds, (double)flood.ended / seconds,
              flood.failed);
}
