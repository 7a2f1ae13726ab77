/*
 * Every allocation of a scrape fails once in turn, those of the thread pool and of zlib too: the
 * scraper gets the whole page, perhaps not compressed, or 503, or sees the connection end; nothing
 * leaks (the address sanitizer looks) and no place among the scrapes in flight is lost.
 */
#include "failing_alloc.h"
#include "http/builtin.h"
#include "http/gzip.h"
#include "http_peer.h"
#include "metrics/metrics.h"

#include <zlib.h>

#define ROWS    300
#define REQUEST "GET /metrics?name[]=scrape_rows HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
#define GZIP    "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n"

GAUGE_VEC(rows, "scrape_rows", "Makes the page a large one.", row);

static struct {
    struct loop loop;
    int port;
} t;

static const struct http_route routes[] = {HTTP_BUILTIN_ROUTES, {NULL}};
static const struct http_builtin builtin = {.loop = &t.loop};
static struct http_router router = {.routes = routes};

/* Of static size, for the peer's own allocations shall not be among those that fail. */
static char got[1 << 17], page[1 << 17], plain[1 << 17];

static void start(void)
{
    struct err err;
    struct http_server_options o = {
        .address = "127.0.0.1:0", .handler = http_router_handle, .ctx = &router};
    assert_int_equal(loop_init(&t.loop), 0);
    http_builtin_setup(&builtin);
    struct http_server *server = http_server_listen(&t.loop, &o, &err);
    assert_non_null(server);
    t.port = http_server_port(server);
}

static void stop(void)
{
    loop_stop(&t.loop, 0);
    assert_int_equal(loop_run(&t.loop), 0);
}

/* Asking --------------------------------------------------------------------------------------- */

/* All that comes until the connection ends, in `got`. */
static size_t receive(const char *request)
{
    size_t len = 0;
    ssize_t n;
    uint64_t end = clock_now() + PEER_WAIT_MS * NS_PER_MS;
    int fd = peer_connect(t.port);
    peer_send(fd, request);
    while ((n = recv(fd, got + len, sizeof got - 1 - len, MSG_DONTWAIT)) > 0 ||
           (n < 0 && errno == EAGAIN)) {
        len += n > 0 ? (size_t)n : 0;
        assert_true(clock_now() < end);
        peer_step(&t.loop);
    }
    close(fd);
    got[len] = '\0';
    return len;
}

/* Into `page`, as text. */
static void unpack(const char *body, size_t len)
{
    z_stream z = {.next_in = (z_const Bytef *)body,
                  .avail_in = (unsigned)len,
                  .next_out = (Bytef *)page,
                  .avail_out = sizeof page - 1};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    page[z.total_out] = '\0';
    inflateEnd(&z);
}

enum answer { NONE, REFUSED, PLAIN, PACKED };

/* The status is 200 or 503, and a page is in `page`. */
static enum answer ask(const char *request)
{
    size_t len = receive(request);
    char *end = strstr(got, "\r\n\r\n");
    if (len == 0)
        return NONE;
    assert_non_null(end);
    *end = '\0';
    if (!strncmp(got, "HTTP/1.1 503 ", 13))
        return REFUSED;
    assert_memory_equal(got, "HTTP/1.1 200 ", 13);
    const char *body = end + 4;
    if (strstr(got, "\r\nContent-Encoding: gzip")) {
        unpack(body, len - (size_t)(body - got));
        return PACKED;
    }
    memcpy(page, body, strlen(body) + 1);
    return PLAIN;
}

static void assert_whole(enum answer a)
{
    if (a == PLAIN || a == PACKED)
        assert_string_equal(page, plain);
}

/* Allocations ---------------------------------------------------------------------------------- */

/* On a server of its own, so that no memory is left from before. Whether the n-th failed. */
static bool fail_one(long n, const char *request, enum answer normal, unsigned seen[])
{
    start();
    alloc_fail_at(n);
    enum answer a = ask(request);
    bool failed = alloc_fail_never();
    assert_true(failed || a == normal);
    assert_whole(a);
    seen[a] += failed;
    assert_int_equal(ask(request), normal);
    assert_whole(normal);
    stop();
    return failed;
}

static void without_memory_a_page_is_plain_or_503_or_not_there(void **state)
{
    unsigned seen[PACKED + 1] = {0};
    (void)state;
    for (long n = 0; fail_one(n, REQUEST GZIP "\r\n", PACKED, seen); n++)
        ;
    assert_true(seen[NONE] && seen[REFUSED] && seen[PLAIN]);
    for (long n = 0; fail_one(n, REQUEST "Accept: text/plain\r\n\r\n", PLAIN, seen); n++)
        ;
}

/* Each of them would keep a place if one got lost. */
static void a_scrape_that_fails_holds_no_place(void **state)
{
    unsigned refused = 0;
    (void)state;
    start();
    for (long n = 0; refused <= HTTP_SCRAPES_MAX; n = (n + 1) % 100) {
        alloc_fail_at(n);
        refused += ask(REQUEST GZIP "\r\n") == REFUSED;
        alloc_fail_never();
    }
    assert_int_equal(ask(REQUEST GZIP "\r\n"), PACKED);
    stop();
}

/* zlib ----------------------------------------------------------------------------------------- */

static bool zlib_fails;

int __real_deflateInit2_(z_stream *z, int level, int method, int bits, int memory, int strategy,
                         const char *version, int size);
int __wrap_deflateInit2_(z_stream *z, int level, int method, int bits, int memory, int strategy,
                         const char *version, int size);
int __wrap_deflateInit2_(z_stream *z, int level, int method, int bits, int memory, int strategy,
                         const char *version, int size)
{
    return zlib_fails
               ? Z_MEM_ERROR
               : __real_deflateInit2_(z, level, method, bits, memory, strategy, version, size);
}

static void without_memory_in_zlib_the_page_is_plain(void **state)
{
    (void)state;
    start();
    zlib_fails = true;
    assert_int_equal(ask(REQUEST GZIP "\r\n"), PLAIN);
    assert_string_equal(page, plain);
    zlib_fails = false;
    assert_int_equal(ask(REQUEST GZIP "\r\n"), PACKED);
    stop();
}

/* What the pages are compared with. */
static int setup(void **state)
{
    char name[40];
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        snprintf(name, sizeof name, "row number %d", i);
        gauge_set(with(rows, .row = name), i);
    }
    start();
    assert_int_equal(ask(REQUEST "\r\n"), PLAIN);
    assert_true(strlen(page) >= HTTP_GZIP_MIN);
    memcpy(plain, page, sizeof plain);
    stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_a_page_is_plain_or_503_or_not_there),
        cmocka_unit_test(a_scrape_that_fails_holds_no_place),
        cmocka_unit_test(without_memory_in_zlib_the_page_is_plain),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
