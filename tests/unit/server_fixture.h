/*
 * A server and the program behind it, which the tests of the server share. Its handler answers /now
 * and /big at once, /echo with the body, and keeps /later for the test.
 */
#ifndef SERVER_FIXTURE_H
#define SERVER_FIXTURE_H

#include "http/server.h"
#include "http_peer.h"

#include <time.h>

#define BIG (6 * 1024 * 1024)

static struct {
    struct loop loop;
    struct http_server *server;
    int port;
    int handled;  /* requests that reached the handler */
    int answered; /* calls of `answered` */
    int last_status;
    bool last_refused;
    double last_seconds;
    struct http_exchange *later[256];
    int later_count;
    char *big;
} t;

/* The program that is tested ------------------------------------------------------------------- */

static inline void handle(struct http_exchange *x, void *ctx)
{
    const struct http_message *m = http_request(x);
    assert_ptr_equal(ctx, &t);
    t.handled++;
    ++*(int *)http_notes(x);
    http_set_route(x, "/route");
    http_set_data(x, &t);
    if (m->path.len >= 4 && memcmp(m->path.data, "/big", 4) == 0)
        http_reply(x, &(struct http_response){.status = 200, .body = t.big, .len = BIG});
    else if (http_span_is(m->path, "/echo"))
        http_reply_json(x, 200, m->body.data, m->body.len);
    else if (http_span_is(m->path, "/now"))
        http_reply_text(x, 200, "now");
    else
        t.later[t.later_count++] = x;
}

/* What its notes count is what this tells the client; a refused request comes without a handler. */
static inline const char *headers(struct http_exchange *x, void *ctx)
{
    static char line[32];
    int *calls = http_notes(x);
    assert_ptr_equal(ctx, &t);
    snprintf(line, sizeof line, "notes: %d\r\n", *calls);
    return line;
}

static inline void answered(struct http_exchange *x, int status, double seconds, void *ctx)
{
    assert_ptr_equal(ctx, &t);
    t.answered++;
    t.last_status = status;
    t.last_seconds = seconds;
    t.last_refused = http_request(x) == NULL;
    assert_int_equal(*(int *)http_notes(x), t.last_refused ? 0 : 1);
    assert_string_equal(http_route(x), t.last_refused ? "other" : "/route");
    assert_ptr_equal(http_data(x), t.last_refused ? NULL : &t);
}

static inline void start(struct http_server_options options)
{
    struct err err;
    t.big = malloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        t.big[i] = (char)('a' + i % 23);
    assert_int_equal(loop_init(&t.loop), 0);
    options.address = "127.0.0.1:0";
    options.handler = handle;
    options.answered = answered;
    options.ctx = &t;
    t.server = http_server_listen(&t.loop, &options, &err);
    assert_non_null(t.server);
    t.port = http_server_port(t.server);
}

static inline int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    return 0;
}

/* Ends like a program: the loop's assert finds open handles, the address sanitizer leaks. */
static inline void stop(void)
{
    loop_stop(&t.loop, 0);
    assert_int_equal(loop_run(&t.loop), 0);
    free(t.big);
}

static inline void reply_later(int i, const char *text)
{
    http_reply_text(t.later[i], 200, text);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static inline size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

/* Sends, reads to the end, compares what begins and what ends the answer. */
static inline void expect_to_end(const char *request, const char *first, const char *last)
{
    struct buf got = {0};
    int fd = peer_connect(t.port);
    peer_send(fd, request);
    peer_read_to_end(&t.loop, fd, &got);
    const char *text = buf_cstr(&got);
    if (strncmp(text, first, strlen(first)) != 0 || strlen(text) < strlen(last) ||
        strcmp(text + strlen(text) - strlen(last), last) != 0)
        fail_msg("got \"%s\", expected \"%s … %s\"", text, first, last);
    buf_free(&got);
    close(fd);
}

#endif
