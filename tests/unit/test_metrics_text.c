/* The text format, byte for byte. */
#include "metrics_page.h"

struct metrics_registry golden = METRICS_REGISTRY_INIT;
COUNTER_IN(golden, hello, "hello_total", "Greetings \\ said.\nTwice \"quoted\".");
GAUGE_VEC_IN(golden, fruits, "all_fruits", "Fruits.", fruit);
HISTOGRAM_VEC_IN(golden, latency, "latency_seconds", "Latency.", BUCKETS(.005, 1, 10), method);
SUMMARY_VEC_IN(golden, job, "job_seconds", "Jobs.", QUANTILES(.5, 1), WINDOW(600), job);
SUMMARY_IN(golden, plain, "plain_seconds", "No quantiles.", QUANTILES_NONE, WINDOW(600));
GAUGE_VEC_IN(golden, unused, "unused", "No child yet.", label);

struct metrics_registry numbers = METRICS_REGISTRY_INIT;
GAUGE_IN(numbers, number, "n", "A number.");

struct metrics_registry hooked = METRICS_REGISTRY_INIT;
GAUGE_IN(hooked, seen, "seen", "Set by a hook.");

static void all_types_are_written_as_the_format_demands(void **state)
{
    (void)state;
    counter_inc(&hello);
    gauge_set(with(fruits, .fruit = "a\\b\"c\nd"), -2.5);
    gauge_set(with(fruits, .fruit = ""), 0);
    histogram_observe(with(latency, .method = "GET"), .25);
    histogram_observe(with(latency, .method = "GET"), 20);
    with(job, .job = "hello");
    summary_observe(&plain, 1.5);
    assert_page(&golden, "# HELP all_fruits Fruits.\n"
                         "# TYPE all_fruits gauge\n"
                         "all_fruits{fruit=\"a\\\\b\\\"c\\nd\"} -2.5\n"
                         "all_fruits{fruit=\"\"} 0\n"
                         "# HELP hello_total Greetings \\\\ said.\\nTwice \"quoted\".\n"
                         "# TYPE hello_total counter\n"
                         "hello_total 1\n"
                         "# HELP job_seconds Jobs.\n"
                         "# TYPE job_seconds summary\n"
                         "job_seconds{job=\"hello\",quantile=\"0.5\"} NaN\n"
                         "job_seconds{job=\"hello\",quantile=\"1.0\"} NaN\n"
                         "job_seconds_sum{job=\"hello\"} 0\n"
                         "job_seconds_count{job=\"hello\"} 0\n"
                         "# HELP latency_seconds Latency.\n"
                         "# TYPE latency_seconds histogram\n"
                         "latency_seconds_bucket{method=\"GET\",le=\"0.005\"} 0\n"
                         "latency_seconds_bucket{method=\"GET\",le=\"1.0\"} 1\n"
                         "latency_seconds_bucket{method=\"GET\",le=\"10.0\"} 1\n"
                         "latency_seconds_bucket{method=\"GET\",le=\"+Inf\"} 2\n"
                         "latency_seconds_sum{method=\"GET\"} 20.25\n"
                         "latency_seconds_count{method=\"GET\"} 2\n"
                         "# HELP plain_seconds No quantiles.\n"
                         "# TYPE plain_seconds summary\n"
                         "plain_seconds_sum 1.5\n"
                         "plain_seconds_count 1\n"
                         "# HELP unused No child yet.\n"
                         "# TYPE unused gauge\n");
}

static void a_page_does_not_depend_on_earlier_ones(void **state)
{
    (void)state;
    char *first = page_of(&golden);
    assert_page(&golden, first);
    free(first);
}

static void what_was_in_the_buffer_stays(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(buf_text(&out, "HTTP/1.1 200 OK\r\n\r\n"), OK);
    assert_int_equal(metrics_registry_write_text(&numbers, &out), OK);
    assert_int_equal(strncmp(buf_cstr(&out), "HTTP/1.1 200 OK\r\n\r\n# HELP n ", 28), 0);
    buf_free(&out);
}

static void assert_number(double value, const char *expected)
{
    char line[200];
    gauge_set(&number, value);
    snprintf(line, sizeof line, "# HELP n A number.\n# TYPE n gauge\nn %s\n", expected);
    assert_page(&numbers, line);
}

static void numbers_are_short_and_exact(void **state)
{
    (void)state;
    assert_number(0, "0");
    assert_number(-0.0, "-0.0");
    assert_number(3, "3");
    assert_number(-17, "-17");
    assert_number(1e6, "1000000");
    assert_number(9007199254740991, "9007199254740991");
    assert_number(9007199254740992, "9.007199254740992e+15");
    assert_number(1e300, "1e+300");
    assert_number(.1, "0.1");
    assert_number(.1 + .2, "0.30000000000000004");
    assert_number(123456.75, "123456.75");
    assert_number(1234567.5, "1.2345675e+06");
    assert_number(.0001, "0.0001");
    assert_number(.00001, "1e-05");
    assert_number(5e-324, "5e-324");
    assert_number(1.7976931348623157e308, "1.7976931348623157e+308");
    assert_number(NAN, "NaN");
    assert_number(-NAN, "NaN");
    assert_number(INFINITY, "+Inf");
    assert_number(-INFINITY, "-Inf");
}

static void every_number_reads_back_the_same(void **state)
{
    (void)state;
    srand(3);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
        double v;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        gauge_set(&number, v);
        assert_true(page_value(&numbers, "n") == v);
    }
}

/* As in a locale that writes 0,5: none such may be installed, so the linker sends printf's and
 * strtod's callers here (--wrap). */
static bool comma_locale;

int __wrap_snprintf(char *out, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
double __wrap_strtod(const char *text, char **end);
double __real_strtod(const char *text, char **end);

static void replace(char *text, char from, char to)
{
    char *at = strchr(text, from);
    if (at)
        *at = to;
}

int __wrap_snprintf(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out, size, format, args);
    va_end(args);
    if (comma_locale && size)
        replace(out, '.', ',');
    return n;
}

double __wrap_strtod(const char *text, char **end)
{
    if (!comma_locale)
        return __real_strtod(text, end);
    char copy[100];
    strncpy(copy, text, sizeof copy - 1);
    copy[sizeof copy - 1] = '\0';
    replace(copy, '.', 'x'); /* it would end the number */
    replace(copy, ',', '.');
    return __real_strtod(copy, NULL);
}

static void the_locale_does_not_matter(void **state)
{
    (void)state;
    const double values[] = {.5, 1234567.5, .1 + .2, 5e-324};
    const char *const texts[] = {"0.5", "1.2345675e+06", "0.30000000000000004", "5e-324"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char expected[200], *page;
        snprintf(expected, sizeof expected, "\nn %s\n", texts[i]);
        gauge_set(&number, values[i]);
        comma_locale = true;
        page = page_of(&numbers);
        comma_locale = false;
        assert_non_null(strstr(page, expected));
        free(page);
    }
}

static void set_seen(void *ctx)
{
    gauge_add(&seen, *(const double *)ctx);
}

static void hooks_run_before_each_page(void **state)
{
    (void)state;
    double one = 1, ten = 10;
    assert_int_equal(metrics_registry_collect_hook(&hooked, set_seen, &one), OK);
    assert_int_equal(metrics_registry_collect_hook(&hooked, set_seen, &ten), OK);
    assert_true(page_value(&hooked, "seen") == 11);
    metrics_registry_collect_unhook(&hooked, set_seen, &one);
    metrics_registry_collect_unhook(&hooked, set_seen, &one); /* not there: nothing */
    assert_true(page_value(&hooked, "seen") == 21);
    metrics_registry_collect_unhook(&hooked, set_seen, &ten);
    assert_true(page_value(&hooked, "seen") == 21);
}

static void hooks_are_bounded(void **state)
{
    (void)state;
    double none = 0;
    for (int i = 0; i < METRICS_MAX_HOOKS; i++)
        assert_int_equal(metrics_registry_collect_hook(&hooked, set_seen, &none), OK);
    assert_int_equal(metrics_registry_collect_hook(&hooked, set_seen, &none), ERR_FULL);
    for (int i = 0; i < METRICS_MAX_HOOKS; i++)
        metrics_registry_collect_unhook(&hooked, set_seen, &none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_types_are_written_as_the_format_demands),
        cmocka_unit_test(a_page_does_not_depend_on_earlier_ones),
        cmocka_unit_test(what_was_in_the_buffer_stays),
        cmocka_unit_test(numbers_are_short_and_exact),
        cmocka_unit_test(every_number_reads_back_the_same),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(hooks_run_before_each_page),
        cmocka_unit_test(hooks_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
