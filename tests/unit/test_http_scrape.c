/* /metrics as scrapers ask for it: formats, families, compression, limits, and who goes early. */
#include "http/builtin.h"
#include "http/gzip.h"
#include "http_peer.h"
#include "metrics/testing.h"

#include <semaphore.h>

#include <zlib.h>

#define POOL_THREADS 4 /* libuv's own number */
#define ROWS         300

GAUGE_VEC(rows, "scrape_rows", "Makes the page a large one.", row);
COUNTER(asked, "scrape_asked_total", "Asked for by its name.");

static struct {
    struct loop loop;
    int port;
    uv_work_t blockers[POOL_THREADS];
    sem_t release;
} t;

static const struct http_route routes[] = {HTTP_BUILTIN_ROUTES, {NULL}};
static const struct http_builtin builtin = {.loop = &t.loop};
static struct http_router router = {.routes = routes};

static int setup(void **state)
{
    struct http_server_options o = {
        .address = "127.0.0.1:0", .handler = http_router_handle, .ctx = &router};
    struct err err;
    char name[40];
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        snprintf(name, sizeof name, "row number %d", i);
        gauge_set(with(rows, .row = name), i);
    }
    assert_int_equal(loop_init(&t.loop), 0);
    http_builtin_setup(&builtin);
    struct http_server *server = http_server_listen(&t.loop, &o, &err);
    assert_non_null(server);
    t.port = http_server_port(server);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (loop_stopping(&t.loop))
        return 0;
    loop_stop(&t.loop, 0);
    return loop_run(&t.loop);
}

/* Asking --------------------------------------------------------------------------------------- */

struct answer {
    struct buf bytes;
    const char *head; /* terminated at the empty line */
    const char *body;
    size_t len;
};

static int ask(const char *method, const char *query, const char *fields)
{
    char request[4096];
    int fd = peer_connect(t.port);
    snprintf(request, sizeof request,
             "%s /metrics%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", method, query,
             fields);
    peer_send(fd, request);
    return fd;
}

static struct answer split(struct buf bytes)
{
    struct answer a = {.bytes = bytes, .head = buf_cstr(&bytes)};
    a.bytes = bytes;
    char *end = strstr(a.head, "\r\n\r\n");
    assert_non_null(end);
    end[2] = '\0';
    a.body = end + 4;
    a.len = buf_len(&bytes) - (size_t)(a.body - a.head);
    return a;
}

static struct answer answer_of(int fd)
{
    struct buf got = {0};
    peer_read_to_end(&t.loop, fd, &got);
    close(fd);
    return split(got);
}

static struct answer get(const char *query, const char *fields)
{
    return answer_of(ask("GET", query, fields));
}

static void assert_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in \"%s\"", part, text);
}

static void assert_not_in(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" is in \"%s\"", part, text);
}

/* The caller frees it. */
static char *unpacked(const char *data, size_t len)
{
    size_t room = 1 << 20;
    char *text = malloc(room);
    z_stream z = {.next_in = (z_const Bytef *)data,
                  .avail_in = (unsigned)len,
                  .next_out = (Bytef *)text,
                  .avail_out = (unsigned)room - 1};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    text[z.total_out] = '\0';
    inflateEnd(&z);
    return text;
}

/* Formats and families ------------------------------------------------------------------------- */

static void the_format_is_negotiated(void **state)
{
    static const char *const cases[][2] = {
        {"", "text/plain; version=0.0.4; charset=utf-8"},
        {"Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n",
         "application/openmetrics-text; version=1.0.0; charset=utf-8"},
        {"Accept: text/plain;q=0.5\r\nAccept: application/openmetrics-text\r\n", /* one list */
         "application/openmetrics-text; version=1.0.0; charset=utf-8"},
        {"Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
         "encoding=delimited\r\n",
         "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
         "encoding=delimited"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[200];
        struct answer a = get("", cases[i][0]);
        snprintf(line, sizeof line, "\r\nContent-Type: %s\r\n", cases[i][1]);
        assert_in(a.head, line);
        assert_in(a.head, "\r\nVary: Accept, Accept-Encoding\r\n");
        assert_not_in(a.head, "Content-Encoding");
        buf_free(&a.bytes);
    }
}

static void the_query_names_families(void **state)
{
    (void)state;
    struct answer a = get("?name[]=scrape_asked_total", "");
    assert_string_equal(a.body, "# HELP scrape_asked_total Asked for by its name.\n"
                                "# TYPE scrape_asked_total counter\nscrape_asked_total 0\n");
    buf_free(&a.bytes);
    a = get("?x=1&name%5B%5D=scrape%5Fasked_total&name[]=http_open_connections&name[]=no_such", "");
    assert_in(a.body, "\nhttp_open_connections 1\n");
    assert_in(a.body, "\nscrape_asked_total 0\n");
    assert_not_in(a.body, "process_");
    buf_free(&a.bytes);
    a = get("?name[]=no_such", "Accept: application/openmetrics-text\r\n");
    assert_string_equal(a.body, "# EOF\n");
    buf_free(&a.bytes);
}

static void a_bad_query_is_refused(void **state)
{
    (void)state;
    struct buf many = {0};
    buf_text(&many, "?");
    for (int i = 0; i <= HTTP_SCRAPE_NAMES_MAX; i++)
        buf_text(&many, "name[]=a&");
    const char *const cases[] = {"?name[]=%4", "?name[]=a%00b", buf_cstr(&many)};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer a = get(cases[i], "");
        assert_in(a.head, "HTTP/1.1 400 ");
        buf_free(&a.bytes);
    }
    buf_free(&many);
}

/* Compression ---------------------------------------------------------------------------------- */

static void encodings_are_weighed(void **state)
{
    static const struct {
        const char *accept;
        bool wanted;
    } cases[] = {
        {"gzip", true},
        {"deflate, gzip;q=0.8, *;q=0.1", true},
        {"GZIP", true},
        {"x-gzip", true},
        {"*", true},
        {"gzip;q=0.001", true},
        {"gzip, identity", true},
        {"", false},
        {"identity", false},
        {"br, deflate", false},
        {"gzip;q=0", false},
        {"gzip;q=0, *", false},
        {"*;q=0", false},
        {"gzip;q=0.5, identity;q=0.6", false},
        {"gzipped", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (http_gzip_is_wanted(cases[i].accept, strlen(cases[i].accept)) != cases[i].wanted)
            fail_msg("\"%s\" should be %d", cases[i].accept, cases[i].wanted);
    assert_false(http_gzip_is_wanted(NULL, 0));
}

static void a_large_page_is_packed(void **state)
{
    (void)state;
    struct answer plain = get("?name[]=scrape_rows", "");
    struct answer packed = get("?name[]=scrape_rows", "Accept-Encoding: gzip\r\n");
    assert_true(plain.len > HTTP_GZIP_MIN && packed.len < plain.len / 4);
    assert_in(packed.head, "\r\nContent-Encoding: gzip\r\n");
    assert_in(packed.head, "\r\nVary: Accept, Accept-Encoding\r\n");
    assert_in(packed.head, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    char *text = unpacked(packed.body, packed.len);
    assert_string_equal(text, plain.body);
    free(text);
    buf_free(&plain.bytes);
    buf_free(&packed.bytes);
}

static void a_small_page_is_not_packed(void **state)
{
    (void)state;
    struct answer a = get("?name[]=scrape_asked_total", "Accept-Encoding: gzip\r\n");
    assert_not_in(a.head, "Content-Encoding");
    assert_in(a.body, "\nscrape_asked_total 0\n");
    buf_free(&a.bytes);
}

static void head_gets_the_same_head(void **state)
{
    (void)state;
    char length[40];
    struct answer full = get("?name[]=scrape_rows", "Accept-Encoding: gzip\r\n");
    struct answer head = answer_of(ask("HEAD", "?name[]=scrape_rows", "Accept-Encoding: gzip\r\n"));
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", full.len);
    assert_in(head.head, length);
    assert_in(head.head, "\r\nContent-Encoding: gzip\r\n");
    assert_int_equal(head.len, 0);
    buf_free(&full.bytes);
    buf_free(&head.bytes);
}

/* While a page is being packed ----------------------------------------------------------------- */

static void wait_for_release(uv_work_t *work)
{
    (void)work;
    sem_wait(&t.release);
}

/* Occupies the thread pool, so that what is to be packed waits. */
static void block_pool(void)
{
    sem_init(&t.release, 0, 0);
    for (int i = 0; i < POOL_THREADS; i++)
        uv_queue_work(&t.loop.uv, &t.blockers[i], wait_for_release, NULL);
}

static void release_pool(void)
{
    for (int i = 0; i < POOL_THREADS; i++)
        sem_post(&t.release);
}

#define REJECTED "http_rejected_total{reason=\"scrapes\"}"

/* The loop goes on serving meanwhile. */
static void scrapes_in_flight_are_limited(void **state)
{
    (void)state;
    int fds[HTTP_SCRAPES_MAX];
    double before = metric_value(NULL, REJECTED);
    block_pool();
    for (int i = 0; i < HTTP_SCRAPES_MAX; i++)
        fds[i] = ask("GET", "", "Accept-Encoding: gzip\r\n");
    peer_run(&t.loop, 50);
    struct answer refused = get("", "");
    assert_in(refused.head, "HTTP/1.1 503 ");
    assert_in(refused.head, "\r\nRetry-After: 1\r\n");
    assert_true(metric_value(NULL, REJECTED) == before + 1);
    release_pool();
    for (int i = 0; i < HTTP_SCRAPES_MAX; i++) {
        struct answer a = answer_of(fds[i]);
        assert_in(a.head, "HTTP/1.1 200 ");
        buf_free(&a.bytes);
    }
    struct answer again = get("", "");
    assert_in(again.head, "HTTP/1.1 200 ");
    buf_free(&refused.bytes);
    buf_free(&again.bytes);
}

/* Who goes early holds no place. */
static void a_client_may_go_while_its_page_is_packed(void **state)
{
    (void)state;
    block_pool();
    for (int i = 0; i < HTTP_SCRAPES_MAX; i++) {
        int fd = ask("GET", "", "Accept-Encoding: gzip\r\n");
        peer_run(&t.loop, 2);
        close(fd);
    }
    peer_run(&t.loop, 20);
    release_pool();
    peer_run(&t.loop, 100);
    struct answer a = get("", "Accept-Encoding: gzip\r\n");
    assert_in(a.head, "HTTP/1.1 200 ");
    buf_free(&a.bytes);
}

static void on_release(uv_timer_t *timer)
{
    release_pool();
    uv_close((uv_handle_t *)timer, NULL);
}

static void shutdown_waits_for_the_page(void **state)
{
    (void)state;
    struct buf got = {0};
    uv_timer_t timer;
    block_pool();
    int fd = ask("GET", "", "Accept-Encoding: gzip\r\n");
    peer_run(&t.loop, 20);
    uv_timer_init(&t.loop.uv, &timer);
    uv_timer_start(&timer, on_release, 100, 0);
    loop_stop(&t.loop, 0);
    assert_int_equal(loop_run(&t.loop), 0);
    while (peer_take(fd, &got, NULL) && !strstr(buf_cstr(&got), "\r\n\r\n"))
        ;
    struct answer a = split(got);
    assert_in(a.head, "\r\nContent-Encoding: gzip\r\n");
    char *text = unpacked(a.body, a.len);
    assert_in(text, "\nscrape_asked_total 0\n");
    free(text);
    buf_free(&a.bytes);
    close(fd);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_format_is_negotiated),
        TEST(the_query_names_families),
        TEST(a_bad_query_is_refused),
        TEST(encodings_are_weighed),
        TEST(a_large_page_is_packed),
        TEST(a_small_page_is_not_packed),
        TEST(head_gets_the_same_head),
        TEST(scrapes_in_flight_are_limited),
        TEST(a_client_may_go_while_its_page_is_packed),
        TEST(shutdown_waits_for_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
