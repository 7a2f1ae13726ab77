/*
 * floor_publish own|library PORT WINDOW SECONDS COUNT: persistent messages with ids into the queue,
 * at most WINDOW of them unconfirmed, until SECONDS are over or COUNT are confirmed (0: no such
 * limit). Prints `publish.own RATE msg/s`.
 *
 *   library  amqp_basic_publish and amqp_simple_wait_frame: what a program would write at first
 *   own      the frames of a message are encoded once; each time the socket said something, all
 * that the window lets through goes out in one write. Nothing can publish with less work
 */
#include "broker.h"

#include <fcntl.h>
#include <unistd.h>

static const char body[] = "{\"fruit\":\"pears\",\"quantity\":3}";
enum { BODY_SIZE = sizeof body - 1, ID_SIZE = 36, WINDOW_MAX = 65536 };

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

static amqp_basic_properties_t properties_with(char *id)
{
    return (amqp_basic_properties_t){
        ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG |
                  AMQP_BASIC_MESSAGE_ID_FLAG,
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .content_type = amqp_cstring_bytes("application/json"),
        .message_id = {ID_SIZE, id},
    };
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

enum { FRAME_HEAD = 7, TEMPLATE_MAX = 512, ACK_SIZE = 21 };

static char template[TEMPLATE_MAX];
static size_t template_size, id_at;

static uint64_t big(const char *at, int n)
{
    uint64_t value = 0;
    for (int i = 0; i < n; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

static void put(char *at, uint64_t value, int n)
{
    while (n-- > 0) {
        at[n] = (char)value;
        value >>= 8;
    }
}

/* Frames the payload of `size` bytes that was written FRAME_HEAD behind the template's end. */
static void end_frame(int type, size_t size)
{
    char *at = template + template_size;
    at[0] = (char)type;
    put(at + 1, CHANNEL, 2);
    put(at + 3, size, 4);
    at[FRAME_HEAD + size] = (char)AMQP_FRAME_END;
    template_size += FRAME_HEAD + size + 1;
}

static amqp_bytes_t room(size_t skip)
{
    size_t used = template_size + FRAME_HEAD + skip;
    return (amqp_bytes_t){TEMPLATE_MAX - used, template + used};
}

static void make_template(void)
{
    char id[ID_SIZE + 1];
    floor_uuid(id, 0);
    amqp_basic_publish_t method = {.routing_key = amqp_cstring_bytes(QUEUE), .mandatory = 1};
    put(room(0).bytes, AMQP_BASIC_PUBLISH_METHOD, 4);
    end_frame(AMQP_FRAME_METHOD,
              4 + (size_t)amqp_encode_method(AMQP_BASIC_PUBLISH_METHOD, &method, room(4)));

    amqp_basic_properties_t properties = properties_with(id);
    char *header = room(0).bytes;
    put(header, (uint64_t)AMQP_BASIC_CLASS << 16, 4);
    put(header + 4, BODY_SIZE, 8);
    size_t size = (size_t)amqp_encode_properties(AMQP_BASIC_CLASS, &properties, room(12));
    id_at = (size_t)((char *)memmem(header, 12 + size, id, ID_SIZE) - template);
    end_frame(AMQP_FRAME_HEADER, 12 + size);

    memcpy(room(0).bytes, body, BODY_SIZE);
    end_frame(AMQP_FRAME_BODY, BODY_SIZE);
}

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
    char id[ID_SIZE + 1];
    char *at = out;
    for (uint64_t n = allowed(); n > 0; n--) {
        floor_uuid(id, next_tag());
        memcpy(at, template, template_size);
        memcpy(at + id_at, id, ID_SIZE);
        at += template_size;
    }
    write_all(fd, out, (size_t)(at - out));
}

/* basic.ack is all that the broker has to say; what is left over is the front of the next one. */
static void read_confirms(int fd)
{
    static char in[65536];
    static size_t have;
    ssize_t n = read(fd, in + have, sizeof in - have);
    floor_must(n > 0, "reading");
    have += (size_t)n;
    char *at = in;
    for (; have >= ACK_SIZE; at += ACK_SIZE, have -= ACK_SIZE) {
        floor_must(big(at + FRAME_HEAD, 4) == AMQP_BASIC_ACK_METHOD, "a confirm");
        confirm(big(at + FRAME_HEAD + 4, 8), at[FRAME_HEAD + 12]);
    }
    memmove(in, at, have);
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
