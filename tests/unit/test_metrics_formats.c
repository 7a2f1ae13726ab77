/* What holds for all formats, and the bytes of each; golden files have the rest. */
#include "base/clock.h"
#include "metrics/series.h"
#include "metrics_page.h"

#include <time.h>

struct metrics_registry mine = METRICS_REGISTRY_INIT;
COUNTER_VEC_IN(mine, requests, "requests_total", "Requests.", method);
HISTOGRAM_IN(mine, latency, "latency_seconds", "Latency.", BUCKETS(1));
GAUGE_IN(mine, level, "level", "Level.");

struct metrics_registry dated = METRICS_REGISTRY_INIT;
COUNTER_VEC_IN(dated, births, "births_total", "Births.", name);
GAUGE_VEC_IN(dated, ages, "ages", "Ages.", name);

static const enum metrics_format formats[] = {METRICS_TEXT, METRICS_OPENMETRICS, METRICS_PROTOBUF};
#define EACH_FORMAT(f)                                                                             \
    for (const enum metrics_format *f = formats; f < formats + sizeof formats / sizeof *formats;   \
         f++)

static void content_types_are_the_registered_ones(void **state)
{
    (void)state;
    assert_string_equal(metrics_content_type(METRICS_TEXT),
                        "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(metrics_content_type(METRICS_OPENMETRICS),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_string_equal(metrics_content_type(METRICS_PROTOBUF),
                        "application/vnd.google.protobuf; "
                        "proto=io.prometheus.client.MetricFamily; encoding=delimited");
}

static void a_format_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct buf out = {0};
    const struct metrics_exposition what = {.format = (enum metrics_format)3};
    assert_null(metrics_content_type(what.format));
    assert_int_equal(metrics_write(&mine, &what, &out), ERR_INVALID);
    assert_int_equal(buf_len(&out), 0);
}

/* ---- Names ---------------------------------------------------------------------------------- */

/* Whether the family of that help text is there. */
static bool has(const struct buf *page, const char *help)
{
    return buf_len(page) && memmem(buf_data(page), buf_len(page), help, strlen(help));
}

static void assert_chosen(const char *const names[], unsigned n, const char *expected)
{
    static const char *const helps[] = {"Latency.", "Level.", "Requests."};
    struct buf page = {0};
    EACH_FORMAT(format)
    {
        const struct metrics_exposition what = {.format = *format, .names = names, .n_names = n};
        buf_clear(&page);
        assert_int_equal(metrics_write(&mine, &what, &page), OK);
        for (size_t i = 0; i < sizeof helps / sizeof *helps; i++)
            assert_int_equal(has(&page, helps[i]), strstr(expected, helps[i]) != NULL);
        if (*format == METRICS_OPENMETRICS)
            assert_true(has(&page, "# EOF\n"));
    }
    buf_free(&page);
}

static void families_are_chosen_by_name(void **state)
{
    (void)state;
    assert_chosen(NULL, 0, "Latency. Level. Requests.");
    assert_chosen((const char *[]){"level"}, 1, "Level.");
    assert_chosen((const char *[]){"level", "requests_total"}, 2, "Level. Requests.");
    assert_chosen((const char *[]){"requests"}, 1, "Requests."); /* as OpenMetrics calls it */
    assert_chosen((const char *[]){"requests_created"}, 1, "Requests.");
    assert_chosen((const char *[]){"latency_seconds_bucket"}, 1, "Latency.");
    assert_chosen((const char *[]){"leve", "level_", "level_sum", "requests_", ""}, 5, "");
}

/* ---- What is kept --------------------------------------------------------------------------- */

static struct buf written(struct metrics_registry *r, enum metrics_format format)
{
    struct buf page = {0};
    assert_int_equal(metrics_write(r, &(struct metrics_exposition){.format = format}, &page), OK);
    return page;
}

static void assert_same_again(struct metrics_registry *r)
{
    EACH_FORMAT(format)
    {
        struct buf first = written(r, *format), second = written(r, *format);
        assert_int_equal(buf_len(&first), buf_len(&second));
        assert_memory_equal(buf_data(&first), buf_data(&second), buf_len(&first));
        buf_free(&first);
        buf_free(&second);
    }
}

/* Labels around each length at which a block ends, and longer than what is kept. */
static void labels_of_any_length_are_written(void **state)
{
    (void)state;
    static char value[METRIC_SERIES_MAX + 100], series[sizeof value + 100];
    struct metrics_registry r = METRICS_REGISTRY_INIT;
    static const char *const labels[] = {"long"};
    const struct metric_spec spec = {
        .type = METRIC_COUNTER, .name = "n_total", .help = "N.", .labels = labels, .n_labels = 1};
    struct metric_family *f;
    assert_int_equal(metric_family_new(&r, &spec, &f, NULL), OK);
    for (size_t len = 0; len < sizeof value; len = len < 100 ? len + 1 : len * 2) {
        memset(value, 'x', len);
        value[len] = '\0';
        counter_add(counter_with(f, (const char *[]){value}), len);
        snprintf(series, sizeof series, "n_total{long=\"%s\"}", value);
        assert_true(page_value(&r, series) == (double)len);
        assert_true(page_value(&r, series) == (double)len);
    }
    memset(value, 'x', sizeof value - 1);
    counter_inc(counter_with(f, (const char *[]){value}));
    snprintf(series, sizeof series, "n_total{long=\"%s\"}", value);
    assert_true(page_value(&r, series) == 1);
    assert_same_again(&r);
    metric_family_free(f);
}

static void nothing_is_kept_of_a_page(void **state)
{
    (void)state;
    counter_inc(with(requests, .method = "GET"));
    histogram_observe(&latency, .5);
    assert_same_again(&mine);
}

/* ---- Sums that go down ---------------------------------------------------------------------- */

static struct metrics_registry below = METRICS_REGISTRY_INIT;
HISTOGRAM_IN(below, cold, "cold_celsius", "A bound below 0.", BUCKETS(-10, 10));
HISTOGRAM_IN(below, loss, "loss_ratio", "Observed below 0.", BUCKETS(0, 1));
HISTOGRAM_IN(below, gain, "gain_ratio", "Never below 0.", BUCKETS(0, 1));

/* rate() would take them for a restart, so OpenMetrics forbids them; 0.0.4 does not. */
static void openmetrics_has_no_sum_that_may_go_down(void **state)
{
    (void)state;
    histogram_observe(&cold, 5);
    histogram_observe(&loss, -.5);
    histogram_observe(&gain, .5);
    struct buf text = written(&below, METRICS_TEXT), open = written(&below, METRICS_OPENMETRICS);
    assert_true(has(&text, "cold_celsius_sum 5\n") && has(&text, "loss_ratio_sum -0.5\n"));
    assert_false(has(&open, "cold_celsius_sum") || has(&open, "loss_ratio_sum"));
    assert_true(has(&open, "cold_celsius_bucket{le=\"+Inf\"} 1\n"));
    assert_true(has(&open, "loss_ratio_bucket{le=\"+Inf\"} 1\n"));
    assert_true(has(&open, "gain_ratio_sum 0.5\ngain_ratio_count 1\n"));
    buf_free(&text);
    buf_free(&open);
}

/* ---- How long it takes ---------------------------------------------------------------------- */

enum { MANY = 100000 };

static struct metric_family *many_gauges(struct metrics_registry *r)
{
    static const char *const labels[] = {"n"};
    const struct metric_spec spec = {.type = METRIC_GAUGE,
                                     .name = "many",
                                     .help = "Many.",
                                     .labels = labels,
                                     .n_labels = 1,
                                     .max_children = MANY};
    struct metric_family *f;
    char value[20];
    assert_int_equal(metric_family_new(r, &spec, &f, NULL), OK);
    for (int i = 0; i < MANY; i++) {
        snprintf(value, sizeof value, "%d", i);
        gauge_set(gauge_with(f, (const char *[]){value}), i + .25);
    }
    return f;
}

/* Of CPU time, which other programs do not lengthen. */
static double seconds_spent(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Far less: the bound is for what would grow with the square of their number. */
static void a_hundred_thousand_series_take_less_than_a_second(void **state)
{
    (void)state;
    struct metrics_registry r = METRICS_REGISTRY_INIT;
    struct metric_family *f = many_gauges(&r);
    EACH_FORMAT(format)
    {
        double begin = seconds_spent();
        struct buf page = written(&r, *format);
        assert_true(seconds_spent() - begin < 1);
        assert_true(has(&page, "99999"));
        buf_free(&page);
    }
    metric_family_free(f);
}

/* ---- Protobuf ------------------------------------------------------------------------------- */

/* The length before a message; `*at` is then where it begins. */
static size_t read_varint(const struct buf *page, size_t *at)
{
    size_t n = 0, byte;
    for (unsigned shift = 0;; shift += 7) {
        byte = (unsigned char)buf_data(page)[(*at)++];
        n |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return n;
    }
}

static void assert_one_family_of(size_t help_len)
{
    char *help = malloc(help_len + 1);
    memset(help, 'h', help_len);
    help[help_len] = '\0';
    struct metrics_registry r = METRICS_REGISTRY_INIT;
    const struct metric_spec spec = {.type = METRIC_GAUGE, .name = "n", .help = help};
    struct metric_family *f;
    size_t at = 0;
    assert_int_equal(metric_family_new(&r, &spec, &f, NULL), OK);
    struct buf page = written(&r, METRICS_PROTOBUF);
    size_t len = read_varint(&page, &at);
    assert_int_equal(len, buf_len(&page) - at);
    assert_memory_equal(buf_data(&page) + at, "\x0a\x01n\x12", 4);
    const char end[] = "\x18\x01\x22\x0b\x12\x09\x09\0\0\0\0\0\0\0";
    assert_memory_equal(buf_data(&page) + buf_len(&page) - sizeof end, end, sizeof end);
    buf_free(&page);
    metric_family_free(f);
    free(help);
}

/* A length may take a byte, or up to four, and the message is where it should be then. */
static void families_of_any_size_have_their_length_before_them(void **state)
{
    (void)state;
    for (size_t len = 80; len < 140; len++)
        assert_one_family_of(len);
    for (size_t len = 16340; len < 16390; len++)
        assert_one_family_of(len);
    for (size_t len = (2 << 20) - 40; len < (2 << 20) + 10; len += 5)
        assert_one_family_of(len);
}

/* ---- Since when ----------------------------------------------------------------------------- */

static double created(const char *series)
{
    struct buf page = {0};
    const struct metrics_exposition what = {.format = METRICS_OPENMETRICS, .created = true};
    assert_int_equal(metrics_write(&dated, &what, &page), OK);
    const char *line = strstr(buf_cstr(&page), series);
    double value = line ? strtod(line + strlen(series), NULL) : NAN;
    buf_free(&page);
    return value;
}

static void it_is_said_since_when_a_child_is_there(void **state)
{
    (void)state;
    double before = (double)clock_wall_ms() / 1000;
    with(births, .name = "a");
    with(ages, .name = "a");
    double first = created("births_created{name=\"a\"} ");
    assert_true(first >= before && first <= (double)clock_wall_ms() / 1000);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    with(births, .name = "a");
    assert_true(created("births_created{name=\"a\"} ") == first);
    without(births, .name = "a");
    with(births, .name = "a");
    assert_true(created("births_created{name=\"a\"} ") > first);
    assert_true(isnan(created("ages_created")));
}

static void the_text_format_does_not_say_it(void **state)
{
    (void)state;
    struct buf page = {0};
    const struct metrics_exposition what = {.format = METRICS_TEXT, .created = true};
    assert_int_equal(metrics_write(&dated, &what, &page), OK);
    assert_false(has(&page, "_created"));
    buf_free(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_types_are_the_registered_ones),
        cmocka_unit_test(a_format_that_is_not_there_is_refused),
        cmocka_unit_test(families_are_chosen_by_name),
        cmocka_unit_test(labels_of_any_length_are_written),
        cmocka_unit_test(nothing_is_kept_of_a_page),
        cmocka_unit_test(openmetrics_has_no_sum_that_may_go_down),
        cmocka_unit_test(a_hundred_thousand_series_take_less_than_a_second),
        cmocka_unit_test(families_of_any_size_have_their_length_before_them),
        cmocka_unit_test(it_is_said_since_when_a_child_is_there),
        cmocka_unit_test(the_text_format_does_not_say_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
