/*
 * Metrics of a program on libuv's loop: it works, and is scraped at http://127.0.0.1:8000/metrics.
 *
 *     cc metrics_libuv.c $(pkg-config --cflags --libs workshop_metrics libuv) -o metrics_libuv
 *     ./metrics_libuv 8000
 */
#include <metrics/metrics.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

GAUGE(connections, "hello_connections", "Connections that are open.");
COUNTER_VEC(jobs, "hello_jobs_total", "Jobs done.", queue, result);
SUMMARY(took, "hello_job_seconds", "Time a job takes.", QUANTILES(.5, .99), WINDOW(600));

struct connection {
    uv_tcp_t tcp;
    uv_write_t write;
    struct buf answer;
};

static void on_close(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    buf_free(&c->answer);
    free(c);
    gauge_dec(&connections);
}
static void on_written(uv_write_t *write, int status)
{
    (void)status; /* in vain or not, the connection ends here, and with it the page */
    uv_close((uv_handle_t *)write->handle, on_close);
}
static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    static char request[4096]; /* nobody looks at it */
    (void)handle, (void)suggested;
    *room = uv_buf_init(request, sizeof request);
}
static void on_request(uv_stream_t *stream, ssize_t n, const uv_buf_t *request)
{
    struct connection *c = stream->data;
    (void)request;
    uv_read_stop(stream);
    buf_text(&c->answer, "HTTP/1.0 200 OK\r\nContent-Type: " METRICS_TEXT_CONTENT_TYPE "\r\n\r\n");
    if (n <= 0 || metrics_write_text(&c->answer) != OK)
        return uv_close((uv_handle_t *)stream, on_close);
    uv_buf_t answer = {buf_data(&c->answer), buf_len(&c->answer)};
    uv_write(&c->write, stream, &answer, 1, on_written);
}
static void on_connection(uv_stream_t *listener, int status)
{
    struct connection *c = status == 0 ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return;
    gauge_inc(&connections);
    uv_tcp_init(listener->loop, &c->tcp);
    c->tcp.data = c;
    uv_accept(listener, (uv_stream_t *)&c->tcp);
    uv_read_start((uv_stream_t *)&c->tcp, on_room, on_request);
}
static void on_job(uv_timer_t *timer)
{
    (void)timer;
    TIME (&took)
        counter_inc(with(jobs, .queue = "mail", .result = "ok"));
    metrics_tick(clock_now()); /* lets old observations leave the summary's window */
}
int main(int argc, char **argv)
{
    uv_tcp_t listener;
    uv_timer_t timer;
    struct sockaddr_in address;
    signal(SIGPIPE, SIG_IGN); /* a client that leaves early must not end the program */
    uv_ip4_addr("127.0.0.1", argc > 1 ? atoi(argv[1]) : 8000, &address);
    uv_tcp_init(uv_default_loop(), &listener);
    uv_timer_init(uv_default_loop(), &timer);
    uv_timer_start(&timer, on_job, 0, 100);
    if (uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) ||
        uv_listen((uv_stream_t *)&listener, 16, on_connection))
        return fputs("the port is taken\n", stderr), 1;
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
