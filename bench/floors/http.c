/*
 * floor_http PORT: libuv, llhttp and one fixed answer, that of GET /health. It reads every request
 * to its end, as it must to know where the next one begins, and looks at nothing.
 */
#include "floor.h"

#include <string.h>

#include <llhttp.h>
#include <uv.h>

enum {
    READ_SIZE = 64 * 1024,
    BACKLOG = 1024,
    TOGETHER = 64 /* answers of one read, in one write */
};

#define ANSWER                                                                                     \
    "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"                                   \
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nOK"
enum { ANSWER_SIZE = sizeof ANSWER - 1 };

struct connection {
    uv_tcp_t tcp;
    llhttp_t parser;
    unsigned complete; /* requests since the last write */
};

static uv_loop_t *loop;
static llhttp_settings_t settings;
static char answers[TOGETHER * ANSWER_SIZE];

static int on_complete(llhttp_t *parser)
{
    ((struct connection *)parser->data)->complete++;
    return 0;
}

static void on_closed(uv_handle_t *tcp)
{
    free(tcp->data);
}

static void end(struct connection *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

/* A peer that does not take its answers is closed: a floor keeps no queue. */
static void answer(struct connection *c)
{
    while (c->complete > 0) {
        unsigned n = c->complete < TOGETHER ? c->complete : TOGETHER;
        uv_buf_t out = uv_buf_init(answers, n * ANSWER_SIZE);
        if (uv_try_write((uv_stream_t *)&c->tcp, &out, 1) != (int)(n * ANSWER_SIZE)) {
            end(c);
            return;
        }
        c->complete -= n;
    }
}

static void on_alloc(uv_handle_t *tcp, size_t size, uv_buf_t *buf)
{
    static char bytes[READ_SIZE];
    (void)tcp, (void)size;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = tcp->data;
    if (n < 0 || (n > 0 && llhttp_execute(&c->parser, buf->base, (size_t)n) != HPE_OK))
        end(c);
    else
        answer(c);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct connection *c = calloc(1, sizeof *c);
    floor_must(status == 0 && c, "accepting");
    uv_tcp_init(loop, &c->tcp);
    c->tcp.data = c;
    floor_must(uv_accept(server, (uv_stream_t *)&c->tcp) == 0, "accepting");
    uv_tcp_nodelay(&c->tcp, 1);
    llhttp_init(&c->parser, HTTP_REQUEST, &settings);
    c->parser.data = c;
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

int main(int argc, char **argv)
{
    uv_tcp_t server;
    struct sockaddr_in address;
    floor_must(argc == 2, "floor_http PORT");
    loop = uv_default_loop();
    llhttp_settings_init(&settings);
    settings.on_message_complete = on_complete;
    for (int i = 0; i < TOGETHER; i++)
        memcpy(answers + i * ANSWER_SIZE, ANSWER, ANSWER_SIZE);
    uv_tcp_init(loop, &server);
    uv_ip4_addr("127.0.0.1", atoi(argv[1]), &address);
    floor_must(uv_tcp_bind(&server, (const struct sockaddr *)&address, 0) == 0, "binding");
    floor_must(uv_listen((uv_stream_t *)&server, BACKLOG, on_connection) == 0, "listening");
    return uv_run(loop, UV_RUN_DEFAULT);
}
