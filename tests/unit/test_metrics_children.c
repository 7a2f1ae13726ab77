/* Children: found by their labels, kept for ever, hidden and brought back, and not too many. */
#include "metrics_page.h"

struct metrics_registry mine = METRICS_REGISTRY_INIT;
GAUGE_VEC_IN(mine, jobs, "jobs", "Jobs.", queue, state);
GAUGE_VEC_IN(mine, six, "six", "Six labels.", a, b, c, d, e, f);
GAUGE_VEC_IN(mine, gone, "gone", "Comes and goes.", who);
COUNTER_VEC_IN(mine, many, "many_total", "Too many.", user);
COUNTER_VEC_IN(mine, odd, "odd_total", "Odd label values.", text);
HISTOGRAM_VEC_IN(mine, sizes, "sizes", "Sizes.", BUCKETS(1, 2), kind);
SUMMARY_VEC_IN(mine, waits, "waits", "Waits.", QUANTILES(.5), WINDOW(60), kind);

static void with_finds_the_same_child_again(void **state)
{
    (void)state;
    char queue[] = "mail"; /* not the literal's address */
    gauge *ready = with(jobs, .queue = "mail", .state = "ready");
    assert_ptr_equal(ready, with(jobs, .state = "ready", .queue = queue));
    assert_ptr_not_equal(ready, with(jobs, .queue = "mail", .state = "busy"));
    assert_ptr_not_equal(ready, with(jobs, .queue = "ready", .state = "mail"));
    assert_ptr_not_equal(with(jobs, .queue = "ab", .state = "c"),
                         with(jobs, .queue = "a", .state = "bc"));
    gauge_set(ready, 3);
    assert_true(page_value(&mine, "jobs{queue=\"mail\",state=\"ready\"}") == 3);
}

/* The addresses alone do not make a child: what is there may have changed. */
static void a_text_that_changes_in_place_finds_another_child(void **state)
{
    (void)state;
    char queue[] = "mail";
    gauge *mail = with(jobs, .queue = queue, .state = "moved");
    assert_ptr_equal(mail, with(jobs, .queue = queue, .state = "moved"));
    memcpy(queue, "post", 4);
    gauge *post = with(jobs, .queue = queue, .state = "moved");
    assert_ptr_not_equal(mail, post);
    assert_ptr_equal(post, with(jobs, .queue = queue, .state = "moved"));
    memcpy(queue, "mail", 4);
    assert_ptr_equal(mail, with(jobs, .queue = queue, .state = "moved"));
    queue[1] = '\0';
    assert_ptr_equal(with(jobs, .queue = "m", .state = "moved"),
                     with(jobs, .queue = queue, .state = "moved"));
}

static void six_labels_work(void **state)
{
    (void)state;
    gauge_set(with(six, .a = "1", .b = "2", .c = "3", .d = "4", .e = "5", .f = "6"), 9);
    assert_true(page_value(&mine, "six{a=\"1\",b=\"2\",c=\"3\",d=\"4\",e=\"5\",f=\"6\"}") == 9);
}

static void a_bound_child_exists_with_zero(void **state)
{
    (void)state;
    with(sizes, .kind = "bound");
    with(waits, .kind = "bound");
    assert_true(page_value(&mine, "sizes_bucket{kind=\"bound\",le=\"+Inf\"}") == 0);
    assert_true(page_value(&mine, "waits_count{kind=\"bound\"}") == 0);
}

static void without_hides_and_with_brings_back_at_zero(void **state)
{
    (void)state;
    gauge *a = with(gone, .who = "a");
    gauge_set(a, 5);
    without(gone, .who = "a");
    without(gone, .who = "never was");
    gauge_set(a, 6); /* harmless */
    assert_true(isnan(page_value(&mine, "gone{who=\"a\"}")));
    assert_ptr_equal(a, with(gone, .who = "a"));
    assert_true(page_value(&mine, "gone{who=\"a\"}") == 0);
}

static void clear_hides_all(void **state)
{
    (void)state;
    histogram *h = with(sizes, .kind = "x");
    summary *s = with(waits, .kind = "x");
    histogram_observe(h, 1);
    summary_observe(s, 1);
    metric_clear(&sizes);
    metric_clear(&waits);
    assert_true(isnan(page_value(&mine, "sizes_count{kind=\"x\"}")));
    assert_true(isnan(page_value(&mine, "waits_count{kind=\"x\"}")));
    assert_int_equal(histogram_count(with(sizes, .kind = "x")), 0);
    assert_int_equal(summary_count(with(waits, .kind = "x")), 0);
    assert_true(isnan(summary_quantile(s, .5)));
}

static void count_visit(void *ctx, const char *const values[], void *child)
{
    char *seen = ctx;
    char line[100];
    snprintf(line, sizeof line, "%s/%s=%g ", values[0], values[1], gauge_value(child));
    strcat(seen, line);
}

static void each_child_is_visited_in_order_of_making(void **state)
{
    (void)state;
    metric_clear(&jobs);
    char seen[1000] = "";
    gauge_set(with(jobs, .queue = "z", .state = "1"), 1);
    gauge_set(with(jobs, .queue = "a", .state = "2"), 2);
    gauge_set(with(jobs, .queue = "m", .state = "3"), 3);
    without(jobs, .queue = "a", .state = "2");
    metric_each_child(&jobs, count_visit, seen);
    assert_string_equal(seen, "z/1=1 m/3=3 ");
}

static counter *user(unsigned i)
{
    char name[20];
    snprintf(name, sizeof name, "u%u", i);
    return with(many, .user = name);
}

static void past_the_cap_all_share_one_child(void **state)
{
    (void)state;
    double full = errors_of("family_full");
    counter *first = user(0);
    assert_true(isnan(page_value(&mine, "many_total{user=\"overflow\"}")));
    for (unsigned i = 0; i < METRICS_MAX_CHILDREN + 10; i++)
        counter_inc(user(i));
    assert_ptr_equal(first, user(0));
    assert_true(counter_value(user(METRICS_MAX_CHILDREN - 1)) == 1);
    assert_ptr_equal(user(METRICS_MAX_CHILDREN), user(METRICS_MAX_CHILDREN + 1));
    assert_true(page_value(&mine, "many_total{user=\"overflow\"}") == 10);
    assert_true(errors_of("family_full") == full + 12);
    assert_ptr_equal(user(METRICS_MAX_CHILDREN), with(many, .user = "overflow"));
}

static void hidden_children_count_against_the_cap_once(void **state)
{
    (void)state;
    double full = errors_of("family_full");
    for (unsigned i = 0; i < 2 * METRICS_MAX_CHILDREN; i++) {
        with(gone, .who = "b");
        without(gone, .who = "b");
    }
    assert_true(errors_of("family_full") == full);
}

static void null_is_empty_and_an_error(void **state)
{
    (void)state;
    double null = errors_of("null_label");
    counter *empty = with(odd, .text = "");
    assert_true(errors_of("null_label") == null);
    assert_ptr_equal(empty, with(odd, .text = NULL));
    assert_true(errors_of("null_label") == null + 1);
    with(jobs, .queue = "a long value", .state = NULL);
    with(jobs, .queue = NULL, .state = NULL);
    assert_true(errors_of("null_label") == null + 4);
}

static void invalid_utf8_is_repaired_and_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *repaired;
    } cases[] = {
        {"\xff", "\xef\xbf\xbd"},
        {"a\x80z", "a\xef\xbf\xbdz"},
        {"cut\xe2\x82", "cut\xef\xbf\xbd\xef\xbf\xbd"},
        {"over\xc0\xaf", "over\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                 /* a surrogate */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* too large */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double invalid = errors_of("invalid_utf8");
        counter *c = with(odd, .text = cases[i].raw);
        assert_true(errors_of("invalid_utf8") == invalid + 1);
        assert_ptr_equal(c, with(odd, .text = cases[i].repaired));
        assert_true(errors_of("invalid_utf8") == invalid + 1);
    }
}

static void valid_utf8_is_kept(void **state)
{
    (void)state;
    double invalid = errors_of("invalid_utf8");
    counter_inc(with(odd, .text = "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8d\x90 \xf4\x8f\xbf\xbf"));
    assert_true(errors_of("invalid_utf8") == invalid);
    assert_true(page_value(&mine, "odd_total{text=\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8d\x90 "
                                  "\xf4\x8f\xbf\xbf\"}") == 1);
}

static void long_values_are_compared_whole(void **state)
{
    (void)state;
    char a[5000], b[5000];
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    a[sizeof a - 1] = b[sizeof b - 1] = '\0';
    b[sizeof b - 2] = 'y';
    assert_ptr_not_equal(with(odd, .text = a), with(odd, .text = b));
    assert_ptr_equal(with(odd, .text = b), with(odd, .text = b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_finds_the_same_child_again),
        cmocka_unit_test(a_text_that_changes_in_place_finds_another_child),
        cmocka_unit_test(six_labels_work),
        cmocka_unit_test(a_bound_child_exists_with_zero),
        cmocka_unit_test(without_hides_and_with_brings_back_at_zero),
        cmocka_unit_test(clear_hides_all),
        cmocka_unit_test(each_child_is_visited_in_order_of_making),
        cmocka_unit_test(past_the_cap_all_share_one_child),
        cmocka_unit_test(hidden_children_count_against_the_cap_once),
        cmocka_unit_test(null_is_empty_and_an_error),
        cmocka_unit_test(invalid_utf8_is_repaired_and_an_error),
        cmocka_unit_test(valid_utf8_is_kept),
        cmocka_unit_test(long_values_are_compared_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
