/* One attempt to connect and set up, on the thread pool; see handshake.h. */
#include "amqp/handshake.h"

#include "amqp/dial.h"
#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#if __has_include(<rabbitmq-c/tcp_socket.h>)
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp_tcp_socket.h>
#endif

#define DRAIN_WAIT_US 2000

/* What the thread has at hand. */
struct attempt {
    struct handshake *h;
    const struct handshake_request *request;
    uint64_t deadline; /* clock_now */
    amqp_connection_state_t library;
};

static int fail(struct attempt *a, int code, const char *what, const char *why)
{
    return err_set(&a->h->err, code, "%s: %s", what, why);
}

static struct timeval left(const struct attempt *a)
{
    uint64_t now = clock_now();
    uint64_t us = now < a->deadline ? (a->deadline - now) / 1000 : 0;

    /* Zero would mean for ever to some of the library's calls. */
    us = us ? us : 1;
    return (struct timeval){.tv_sec = (time_t)(us / 1000000),
                            .tv_usec = (suseconds_t)(us % 1000000)};
}

/* ---- Replies -------------------------------------------------------------------------------- */

/* Codes that no second attempt of ours will change are told apart by their text. */
static const char *advice(uint16_t code)
{
    switch (code) {
    case 403: /* ACCESS_REFUSED */
        return " (check user and password in the AMQP URL, and their permissions)";
    case 406: /* PRECONDITION_FAILED */
        return " (the queue exists with other properties: delete it, or change the setting for "
               "its type)";
    case 530: /* NOT_ALLOWED */
        return " (check the vhost in the AMQP URL)";
    }
    return "";
}

static int refused(struct attempt *a, const char *what, uint16_t code, amqp_bytes_t text)
{
    return err_set(&a->h->err, ERR_REFUSED, "%s refused by the broker%s: %.*s", what, advice(code),
                   (int)(text.len < 250 ? text.len : 250), (const char *)text.bytes);
}

static int check(struct attempt *a, const char *what, amqp_rpc_reply_t reply)
{
    switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
        return OK;
    case AMQP_RESPONSE_SERVER_EXCEPTION:
        if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
            amqp_connection_close_t *m = reply.reply.decoded;
            return refused(a, what, m->reply_code, m->reply_text);
        }
        if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
            amqp_channel_close_t *m = reply.reply.decoded;
            return refused(a, what, m->reply_code, m->reply_text);
        }
        return fail(a, ERR_PROTOCOL, what, "unexpected answer");
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
        return fail(a, ERR_UNAVAILABLE, what, amqp_error_string2(reply.library_error));
    case AMQP_RESPONSE_NONE:
        break;
    }
    return fail(a, ERR_LOST, what, "connection lost");
}

/* ---- Steps ---------------------------------------------------------------------------------- */

static int given_up(struct handshake *h)
{
    return err_set(&h->err, ERR_TIMEOUT, "no answer within %d ms", AMQP_ATTEMPT_LIMIT_MS);
}

/* Shows the socket to handshake_abort; -1 takes it back. */
static int share_socket(struct handshake *h, int fd)
{
    bool aborted;

    uv_mutex_lock(&h->lock);
    h->fd = fd;
    aborted = h->aborted;
    uv_mutex_unlock(&h->lock);
    return aborted ? given_up(h) : OK;
}

/* The library gets a duplicate, for it closes its socket when it pleases; were it ours, an abort
 * could hit a number that somebody else has got since. */
static int lend_socket(struct attempt *a, int fd)
{
    amqp_socket_t *socket;
    int duplicate;

    a->library = amqp_new_connection();
    socket = a->library ? amqp_tcp_socket_new(a->library) : NULL;
    if (!socket)
        return err_set(&a->h->err, ERR_NOMEM, "out of memory");
    duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0)
        return err_set(&a->h->err, ERR_UNAVAILABLE, "cannot duplicate a socket: %m");
    amqp_tcp_socket_set_sockfd(socket, duplicate);
    return OK;
}

static amqp_table_entry_t yes(const char *key)
{
    return (amqp_table_entry_t){.key = amqp_cstring_bytes(key),
                                .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}};
}

/* Without these the broker would neither nack, nor tell that it blocks us or drops our consumer. */
static amqp_rpc_reply_t login(struct attempt *a)
{
    amqp_table_entry_t capabilities[] = {yes("connection.blocked"), yes("basic.nack"),
                                         yes("publisher_confirms"), yes("consumer_cancel_notify")};
    amqp_table_entry_t entry = {
        .key = amqp_cstring_bytes("capabilities"),
        .value = {.kind = AMQP_FIELD_KIND_TABLE,
                  .value.table = {.num_entries = sizeof capabilities / sizeof *capabilities,
                                  .entries = capabilities}}};
    amqp_table_t properties = {.num_entries = 1, .entries = &entry};
    const struct amqp_url *url = &a->request->url;

    return amqp_login_with_properties(a->library, url->vhost, CODEC_CHANNEL, CODEC_FRAME_MAX,
                                      AMQP_HEARTBEAT_S, &properties, AMQP_SASL_METHOD_PLAIN,
                                      url->user, url->password);
}

amqp_queue_declare_t handshake_declaration(const struct amqp_queue *queue,
                                           amqp_table_entry_t *entry)
{
    *entry = (amqp_table_entry_t){
        .key = amqp_cstring_bytes("x-queue-type"),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("quorum")}};
    return (amqp_queue_declare_t){
        .queue = amqp_cstring_bytes(queue->name),
        .durable = 1,
        .arguments = {.num_entries = queue->quorum ? 1 : 0, .entries = entry}};
}

static int declare(struct attempt *a)
{
    const struct amqp_queue *queue = &a->request->queue;
    amqp_method_number_t reply[] = {AMQP_QUEUE_DECLARE_OK_METHOD, 0};
    amqp_table_entry_t entry;
    amqp_queue_declare_t method = handshake_declaration(queue, &entry);
    char what[320];

    snprintf(what, sizeof what, "declaring queue %s as %s", queue->name,
             queue->quorum ? "quorum" : "classic");
    return check(
        a, what,
        amqp_simple_rpc(a->library, CODEC_CHANNEL, AMQP_QUEUE_DECLARE_METHOD, reply, &method));
}

static int set_up_channel(struct attempt *a)
{
    const struct handshake_request *r = a->request;
    int rc;

    amqp_channel_open(a->library, CODEC_CHANNEL);
    rc = check(a, "opening a channel", amqp_get_rpc_reply(a->library));
    if (rc == OK)
        rc = declare(a);
    if (rc == OK && r->confirm) {
        amqp_confirm_select(a->library, CODEC_CHANNEL);
        rc = check(a, "confirm.select", amqp_get_rpc_reply(a->library));
    }
    if (rc == OK && r->prefetch) {
        amqp_basic_qos(a->library, CODEC_CHANNEL, 0, r->prefetch, 0);
        rc = check(a, "basic.qos", amqp_get_rpc_reply(a->library));
    }
    return rc;
}

static int take_frame(struct attempt *a, const amqp_frame_t *frame)
{
    if (frame->frame_type != AMQP_FRAME_METHOD)
        return OK;
    switch (frame->payload.method.id) {
    case AMQP_CONNECTION_BLOCKED_METHOD:
        a->h->blocked = true;
        return OK;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        a->h->blocked = false;
        return OK;
    }
    return fail(a, ERR_LOST, "setting up", "closed by the broker");
}

/* Whether the library holds no byte that it read: what is in it when we part would be lost. */
static bool holds_nothing(const struct attempt *a)
{
    return !amqp_frames_enqueued(a->library) && !amqp_data_in_buffer(a->library) &&
           amqp_release_buffers_ok(a->library); /* between two frames */
}

/* Takes what the library still holds, up to the end of a frame. No delivery can be among it, for
 * basic.consume is sent from the loop. In small waits, since heartbeats do not end one. */
static int drain(struct attempt *a)
{
    amqp_frame_t frame;
    int rc = AMQP_STATUS_OK;

    while (clock_now() < a->deadline) {
        struct timeval wait = {.tv_usec = holds_nothing(a) ? 0 : DRAIN_WAIT_US};
        rc = amqp_simple_wait_frame_noblock(a->library, &frame, &wait);
        if (rc == AMQP_STATUS_TIMEOUT && holds_nothing(a))
            return OK;
        if (rc == AMQP_STATUS_OK && take_frame(a, &frame))
            return a->h->err.code;
        if (rc != AMQP_STATUS_OK && rc != AMQP_STATUS_TIMEOUT)
            break;
    }
    return fail(a, ERR_UNAVAILABLE, "setting up", amqp_error_string2(rc));
}

/* ---- The job -------------------------------------------------------------------------------- */

static int log_in(struct attempt *a)
{
    struct timeval limit = left(a);
    int rc;

    if (amqp_set_handshake_timeout(a->library, &limit) || amqp_set_rpc_timeout(a->library, &limit))
        return err_set(&a->h->err, ERR_NOMEM, "out of memory");
    rc = check(a, "login", login(a));
    if (rc == OK)
        rc = set_up_channel(a);
    if (rc == OK)
        rc = drain(a);
    a->h->frame_max = (size_t)amqp_get_frame_max(a->library);
    a->h->heartbeat = (unsigned)amqp_get_heartbeat(a->library);
    return rc;
}

static int use_socket(struct attempt *a, int fd)
{
    int rc = share_socket(a->h, fd);

    if (rc == OK)
        rc = lend_socket(a, fd);
    if (rc == OK)
        rc = log_in(a);
    if (a->library)
        amqp_destroy_connection(a->library);
    if (share_socket(a->h, -1)) /* aborted: the socket is shut down, whatever was said on it */
        rc = a->h->err.code;
    return rc;
}

static void run(uv_work_t *work)
{
    struct handshake *h = work->data;
    struct attempt a = {
        .h = h, .request = h->request, .deadline = clock_now() + AMQP_ATTEMPT_LIMIT_MS * NS_PER_MS};
    int fd = dial(a.request->url.host, a.request->url.port, a.deadline, &h->err);

    if (fd < 0)
        return;
    if (use_socket(&a, fd) == OK)
        h->result_fd = fd;
    else
        close(fd);
}

static void after(uv_work_t *work, int status)
{
    struct handshake *h = work->data;

    if (status) /* cancelled before it ran */
        given_up(h);
    uv_mutex_destroy(&h->lock);
    h->done(h);
}

int handshake_start(struct handshake *h, uv_loop_t *loop, const struct handshake_request *request,
                    void (*done)(struct handshake *h))
{
    int rc;

    *h = (struct handshake){.request = request, .done = done, .result_fd = -1, .fd = -1};
    h->work.data = h;
    rc = uv_mutex_init(&h->lock);
    if (rc)
        return rc;
    rc = uv_queue_work(loop, &h->work, run, after);
    if (rc)
        uv_mutex_destroy(&h->lock);
    return rc;
}

void handshake_abort(struct handshake *h)
{
    uv_cancel((uv_req_t *)&h->work); /* fails once it runs, which is fine */
    uv_mutex_lock(&h->lock);
    h->aborted = true;
    if (h->fd >= 0)
        shutdown(h->fd, SHUT_RDWR);
    uv_mutex_unlock(&h->lock);
}
