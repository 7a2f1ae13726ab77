/*
 * floor_gateway PORT BROKER_PORT: publishes a message for each request and answers once the broker
 * has confirmed it. What it does of POST /fruit is what nobody can leave out; the body is not even
 * looked at. What one turn of the loop brings leaves in one write.
 */
#include "frames.h"
#include "server.h"

#include <fcntl.h>
#include <unistd.h>

enum { WINDOW_MAX = 65536 };

#define ANSWER                                                                                     \
    "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: application/json\r\n" \
    "Content-Length: 75\r\n\r\n"                                                                   \
    "{\"message\":\"You sent 3 pears!\",\"id\":\"01970000-0000-7000-8000-000000000000\"}"
enum { ANSWER_SIZE = sizeof ANSWER - 1 };

static struct connection *asked[WINDOW_MAX]; /* who waits for the confirm of a tag, or NULL */
static uint64_t sent;
static char out[WINDOW_MAX * TEMPLATE_MAX / 2];
static char *out_end = out;
static uv_poll_t broker;
static uv_idle_t flush;
static int fd;

/* A floor waits until the kernel has taken it all. */
static void on_flush(uv_idle_t *idle)
{
    for (char *at = out; at < out_end;) {
        ssize_t wrote = write(fd, at, (size_t)(out_end - at));
        floor_must(wrote > 0, "writing");
        at += wrote;
    }
    out_end = out;
    uv_idle_stop(idle);
}

static void publish_all(struct connection *c, unsigned n)
{
    for (; n > 0; n--) {
        sent++;
        floor_must(!asked[sent % WINDOW_MAX], "a window of 65536");
        asked[sent % WINDOW_MAX] = c;
        out_end = write_message(out_end, sent);
    }
    uv_idle_start(&flush, on_flush);
}

static void confirm(uint64_t tag, int multiple)
{
    static uint64_t first = 1; /* what is below was confirmed by a multiple */
    for (uint64_t t = multiple ? first : tag; t <= tag; t++) {
        struct connection *c = asked[t % WINDOW_MAX];
        asked[t % WINDOW_MAX] = NULL;
        if (c)
            answer(c, ANSWER, ANSWER_SIZE, 1);
    }
    if (multiple && tag >= first)
        first = tag + 1;
}

static void on_broker(uv_poll_t *poll, int status, int events)
{
    static char in[65536];
    static size_t have;
    ssize_t n = read(fd, in + have, sizeof in - have);
    (void)poll, (void)events;
    floor_must(status == 0 && n > 0, "reading");
    have += (size_t)n;
    take_acks(in, &have, confirm);
}

int main(int argc, char **argv)
{
    floor_must(argc == 3, "floor_gateway PORT BROKER_PORT");
    uv_loop_t *loop = uv_default_loop();
    amqp_connection_state_t c = broker_connect(atoi(argv[2]));
    amqp_confirm_select(c, CHANNEL);
    broker_must(c, "asking for confirms");
    make_template();
    fd = amqp_get_sockfd(c);
    uv_poll_init(loop, &broker, fd);
    uv_poll_start(&broker, UV_READABLE, on_broker);
    floor_must(fcntl(fd, F_SETFL, 0) == 0,
               "letting the socket wait"); /* libuv and the library want none that does */
    uv_idle_init(loop, &flush);
    return serve(loop, atoi(argv[1]), publish_all);
}
