/* Routes and the built-in ones, as a peer of the server sees them. */
#include "http/builtin.h"
#include "http_peer.h"
#include "metrics/metrics.h"

#include <sys/wait.h>

static struct {
    struct loop loop;
    int port;
    const char *route; /* of the request answered last */
} t;

static void show(struct http_exchange *x, void *ctx)
{
    char text[64];
    struct http_span value = http_path_value(x);
    snprintf(text, sizeof text, "%s %s %.*s", http_request_method(x), (const char *)ctx,
             (int)value.len, value.data);
    http_reply_text(x, 200, text);
}

GAUGE(odd, "router_odd_ms", "Against the custom.");
GAUGE(allowed, "router_allowed_ms", "Against it too, but that is known.");

static const struct http_route routes[] = {
    {"GET", "/hello", show, .flags = HTTP_NO_HEAD},
    {"GET", "/fruit", show},
    {"POST", "/fruit", show},
    {"GET", "/person/:name", show},
    {"DELETE", "/person/:name", show},
    HTTP_BUILTIN_ROUTES,
    {NULL},
};

static void answered(struct http_exchange *x, int status, double seconds, void *ctx)
{
    (void)status, (void)seconds, (void)ctx;
    t.route = http_route(x);
}

static bool is_up(void *ctx)
{
    return *(bool *)ctx;
}

static bool postgres = true, redis = true;
static const struct http_dependency dependencies[] = {
    {"postgres", is_up, &postgres},
    {"redis", is_up, &redis, .optional = true},
    {NULL},
};
static const char *const odd_names[] = {"router_allowed_ms", NULL};
static const struct http_builtin builtin = {
    .loop = &t.loop, .dependencies = dependencies, .odd_names = odd_names};
static struct http_router router = {.routes = routes, .ctx = (void *)"ctx"};

static int setup(void **state)
{
    struct err err;
    struct http_server_options o = {.address = "127.0.0.1:0",
                                    .handler = http_router_handle,
                                    .answered = answered,
                                    .ctx = &router};
    (void)state;
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
    loop_stop(&t.loop, 0);
    return loop_run(&t.loop);
}

/* Asks, and expects the status line's number, a part of the answer, and the route. */
static void expect_answer(const char *request_line, int status, const char *part, const char *route)
{
    struct buf got = {0}, request = {0};
    char first[32];
    int fd = peer_connect(t.port);
    buf_printf(&request, "%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", request_line);
    peer_send(fd, buf_cstr(&request));
    peer_read_to_end(&t.loop, fd, &got);
    snprintf(first, sizeof first, "HTTP/1.1 %d ", status);
    if (strncmp(buf_cstr(&got), first, strlen(first)) != 0 || !strstr(buf_cstr(&got), part))
        fail_msg("%s: got \"%s\", expected %d and \"%s\"", request_line, buf_cstr(&got), status,
                 part);
    assert_string_equal(t.route, route);
    buf_free(&got);
    buf_free(&request);
    close(fd);
}

static void test_routes(void **state)
{
    (void)state;
    expect_answer("GET /fruit", 200, "\r\n\r\nGET ctx ", "/fruit");
    expect_answer("GET /fruit?name=pears", 200, "GET ctx ", "/fruit");
    expect_answer("POST /fruit", 200, "POST ctx ", "/fruit");
    expect_answer("HEAD /fruit", 200, "Content-Length: 9\r\n", "/fruit");
    expect_answer("GET http://a/fruit", 200, "GET ctx ", "/fruit");
}

static void test_not_found(void **state)
{
    (void)state;
    expect_answer("GET /", 404, "{\"error\":\"Not Found\"}", "other");
    expect_answer("GET /fruits", 404, "", "other");
    expect_answer("GET /frui", 404, "", "other");
    expect_answer("GET /fruit/", 404, "", "other");
    expect_answer("GET /Fruit", 404, "", "other");
    expect_answer("OPTIONS *", 404, "", "other");
}

static void test_wrong_method(void **state)
{
    (void)state;
    expect_answer("DELETE /fruit", 405, "\r\nAllow: GET, HEAD, POST\r\n", "/fruit");
    expect_answer("POST /hello", 405, "\r\nAllow: GET\r\n", "/hello");
    expect_answer("HEAD /hello", 405, "\r\nAllow: GET\r\n", "/hello");
    expect_answer("PUT /person/a", 405, "\r\nAllow: GET, HEAD, DELETE\r\n", "/person/:name");
}

static void test_names(void **state)
{
    (void)state;
    expect_answer("GET /person/ann", 200, "GET ctx ann", "/person/:name");
    expect_answer("DELETE /person/a%20b?c", 200, "DELETE ctx a%20b", "/person/:name");
    expect_answer("GET /person/", 404, "", "other");
    expect_answer("GET /person/a/b", 404, "", "other");
    expect_answer("GET /person", 404, "", "other");
}

static void test_builtin(void **state)
{
    (void)state;
    expect_answer("GET /health", 200, "\r\n\r\nOK", "/health");
    expect_answer("GET /metrics", 200,
                  "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n", "/metrics");
    expect_answer("GET /metrics", 200, "\nhttp_rejected_total{reason=\"timeout\"} 0\n", "/metrics");
    expect_answer("GET /metrics", 200, "\nhttp_open_connections 1\n", "/metrics");
    expect_answer("HEAD /metrics", 200, "Content-Length: ", "/metrics");
}

static void test_ready(void **state)
{
    (void)state;
    expect_answer("GET /ready", 200,
                  "{\"ready\":true,\"dependencies\":{\"postgres\":\"up\",\"redis\":\"up\"}}",
                  "/ready");
    redis = false;
    expect_answer("GET /ready", 200,
                  "{\"ready\":true,\"dependencies\":{\"postgres\":\"up\",\"redis\":\"down\"}}",
                  "/ready");
    postgres = false;
    expect_answer("GET /ready", 503,
                  "{\"ready\":false,\"dependencies\":{\"postgres\":\"down\",\"redis\":\"down\"}}",
                  "/ready");
    postgres = redis = true;
}

/* In a process of its own, for it blocks while this one serves. */
static int healthcheck(const char *address)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(http_healthcheck(address));
    int status, done = 0;
    WAIT_UNTIL(&t.loop, (done = waitpid(pid, &status, WNOHANG)) != 0);
    assert_int_equal(done, pid);
    return WEXITSTATUS(status);
}

static void test_healthcheck(void **state)
{
    char address[64];
    (void)state;
    snprintf(address, sizeof address, "127.0.0.1:%d", t.port);
    assert_int_equal(healthcheck(address), 0);
    snprintf(address, sizeof address, "0.0.0.0:%d", t.port);
    assert_int_equal(healthcheck(address), 0);
    assert_int_equal(healthcheck("127.0.0.1:1"), 1);
    assert_int_equal(healthcheck("nonsense"), 1);
}

/* What it says goes to a pipe in the place of standard error. */
static void test_lint_at_start(void **state)
{
    (void)state;
    int ends[2], kept = dup(STDERR_FILENO);
    char said[4096] = "";
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    http_builtin_setup(&builtin);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    assert_true(read(ends[0], said, sizeof said - 1) >= 0);
    close(ends[0]);
#ifdef WORKSHOP_DEBUG
    assert_non_null(strstr(said, "router_odd_ms"));
    assert_non_null(strstr(said, "metric names should not contain abbreviated units"));
    assert_non_null(strstr(said, "test_http_router.c"));
#endif
    assert_null(strstr(said, "router_allowed_ms"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),       cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_wrong_method), cmocka_unit_test(test_names),
        cmocka_unit_test(test_builtin),      cmocka_unit_test(test_ready),
        cmocka_unit_test(test_healthcheck),  cmocka_unit_test(test_lint_at_start),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
