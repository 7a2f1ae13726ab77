/* The log, read back through a pipe in the place of standard error. */
#include "base/buf.h"
#include "base/log.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static struct {
    int read_end, real_stderr;
    struct buf text;
} pipe_;

static int open_pipe(void **state)
{
    (void)state;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    fcntl(ends[0], F_SETFL, O_NONBLOCK); /* the read end; the write end blocks, as stderr does */
    pipe_.real_stderr = dup(STDERR_FILENO);
    pipe_.read_end = ends[0];
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    alarm(10); /* a log that hangs kills the test */
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    alarm(0);
    dup2(pipe_.real_stderr, STDERR_FILENO);
    close(pipe_.real_stderr);
    close(pipe_.read_end);
    buf_free(&pipe_.text);
    return 0;
}

/* All that was logged since the last call. */
static const char *logged(void)
{
    char part[4096];
    ssize_t n;
    buf_clear(&pipe_.text);
    while ((n = read(pipe_.read_end, part, sizeof part)) > 0)
        buf_append(&pipe_.text, part, (size_t)n);
    return buf_cstr(&pipe_.text);
}

static const char *past_time(const char *line)
{
    unsigned h, m, s, ms;
    int used = 0;
    assert_int_equal(sscanf(line, "%2u:%2u:%2u.%3u %n", &h, &m, &s, &ms, &used), 4);
    assert_int_equal(used, strlen("12:00:01.234 "));
    return line + used;
}

static void text_reads_well(void **state)
{
    (void)state;
    log_setup("frontend", LOG_TEXT, LOG_INFO);
    log_info("listening", LOG_STR("address", "127.0.0.1:5000"), LOG_INT("connections", -3),
             LOG_DBL("seconds", 0.25));
    assert_string_equal(
        past_time(logged()),
        "INFO  frontend  listening address=127.0.0.1:5000 connections=-3 seconds=0.25\n");
    log_error("gone");
    assert_string_equal(past_time(logged()), "ERROR frontend  gone\n");
    log_warn("refused", LOG_ERR(ERR_TIMEOUT));
    assert_string_equal(past_time(logged()), "WARN  frontend  refused error=\"timed out\"\n");
}

static void text_quotes_what_could_mislead(void **state)
{
    (void)state;
    static const struct {
        const char *value, *shown;
    } cases[] = {
        {"bare/value-1", "bare/value-1"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"line\nbreak", "\"line\\nbreak\""},
        {"\x1b[2J", "\"\\u001b[2J\""},
        {"bad\xff", "\"bad\uFFFD\""},
        {NULL, "null"},
    };
    log_setup("frontend", LOG_TEXT, LOG_INFO);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[128];
        snprintf(want, sizeof want, "INFO  frontend  got v=%s\n", cases[i].shown);
        log_info("got", LOG_STR("v", cases[i].value));
        assert_string_equal(past_time(logged()), want);
    }
    log_info("got", LOG_BYTES("v", "abcdef", 3));
    assert_string_equal(past_time(logged()), "INFO  frontend  got v=abc\n");
}

static json_t *logged_object(void)
{
    json_error_t error;
    json_t *o = json_loads(logged(), JSON_REJECT_DUPLICATES, &error);
    assert_non_null(o);
    return o;
}
static const char *text_of(json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    assert_non_null(text);
    return text;
}

static void json_is_one_object_a_line(void **state)
{
    (void)state;
    log_setup("back\"end", LOG_JSON, LOG_INFO);
    log_warn("slow query", LOG_STR("sql", "select \"x\"\n\xff\x01"), LOG_INT("n", 1LL << 60),
             LOG_DBL("s", 1.5), LOG_DBL("bad", NAN), LOG_STR("none", NULL));
    json_t *o = logged_object();
    assert_string_equal(text_of(o, "level"), "warn");
    assert_string_equal(text_of(o, "service"), "back\"end");
    assert_string_equal(text_of(o, "message"), "slow query");
    assert_string_equal(text_of(o, "sql"), "select \"x\"\n\uFFFD\x01");
    assert_int_equal(json_integer_value(json_object_get(o, "n")), 1LL << 60);
    assert_true(json_real_value(json_object_get(o, "s")) == 1.5);
    assert_true(json_is_null(json_object_get(o, "bad")));
    assert_true(json_is_null(json_object_get(o, "none")));
    unsigned part[7];
    char zone = 0;
    sscanf(text_of(o, "time"), "%4u-%2u-%2uT%2u:%2u:%2u.%3u%c", part, part + 1, part + 2, part + 3,
           part + 4, part + 5, part + 6, &zone);
    assert_int_equal(zone, 'Z');
    json_decref(o);
}

static void levels_below_are_silent(void **state)
{
    (void)state;
    log_setup("frontend", LOG_TEXT, LOG_WARN);
    assert_false(log_enabled(LOG_INFO));
    assert_true(log_enabled(LOG_WARN));
    log_debug("no");
    log_info("no");
    assert_string_equal(logged(), "");
    log_warn("yes");
    assert_non_null(strstr(logged(), "yes"));
}

static void a_long_text_is_cut(void **state)
{
    (void)state;
    char *text = malloc(100000);
    memset(text, 'x', 100000);
    log_setup("frontend", LOG_JSON, LOG_INFO);
    log_info("long", LOG_BYTES("v", text, 100000));
    json_t *o = logged_object();
    size_t len = strlen(text_of(o, "v"));
    assert_true(len > 1000 && len < 3000);
    json_decref(o);
    free(text);
}

static int count_lines(const char *text)
{
    int n = 0;
    for (; (text = strchr(text, '\n')); text++)
        n++;
    return n;
}

/* Nobody reads: the log must go on at once, and say afterwards how much is missing. */
static void a_stuck_reader_costs_lines_only(void **state)
{
    (void)state;
    enum { LINES = 5000 };
    log_setup("frontend", LOG_TEXT, LOG_INFO);
    for (int i = 0; i < LINES; i++)
        log_info("a line that is long enough to fill the pipe soon", LOG_INT("i", i));
    int came = count_lines(logged());
    assert_in_range(came, 1, LINES - 1);
    log_info("again");
    char want[64];
    snprintf(want, sizeof want, "again dropped_lines=%d\n", LINES - came);
    assert_non_null(strstr(logged(), want));
    log_info("once only");
    assert_null(strstr(logged(), "dropped_lines"));
}

/* A line that was cut by a full pipe is ended before the next begins. */
static void a_torn_line_does_not_swallow_the_next(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text);
    log_setup("frontend", LOG_TEXT, LOG_INFO);
    assert_true(fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096) >= 4096);
    for (int i = 0; i < 20; i++)
        log_info("long", LOG_BYTES("a", text, sizeof text), LOG_BYTES("b", text, sizeof text),
                 LOG_BYTES("c", text, sizeof text));
    const char *before = logged();
    assert_int_not_equal(before[strlen(before) - 1], '\n');
    log_info("whole");
    const char *line = logged();
    assert_int_equal(line[0], '\n');
    assert_memory_equal(past_time(line + 1), "INFO  frontend  whole dropped_lines=", 36);
}

static void a_closed_pipe_is_survived(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    log_setup("frontend", LOG_TEXT, LOG_INFO);
    int again[2];
    assert_int_equal(pipe2(again, O_NONBLOCK | O_CLOEXEC), 0);
    close(pipe_.read_end);
    log_info("to nobody");
    log_info("to nobody");
    dup2(again[1], STDERR_FILENO);
    close(again[1]);
    pipe_.read_end = again[0];
    log_info("back");
    assert_non_null(strstr(logged(), "back dropped_lines=2\n"));
}

static void settings_texts_parse(void **state)
{
    (void)state;
    enum log_level level;
    enum log_format format;
    assert_int_equal(log_level_parse("debug", &level), OK);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_level_parse("ERROR", &level), OK);
    assert_int_equal(level, LOG_ERROR);
    assert_int_equal(log_level_parse("loud", &level), ERR_INVALID);
    assert_int_equal(log_level_parse("", &level), ERR_INVALID);
    assert_int_equal(log_format_parse("json", &format), OK);
    assert_int_equal(format, LOG_JSON);
    assert_int_equal(log_format_parse("text", &format), OK);
    assert_int_equal(format, LOG_TEXT);
    assert_int_equal(log_format_parse("xml", &format), ERR_INVALID);
}

static void auto_is_json_where_no_terminal_is(void **state)
{
    (void)state;
    enum log_format format = LOG_TEXT;
    assert_int_equal(log_format_parse("auto", &format), OK);
    assert_int_equal(format, LOG_JSON);
    int ours = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(ours >= 0 && grantpt(ours) == 0 && unlockpt(ours) == 0);
    int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(theirs >= 0);
    dup2(theirs, STDERR_FILENO);
    assert_int_equal(log_format_parse("auto", &format), OK);
    assert_int_equal(format, LOG_TEXT);
    close(theirs);
    close(ours);
}

#define THROUGH_PIPE(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        THROUGH_PIPE(text_reads_well),
        THROUGH_PIPE(text_quotes_what_could_mislead),
        THROUGH_PIPE(json_is_one_object_a_line),
        THROUGH_PIPE(levels_below_are_silent),
        THROUGH_PIPE(a_long_text_is_cut),
        THROUGH_PIPE(a_stuck_reader_costs_lines_only),
        THROUGH_PIPE(a_torn_line_does_not_swallow_the_next),
        THROUGH_PIPE(a_closed_pipe_is_survived),
        cmocka_unit_test(settings_texts_parse),
        THROUGH_PIPE(auto_is_json_where_no_terminal_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
