/* Declaring: what is refused and why, families made at run time, and what a process tells of
 * itself. */
#include "metrics_page.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct metrics_registry mine = METRICS_REGISTRY_INIT;
COUNTER_IN(mine, taken, "taken_total", "Takes its name.");
HISTOGRAM_IN(mine, spread, "spread", "Takes four names.", BUCKETS(1));
COUNTER(by_itself, "by_itself_total", "Names no registry.");
BUILD_INFO("test_build_info", "1.2.3");

INFO_IN(mine, about, "about_info", "Takes two names.", version);
STATESET_IN(mine, mood, "mood", "Takes its name.", STATES(good, bad));

static double told(void *ctx)
{
    (void)ctx;
    return 0;
}

static const char *const le[] = {"le"}, *const quantile[] = {"quantile"};
static const char *const internal[] = {"__name"}, *const twice[] = {"a", "a"},
                         *const dashed[] = {"a-b"};
static const char *const nine[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};

#define SPEC(...)                                                                                  \
    {                                                                                              \
        .help = "Help.", __VA_ARGS__                                                               \
    }
#define LABELS(array) .labels = array, .n_labels = sizeof(array) / sizeof *(array)
#define HISTO(...)    .type = METRIC_HISTOGRAM, .buckets = BUCKETS(__VA_ARGS__)
#define NATIVE(...)   .type = METRIC_HISTOGRAM, .buckets = BUCKETS_NATIVE_WITH(__VA_ARGS__)
#define STATE_SET(...)                                                                             \
    .type = METRIC_STATESET, .states = (const char *const[]){__VA_ARGS__},                         \
    .n_states = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define SUMMA(w, ...) .type = METRIC_SUMMARY, .window = w, .quantiles = QUANTILES(__VA_ARGS__)

static const struct {
    struct metric_spec spec;
    const char *text;
} wrong[] = {
    {SPEC(.name = NULL), "no metric name"},
    {SPEC(.name = ""), "no metric name"},
    {SPEC(.name = "9lives"), "no metric name"},
    {SPEC(.name = "a-b"), "no metric name"},
    {SPEC(.name = "gr\xc3\xbc\xc3\x9f"), "no metric name"},
    {{.name = "helpless", .help = ""}, "help text is missing"},
    {{.name = "helpless"}, "help text is missing"},
    {SPEC(.name = "x", LABELS(dashed)), "\"a-b\" is no label name"},
    {SPEC(.name = "x", LABELS(internal)), "\"__name\" is reserved"},
    {SPEC(.name = "x", LABELS(twice)), "\"a\" is there twice"},
    {SPEC(.name = "x", LABELS(nine)), "more than 8 labels"},
    {SPEC(.name = "x", .n_labels = 1), "labels are missing"},
    {SPEC(.name = "x", HISTO(1), LABELS(le)), "\"le\" is reserved"},
    {SPEC(.name = "x", SUMMA(60, .5), LABELS(quantile)), "\"quantile\" is reserved"},
    {SPEC(.name = "x", .type = METRIC_HISTOGRAM), "buckets are missing"},
    {SPEC(.name = "x", HISTO(1, 3, 2)), "buckets must ascend: 2 after 3"},
    {SPEC(.name = "x", HISTO(1, 1)), "buckets must ascend: 1 after 1"},
    {SPEC(.name = "x", HISTO(NAN)), "bucket 1 is not a finite number"},
    {SPEC(.name = "x", HISTO(INFINITY, 1)), "bucket 1 is not a finite number"},
    {SPEC(.name = "x", .type = METRIC_HISTOGRAM, .buckets = BUCKETS_LINEAR(0, 0, 2)),
     "must ascend"},
    {SPEC(.name = "x", .type = METRIC_HISTOGRAM, .buckets = BUCKETS_LINEAR(0, 1, 257)),
     "more than 256 buckets"},
    {SPEC(.name = "x", NATIVE(.factor = 1)), "a factor of 1 is not in"},
    {SPEC(.name = "x", NATIVE(.factor = NAN)), "a factor of nan is not in"},
    {SPEC(.name = "x", NATIVE(.zero_threshold = 0x1p-129)), "below 2^-128"},
    {SPEC(.name = "x", NATIVE(.max_zero_threshold = -1)), "a zero threshold of up to -1"},
    {SPEC(.name = "x", NATIVE(.min_reset = NAN)), "a reset after nan seconds"},
    {SPEC(.name = "x", NATIVE(.classic = BUCKETS_NATIVE)), "native buckets besides native ones"},
    {SPEC(.name = "x", NATIVE(.classic = BUCKETS(2, 1))), "buckets must ascend: 1 after 2"},
    {SPEC(.name = "x", NATIVE(.classic = BUCKETS_LINEAR(0, 1, 257))), "more than 256 buckets"},
    {SPEC(.name = "x", NATIVE(.factor = 1.1), LABELS(le)), "\"le\" is reserved"},
    {SPEC(.name = "x", SUMMA(60, .5, 1.5)), "quantile 1.5 is not in [0, 1]"},
    {SPEC(.name = "x", SUMMA(60, .9, .5)), "quantiles must ascend: 0.5 after 0.9"},
    {SPEC(.name = "x", SUMMA(-1, .5)), "a window of -1 seconds"},
    {SPEC(.name = "x", SUMMA(NAN, .5)), "a window of nan seconds"},
    {SPEC(.name = "x", .type = METRIC_INFO), "the name of an info ends in _info"},
    {SPEC(.name = "_info", .type = METRIC_INFO), "the name of an info ends in _info"},
    {SPEC(.name = "x_info", .type = METRIC_INFO), "an info says nothing without labels"},
    {SPEC(.name = "x", .type = METRIC_STATESET), "the states are missing"},
    {SPEC(.name = "x", STATE_SET("a", "a")), "the state \"a\" is there twice"},
    {SPEC(.name = "x", STATE_SET("a", "")), "state 2 has no name"},
    {SPEC(.name = "x", STATE_SET("a", "\xff")), "state 2 has no name"},
    {SPEC(.name = "x", .type = METRIC_STATESET, .states = nine, .n_states = 65),
     "more than 64 states"},
    {SPEC(.name = "a", STATE_SET("x"), .labels = nine, .n_labels = 1), "\"a\" is reserved"},
    {SPEC(.name = "x", SUMMA(60, .5), .read = told), "only a counter or a gauge is read"},
    {SPEC(.name = "x", .read = told, .labels = nine, .n_labels = 1), "has no labels"},
    {SPEC(.name = "x", .type = (enum metric_type)99), "there is no type 99"},
    {SPEC(.name = "about", .type = METRIC_GAUGE), "taken by \"about_info\" of "},
    {SPEC(.name = "about_total"), "taken by \"about_info\" of "},
    {SPEC(.name = "taken", .type = METRIC_GAUGE), "taken by \"taken_total\" of "},
    {SPEC(.name = "mood_total"), "taken by \"mood\" of "},
    {SPEC(.name = "taken_total"), "taken by \"taken_total\" of "},
    {SPEC(.name = "taken"), "taken by \"taken_total\" of "}, /* one family in OpenMetrics */
    {SPEC(.name = "spread_count"), "taken by \"spread\" of "},
    {SPEC(.name = "spread_created"), "taken by \"spread\" of "},
    {SPEC(.name = "taken_created", .type = METRIC_GAUGE), "taken by \"taken_total\" of "},
    {SPEC(.name = "spread_total"), "taken by \"spread\" of "},
};

static void wrong_declarations_are_refused_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct metric_family *f = NULL;
        struct err err;
        if (metric_family_new(&mine, &wrong[i].spec, &f, &err) != ERR_INVALID)
            fail_msg("case %zu is taken: \"%s\" is expected", i, wrong[i].text);
        assert_null(f);
        if (!strstr(err.text, wrong[i].text))
            fail_msg("case %zu: \"%s\" is not in \"%s\"", i, wrong[i].text, err.text);
    }
}

/* In a child process whose standard error is the pipe: what a constructor does with a wrong one. */
static void register_wrong(int out)
{
    static struct metric_family f = {
        .spec = {.name = "no name", .help = "Help.", .file = "some/file.c", .line = 12},
        .registry = &mine,
    };
    signal(SIGABRT, SIG_DFL); /* cmocka's handler would report it */
    dup2(out, STDERR_FILENO);
    metric_register_or_abort(&f);
    _exit(0);
}

static void a_wrong_declaration_aborts_naming_file_and_line(void **state)
{
    (void)state;
    int ends[2], status;
    char text[200] = "";
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0)
        register_wrong(ends[1]);
    close(ends[1]);
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_string_equal(text, "some/file.c:12: metric \"no name\": this is no metric name\n");
}

/* Nobody has registered anything here. */
static void the_default_registry_is_implied_and_in_opts_out(void **state)
{
    (void)state;
    counter_inc(&by_itself);
    assert_true(page_value(&metrics_default, "by_itself_total") == 1);
    assert_true(isnan(page_value(&mine, "by_itself_total")));
    assert_true(page_value(&mine, "taken_total") == 0);
    assert_true(isnan(page_value(&metrics_default, "taken_total")));
}

static struct metric_family *made(struct metric_spec spec)
{
    struct metric_family *f;
    struct err err = {0};
    if (metric_family_new(&mine, &spec, &f, &err) != OK)
        fail_msg("%s", err.text);
    return f;
}

static void families_are_made_and_freed_at_run_time(void **state)
{
    (void)state;
    char name[] = "dynamic_total", help[] = "Help.", a[] = "a", b[] = "b";
    const char *labels[] = {a, b};
    struct metric_family *f = made(
        (struct metric_spec){.type = METRIC_COUNTER, .name = name, .help = help, LABELS(labels)});
    memset(name, 'x', sizeof name - 1); /* all was copied */
    memset(a, 'x', sizeof a - 1);
    const char *values[] = {"1", "2"};
    counter_add(counter_with(f, values), 3);
    assert_ptr_equal(counter_with(f, values), counter_with(f, values));
    assert_true(page_value(&mine, "dynamic_total{a=\"1\",b=\"2\"}") == 3);
    metric_family_without(f, values);
    assert_true(isnan(page_value(&mine, "dynamic_total{a=\"1\",b=\"2\"}")));
    metric_family_free(f);
    assert_true(isnan(page_value(&mine, "dynamic_total{a=\"1\",b=\"2\"}")));
    metric_family_free(made((struct metric_spec){.name = "dynamic_total", .help = "Free again."}));
}

static void every_type_is_made_at_run_time(void **state)
{
    (void)state;
    struct metric_family *g = made((struct metric_spec)SPEC(.name = "g", .type = METRIC_GAUGE));
    struct metric_family *h = made((struct metric_spec)SPEC(.name = "h", HISTO(1, 2)));
    struct metric_family *s = made((struct metric_spec)SPEC(.name = "s", SUMMA(60, .5)));
    gauge_set(gauge_with(g, NULL), 4);
    histogram_observe(histogram_with(h, NULL), 2);
    summary_observe(summary_with(s, NULL), 8);
    assert_true(page_value(&mine, "g") == 4);
    assert_true(page_value(&mine, "h_bucket{le=\"2.0\"}") == 1);
    assert_true(page_value(&mine, "s_sum") == 8);
    metric_family_free(h);
    metric_family_free(s);
    metric_family_free(g);
    metrics_tick(clock_now() + 100000 * NS_PER_S); /* the freed summary is not on the list */
}

static void a_family_may_have_its_own_cap(void **state)
{
    (void)state;
    static const char *const label[] = {"a"};
    struct metric_family *f =
        made((struct metric_spec)SPEC(.name = "capped", .max_children = 2, LABELS(label)));
    counter_inc(counter_with(f, (const char *[]){"1"}));
    counter_inc(counter_with(f, (const char *[]){"2"}));
    counter_inc(counter_with(f, (const char *[]){"3"}));
    counter_inc(counter_with(f, (const char *[]){"4"}));
    assert_true(page_value(&mine, "capped{a=\"overflow\"}") == 2);
    metric_family_free(f);
}

static void build_info_tells_version_and_compiler(void **state)
{
    (void)state;
    assert_true(page_value(&metrics_default,
                           "test_build_info{version=\"1.2.3\",compiler=\"" __VERSION__ "\"}") == 1);
}

static double count_open_fds(void)
{
    double n = 0;
    for (int fd = 0; fd < sysconf(_SC_OPEN_MAX); fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

static double cpu_seconds(void)
{
    return page_value(&metrics_default, "process_cpu_seconds_total");
}

static void a_process_tells_of_itself(void **state)
{
    (void)state;
    struct metrics_registry *r = &metrics_default;
    assert_true(page_value(r, "process_open_fds") == count_open_fds());
    int fd = open("/dev/null", O_RDONLY);
    assert_true(page_value(r, "process_open_fds") == count_open_fds());
    close(fd);
    assert_true(page_value(r, "process_max_fds") == (double)sysconf(_SC_OPEN_MAX));
    double start = page_value(r, "process_start_time_seconds");
    assert_true(start > (double)time(NULL) - 100 && start < (double)time(NULL) + 2);
    double resident = page_value(r, "process_resident_memory_bytes");
    assert_true(resident > 1e5 && resident <= page_value(r, "process_virtual_memory_bytes"));
    double cpu = cpu_seconds();
    while (cpu_seconds() < cpu + .05)
        ; /* burn until it shows */
}

static bool limit_descriptors(rlim_t n)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    limit.rlim_cur = n;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Whether the page has exactly those values that need no file. */
static bool only_files_are_missing(void)
{
    static const char *const of_files[] = {"process_open_fds", "process_resident_memory_bytes",
                                           "process_virtual_memory_bytes",
                                           "process_start_time_seconds"};
    for (size_t i = 0; i < sizeof of_files / sizeof *of_files; i++)
        if (!isnan(page_value(&metrics_default, of_files[i])))
            return false;
    return cpu_seconds() >= 0 && page_value(&metrics_default, "process_max_fds") == 0;
}

/* In a child process, which has none of the parent's files in /proc and may not open its own. It
 * runs first: a start that is known once stays so. */
static void what_cannot_be_read_of_a_process_is_left_out(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        bool left_out = limit_descriptors(0) && only_files_are_missing();
        bool back = limit_descriptors(100) && page_value(&metrics_default, "process_open_fds") > 0;
        _exit(left_out && back ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void the_process_collector_can_be_switched_off(void **state)
{
    (void)state;
    metrics_process_collector(false);
    assert_true(isnan(cpu_seconds()));
    assert_true(isnan(page_value(&metrics_default, "process_open_fds")));
    metrics_process_collector(true);
    assert_true(cpu_seconds() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_read_of_a_process_is_left_out),
        cmocka_unit_test(the_default_registry_is_implied_and_in_opts_out),
        cmocka_unit_test(wrong_declarations_are_refused_with_a_reason),
        cmocka_unit_test(a_wrong_declaration_aborts_naming_file_and_line),
        cmocka_unit_test(families_are_made_and_freed_at_run_time),
        cmocka_unit_test(every_type_is_made_at_run_time),
        cmocka_unit_test(a_family_may_have_its_own_cap),
        cmocka_unit_test(build_info_tells_version_and_compiler),
        cmocka_unit_test(a_process_tells_of_itself),
        cmocka_unit_test(the_process_collector_can_be_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
