/* Exemplars: what is kept of them, what is refused, and that they never mix. */
#include "failing_alloc.h"
#include "metrics/internal.h"
#include "metrics_page.h"

#include <pthread.h>

static struct metrics_registry mine = METRICS_REGISTRY_INIT;
COUNTER_IN(mine, requests, "requests_total", "Requests.");
COUNTER_IN(mine, bytes, "bytes_total", "Bytes.");
HISTOGRAM_IN(mine, latency, "latency", "Latency.", BUCKETS(1, 2));
HISTOGRAM_IN(mine, native, "native", "Native.", BUCKETS_NATIVE);
HISTOGRAM_IN(mine, both, "both", "Both.", BUCKETS_NATIVE_AND(BUCKETS(1, 2)));
HISTOGRAM_VEC_IN(mine, named, "named", "By name.", BUCKETS(1), name);
HISTOGRAM_IN(mine, raced, "raced", "By all threads.", BUCKETS(1));

static struct metric_scratch scratch;
static struct metric_point point;

static const struct metric_exemplar_view *exemplars_of(const struct metric_child *child)
{
    assert_int_equal(metric_ops_of(child->family)->read(child, &scratch, &point), OK);
    return point.exemplars;
}

/* The rest of the line that begins with `series`, in OpenMetrics, without the timestamp. */
static void assert_line(const char *series, const char *expected)
{
    struct buf out = {0};
    const struct metrics_exposition what = {.format = METRICS_OPENMETRICS};
    assert_int_equal(metrics_write(&mine, &what, &out), OK);
    const char *line = strstr(buf_cstr(&out), series);
    assert_non_null(line);
    line += strlen(series);
    size_t len = strcspn(line, "\n");
    if (strchr(expected, '#')) {
        double age = (double)time(NULL) - strtod((char *)memrchr(line, ' ', len) + 1, NULL);
        assert_true(age > -2 && age < 60);
        len = (size_t)((const char *)memrchr(line, ' ', len) - line);
    }
    char *rest = strndup(line, len);
    assert_string_equal(rest, expected);
    free(rest);
    buf_free(&out);
}

static void a_counter_shows_its_last_exemplar(void **state)
{
    (void)state;
    assert_line("\nrequests_total ", "0");
    counter_inc_exemplar(&requests, EXEMPLAR("trace_id", "4bf92f3577b34da6"));
    counter_add_exemplar(&requests, 3, EXEMPLAR("trace_id", "a\"b\n", "span_id", "7"));
    assert_line("\nrequests_total ", "4 # {trace_id=\"a\\\"b\\n\",span_id=\"7\"} 3");
    counter_add_exemplar(&bytes, .5, EXEMPLAR("trace_id", ""));
    assert_line("\nbytes_total ", "0.5 # {trace_id=\"\"} 0.5");
    char *page = page_of(&mine); /* the text format has no place for them */
    assert_null(strstr(page, "trace_id"));
    free(page);
}

static void a_bucket_has_the_last_one_in_its_range(void **state)
{
    (void)state;
    histogram_observe_exemplar(&latency, .5, EXEMPLAR("trace_id", "a"));
    histogram_observe_exemplar(&latency, 1, EXEMPLAR("trace_id", "b"));
    histogram_observe_exemplar(&latency, 7, EXEMPLAR("trace_id", "c"));
    assert_line("\nlatency_bucket{le=\"1.0\"} ", "2 # {trace_id=\"b\"} 1");
    assert_line("\nlatency_bucket{le=\"2.0\"} ", "2");
    assert_line("\nlatency_bucket{le=\"+Inf\"} ", "3 # {trace_id=\"c\"} 7");
    histogram_observe_exemplar(&both, 1.5, EXEMPLAR("trace_id", "d"));
    assert_line("\nboth_bucket{le=\"2.0\"} ", "1 # {trace_id=\"d\"} 1.5");
}

static void native_buckets_alone_have_several(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        histogram_observe_exemplar(&native, ldexp(1, (int)i), EXEMPLAR("trace_id", "x"));
    clock_t until = clock() + CLOCKS_PER_SEC / 200;
    while (clock() < until)
        ; /* so that the next is the newest */
    histogram_observe_exemplar(&native, -3, EXEMPLAR("trace_id", "y"));
    const struct metric_exemplar_view *e = exemplars_of(&native.child);
    unsigned n = 0;
    for (unsigned i = 0; i < point.n_exemplars; i++)
        n += e[i].n;
    assert_int_equal(n, 5);
    assert_true(e[0].value == -3);
    assert_string_equal(e[0].pairs[1], "y");
    assert_line("\nnative_bucket{le=\"+Inf\"} ", "5 # {trace_id=\"y\"} -3");
}

/* 128 code points with the name, some of them of several bytes. */
static void the_longest_that_is_allowed_fits(void **state)
{
    (void)state;
    char value[4 * 128] = "";
    for (int i = 0; i < 124; i++)
        strcat(value, "\xf0\x9f\x8d\x90");
    double errors = errors_of("exemplar");
    counter_inc_exemplar(&requests, EXEMPLAR("name", value));
    assert_string_equal(exemplars_of(&requests.child)->pairs[1], value);
    assert_true(errors_of("exemplar") == errors);
    strcat(value, "x");
    counter_inc_exemplar(&requests, EXEMPLAR("name", value));
    assert_true(errors_of("exemplar") == errors + 1);
    counter_inc_exemplar(&requests, EXEMPLAR("a", "", "b", "", "c", "", "d", "", "e", "12345"));
    assert_int_equal(exemplars_of(&requests.child)->n, 5);
    assert_string_equal(exemplars_of(&requests.child)->pairs[9], "12345");
}

static void what_is_no_label_set_is_refused_and_the_update_counts(void **state)
{
    (void)state;
    static const char *const wrong[][4] = {{"trace id", "1"},   {"", "1"},   {"9", "1"},
                                           {"a", "\xff"},       {"a", NULL}, {NULL, "a"},
                                           {"a", "1", "a", "2"}};
    double errors = errors_of("exemplar"), before = counter_value(&requests);
    uint64_t count = histogram_count(&latency);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        counter_inc_exemplar(&requests, ((struct metric_exemplar){wrong[i], wrong[i][2] ? 2 : 1}));
    histogram_observe_exemplar(&latency, 1, (struct metric_exemplar){NULL, 0});
    histogram_observe_exemplar(&latency, 1, (struct metric_exemplar){wrong[0], 6});
    assert_true(errors_of("exemplar") == errors + 9);
    assert_true(counter_value(&requests) == before + 7);
    assert_int_equal(histogram_count(&latency), count + 2);
}

static void what_is_not_counted_has_no_exemplar(void **state)
{
    (void)state;
    counter_inc_exemplar(&requests, EXEMPLAR("trace_id", "kept"));
    counter_add_exemplar(&requests, -1, EXEMPLAR("trace_id", "lost"));
    counter_add_exemplar(&requests, NAN, EXEMPLAR("trace_id", "lost"));
    assert_string_equal(exemplars_of(&requests.child)->pairs[1], "kept");
    histogram_observe_exemplar(&latency, NAN, EXEMPLAR("trace_id", "lost"));
    assert_line("\nlatency_bucket{le=\"2.0\"} ", "4");
}

static void a_child_that_comes_back_has_none(void **state)
{
    (void)state;
    histogram_observe_exemplar(with(named, .name = "a"), 1, EXEMPLAR("trace_id", "old"));
    without(named, .name = "a");
    assert_int_equal(exemplars_of(&with(named, .name = "a")->child)->n, 0);
}

static void without_memory_the_update_counts(void **state)
{
    (void)state;
    double errors = errors_of("out_of_memory");
    histogram *h = with(named, .name = "new");
    for (int allocation = 0; allocation < 2; allocation++) { /* the places, and one of them */
        alloc_fail_at(allocation);
        histogram_observe_exemplar(h, 1, EXEMPLAR("trace_id", "a"));
        assert_true(alloc_fail_never());
    }
    assert_int_equal(histogram_count(h), 2);
    assert_true(errors_of("out_of_memory") == errors + 2);
    for (int allocation = 0; allocation < 3; allocation++) {
        struct metric_scratch fresh = {0};
        alloc_fail_at(allocation);
        int rc = metric_histogram_ops.read(&h->child, &fresh, &point);
        assert_int_equal(rc, alloc_fail_never() ? ERR_NOMEM : OK);
        metric_scratch_free(&fresh);
    }
    histogram_observe_exemplar(h, 1, EXEMPLAR("trace_id", "a"));
    assert_string_equal(exemplars_of(&h->child)->pairs[1], "a");
}

/* ---- Threads -------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 20000 };

/* The value tells which two texts belong to it. */
static void *give(void *ctx)
{
    unsigned thread = *(unsigned *)ctx;
    char id[16], twice[40];
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned n = thread * ROUNDS + i;
        snprintf(id, sizeof id, "%u", n);
        snprintf(twice, sizeof twice, "%u-%u", n, n);
        histogram_observe_exemplar(&raced, n + 2, EXEMPLAR("id", id, "twice", twice));
    }
    return NULL;
}

static atomic_bool done;

static void *look(void *ctx)
{
    struct metric_scratch own = {0};
    struct metric_point p;
    char id[16], twice[40];
    while (!atomic_load(&done)) {
        if (metric_histogram_ops.read(&raced.child, &own, &p) != OK || !p.exemplars ||
            !p.exemplars[1].n)
            continue;
        const struct metric_exemplar_view *e = &p.exemplars[1];
        snprintf(id, sizeof id, "%.0f", e->value - 2);
        snprintf(twice, sizeof twice, "%.0f-%.0f", e->value - 2, e->value - 2);
        *(unsigned *)ctx += e->n != 2 || strcmp(e->pairs[1], id) || strcmp(e->pairs[3], twice);
    }
    metric_scratch_free(&own);
    return NULL;
}

static void exemplars_of_several_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[THREADS], reader;
    unsigned numbers[THREADS], wrong = 0;
    assert_int_equal(pthread_create(&reader, NULL, look, &wrong), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, give, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&done, true);
    pthread_join(reader, NULL);
    assert_int_equal(wrong, 0);
    assert_int_equal(histogram_count(&raced), THREADS * ROUNDS);
    assert_int_equal(exemplars_of(&raced.child)[1].n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_shows_its_last_exemplar),
        cmocka_unit_test(a_bucket_has_the_last_one_in_its_range),
        cmocka_unit_test(native_buckets_alone_have_several),
        cmocka_unit_test(the_longest_that_is_allowed_fits),
        cmocka_unit_test(what_is_no_label_set_is_refused_and_the_update_counts),
        cmocka_unit_test(what_is_not_counted_has_no_exemplar),
        cmocka_unit_test(a_child_that_comes_back_has_none),
        cmocka_unit_test(without_memory_the_update_counts),
        cmocka_unit_test(exemplars_of_several_threads_do_not_mix),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    metric_scratch_free(&scratch);
    return failed;
}
