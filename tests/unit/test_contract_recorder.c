/* Who gets a line: at low load everybody, past the rate those whose trace was chosen at its start.
 */
#include "base/clock.h"
#include "base/random.h"
#include "contract/recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { RATE = 10 };

static uint64_t now = NS_PER_S;

uint64_t __wrap_clock_coarse(void);
uint64_t __wrap_clock_coarse(void)
{
    return now;
}

static struct recorder r;

static int setup(void **state)
{
    (void)state;
    recorder_init(&r, RATE);
    return 0;
}

static struct trace begin(void)
{
    struct trace t;
    recorder_begin(&r, &t);
    return t;
}

/* A trace that another program began. */
static struct trace join(bool sampled)
{
    char text[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    struct trace t;
    text[54] = sampled ? '1' : '0';
    recorder_join(&r, text, strlen(text), &t);
    return t;
}

static void spend(void)
{
    while (budget_take(&r.ordinary, 0))
        ;
}

static void ids_are_new_and_not_zero(void **state)
{
    (void)state;
    struct trace a = begin(), b = begin();
    assert_true(a.id[0] != b.id[0] && a.id[1] != b.id[1] && a.span != b.span);
    assert_true(a.id[1] && a.span && b.span);
    assert_true(a.parent == 0 && b.parent == 0);
}

static void a_valid_trace_goes_on_with_a_span_of_ours(void **state)
{
    (void)state;
    struct trace a = join(true), b = join(false);
    assert_true(a.id[0] == 0x4bf92f3577b34da6 && a.id[1] == 0xa3ce929d0e0e4736);
    assert_true(a.parent == 0x00f067aa0ba902b7 && a.span && a.span != a.parent && a.span != b.span);
    assert_true(a.sampled && !b.sampled);
}

static void an_invalid_one_begins_anew(void **state)
{
    (void)state;
    struct trace t;
    recorder_join(&r, "nonsense", 8, &t);
    assert_true(t.id[1] && t.span && t.parent == 0);
    recorder_join(&r, NULL, 0, &t);
    assert_true(t.id[1] && t.span && t.parent == 0);
}

static void what_began_here_is_promised_up_to_the_rate(void **state)
{
    (void)state;
    int promised = 0;
    for (int i = 0; i < 100 * RATE; i++) {
        struct trace t = begin();
        promised += t.sampled;
        assert_int_equal(recorder_wants(&r, &t, false), t.sampled);
    }
    assert_int_equal(promised, RATE);
    assert_int_equal(r.silent, 99 * RATE);
    now += NS_PER_S / 2;
    for (promised = 0; begin().sampled;)
        promised++;
    assert_int_equal(promised, RATE / 2);
    now += 3600 * NS_PER_S;
    for (promised = 0; begin().sampled;)
        promised++;
    assert_int_equal(promised, RATE);
}

static void what_others_promised_has_all_of_the_rate(void **state)
{
    (void)state;
    int lines = 0;
    for (int i = 0; i < 100; i++) {
        struct trace t = join(true);
        lines += recorder_wants(&r, &t, false);
    }
    assert_int_equal(lines, RATE);
}

static void the_others_have_the_half(void **state)
{
    (void)state;
    int lines = 0;
    for (int i = 0; i < 100; i++) {
        struct trace t = join(false);
        lines += recorder_wants(&r, &t, false);
    }
    assert_int_equal(lines, RATE / 2);
    struct trace promised = join(true);
    assert_true(recorder_wants(&r, &promised, false));
}

static void the_notable_is_not_lost_in_the_crowd(void **state)
{
    (void)state;
    int lines = 0;
    spend();
    for (int i = 0; i < 100; i++) {
        struct trace t = join(true);
        lines += recorder_wants(&r, &t, true);
    }
    assert_int_equal(lines, RATE);
}

static void a_rate_of_0_is_silence(void **state)
{
    (void)state;
    recorder_init(&r, 0);
    struct trace a = begin(), b = join(true);
    assert_false(a.sampled);
    assert_false(recorder_wants(&r, &a, true));
    assert_false(recorder_wants(&r, &b, true));
}

static void above_info_only_the_notable_counts(void **state)
{
    (void)state;
    log_setup("test", LOG_TEXT, LOG_WARN);
    recorder_init(&r, RATE);
    log_setup("test", LOG_TEXT, LOG_INFO);
    struct trace t = begin();
    assert_false(t.sampled);
    assert_false(recorder_wants(&r, &t, false));
    assert_true(recorder_wants(&r, &t, true));
}

static void fields_name_the_parent_where_there_is_one(void **state)
{
    (void)state;
    struct trace t = join(true);
    struct trace_texts texts;
    struct log_field fields[TRACE_FIELDS];
    assert_int_equal(trace_fields(&t, &texts, fields), 3);
    assert_string_equal(fields[0].text, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_string_equal(fields[2].text, "00f067aa0ba902b7");
    t.parent = 0;
    assert_int_equal(trace_fields(&t, &texts, fields), 2);
    assert_string_equal(fields[0].key, "trace_id");
    assert_string_equal(fields[1].key, "span_id");
}

/* Each bit is set about half of the time. */
static void random_bits_are_even(void **state)
{
    (void)state;
    enum { DRAWS = 10000 };
    int ones[64] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t bits = random_u64();
        for (int b = 0; b < 64; b++)
            ones[b] += bits >> b & 1;
    }
    for (int b = 0; b < 64; b++)
        assert_in_range(ones[b], DRAWS / 2 - 500, DRAWS / 2 + 500);
}

#define TEST(function) cmocka_unit_test_setup(function, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ids_are_new_and_not_zero),
        TEST(a_valid_trace_goes_on_with_a_span_of_ours),
        TEST(an_invalid_one_begins_anew),
        TEST(what_began_here_is_promised_up_to_the_rate),
        TEST(what_others_promised_has_all_of_the_rate),
        TEST(the_others_have_the_half),
        TEST(the_notable_is_not_lost_in_the_crowd),
        TEST(a_rate_of_0_is_silence),
        TEST(above_info_only_the_notable_counts),
        TEST(fields_name_the_parent_where_there_is_one),
        TEST(random_bits_are_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
