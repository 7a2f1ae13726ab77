/*
 * floor_publish own|library PORT WINDOW SECONDS COUNT: persistent messages with ids into the queue,
 * at most WINDOW of them unconfirmed, until SECONDS are over or COUNT are confirmed (0: no such
 * limit). Prints `publish.own RATE msg/s`.
 *
 *   library  amqp_basic_publish and amqp_simple_wait_frame: what a program would write at first
 *   own      frames.h: each time the socket said something, all that the window lets through goes
 *            out in one write. Nothing can publish with less work
 */
#include "frames.h"

#include <fcntl.h>
#include <unistd.h>

enum { WINDOW_MAX = 65536 };

static struct run {
    uint64_t window, count, sent, confirmed;
    double end;
} run;

static int over(void)
{
    return (run.count && run.confirmed >= run.count) || (run.end > 0 && floor_now() > run.end);
}

static uint64_t allowed(void)
{
    uint64_t free = run.window - (run.sent - run.confirmed);
    uint64_t left = run.count ? run.count - run.sent : free;
    return free < left ? free : left;
}

/* What the broker has said of the newest messages; it need not confirm them in order. */
static char said[2 * WINDOW_MAX];

static uint64_t next_tag(void)
{
    run.sent++;
    said[run.sent % sizeof said] = 0;
    return run.sent;
}

static void confirm(uint64_t tag, int multiple)
{
    static uint64_t first = 1; /* what is below was confirmed by a multiple */
    for (uint64_t t = multiple ? first : tag; t <= tag; t++) {
        run.confirmed += !said[t % sizeof said];
        said[t % sizeof said] = 1;
    }
    if (multiple && tag >= first)
        first = tag + 1;
}

/* library ----------------------------------------------------------------------------------- */

static void publish_one(amqp_connection_state_t c)
{
    char id[ID_SIZE + 1];
    floor_uuid(id, next_tag());
    amqp_basic_properties_t properties = properties_with(id);
    floor_must(amqp_basic_publish(c, CHANNEL, amqp_empty_bytes, amqp_cstring_bytes(QUEUE), 1, 0,
                                  &properties, (amqp_bytes_t){BODY_SIZE, (void *)body}) == 0,
               "publishing");
}

static void by_library(amqp_connection_state_t c)
{
    amqp_frame_t frame;
    while (!over()) {
        while (allowed() > 0)
            publish_one(c);
        amqp_maybe_release_buffers(c);
        floor_must(amqp_simple_wait_frame(c, &frame) == 0, "waiting for a confirm");
        floor_must(frame.frame_type == AMQP_FRAME_METHOD &&
                       frame.payload.method.id == AMQP_BASIC_ACK_METHOD,
                   "a confirm");
        amqp_basic_ack_t *ack = frame.payload.method.decoded;
        confirm(ack->delivery_tag, ack->multiple);
    }
}

/* own --------------------------------------------------------------------------------------- */

static void write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, bytes, n);
        floor_must(wrote > 0, "writing");
        bytes += wrote;
        n -= (size_t)wrote;
    }
}

static void write_allowed(int fd)
{
    static char out[WINDOW_MAX * TEMPLATE_MAX / 2];
    char *at = out;
    for (uint64_t n = allowed(); n > 0; n--)
        at = write_message(at, next_tag());
    write_all(fd, out, (size_t)(at - out));
}

static void read_confirms(int fd)
{
    static char in[65536];
    static size_t have;
    ssize_t n = read(fd, in + have, sizeof in - have);
    floor_must(n > 0, "reading");
    have += (size_t)n;
    take_acks(in, &have, confirm);
}

static void by_own_buffer(amqp_connection_state_t c)
{
    int fd = amqp_get_sockfd(c);
    floor_must(fcntl(fd, F_SETFL, 0) == 0,
               "letting the socket wait"); /* the library's never does */
    make_template();
    while (!over()) {
        write_allowed(fd);
        read_confirms(fd);
    }
}

int main(int argc, char **argv)
{
    floor_must(argc == 6, "floor_publish own|library PORT WINDOW SECONDS COUNT");
    amqp_connection_state_t c = broker_connect(atoi(argv[2]));
    amqp_confirm_select(c, CHANNEL);
    broker_must(c, "asking for confirms");
    double start = floor_now(), seconds = atof(argv[4]);
    run.window = strtoull(argv[3], NULL, 10);
    run.count = strtoull(argv[5], NULL, 10);
    run.end = seconds > 0 ? start + seconds : 0;
    floor_must(run.window > 0 && run.window <= WINDOW_MAX, "a window of 1 to 65536");
    if (strcmp(argv[1], "own") == 0)
        by_own_buffer(c);
    else
        by_library(c);
    printf("publish.%s %.0f msg/s\n", argv[1], (double)run.confirmed / (floor_now() - start));
    return 0;
}
