/* Settings: where they come from, what they take, and what is said of a wrong one. */
#include "base/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
    const char *listen, *format, *url;
    int64_t users, count;
    double ratio;
    struct setting_range delay;
    bool verbose;
} s;

static const struct setting table[] = {
    {"listen", "T_LISTEN", SETTING_ADDRESS, &s.listen, "127.0.0.1:5000", "where to serve"},
    {"users", "T_USERS", SETTING_INT, &s.users, "10", "concurrent users", .min = 1, .max = 100000},
    {"count", NULL, SETTING_INT, &s.count, NULL, "without an upper bound"},
    {"ratio", NULL, SETTING_NUMBER, &s.ratio, "0", "share that fails", .max = 1},
    {"hello-delay", NULL, SETTING_RANGE, &s.delay, "0", "milliseconds to wait", .max = 60000},
    {"log-format", "T_FORMAT", SETTING_TEXT, &s.format, "text", "of the log",
     .choices = "text|json"},
    {"url", "T_URL", SETTING_TEXT, &s.url, NULL, "of the database"},
    {"verbose", "T_VERBOSE", SETTING_FLAG, &s.verbose, NULL, "say more"},
    {NULL},
};

static struct err err;

/* Parses words that are separated by a space; "" is none. */
static int parse(const char *words)
{
    static char line[1024];
    static char *argv[32];
    int argc = 0;
    argv[argc++] = (char[]){"prog"};
    snprintf(line, sizeof line, "%s", words);
    for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;
    err = (struct err){0};
    return settings_parse(table, argc, argv, &err);
}

static int clean_environment(void **state)
{
    (void)state;
    for (const struct setting *t = table; t->name; t++)
        if (t->env)
            unsetenv(t->env);
    memset(&s, 0xff, sizeof s); /* so that an unset target shows */
    return 0;
}

static void defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(""), SETTINGS_OK);
    assert_string_equal(s.listen, "127.0.0.1:5000");
    assert_int_equal(s.users, 10);
    assert_int_equal(s.count, 0);
    assert_true(s.ratio == 0);
    assert_int_equal(s.delay.low, 0);
    assert_int_equal(s.delay.high, 0);
    assert_string_equal(s.format, "text");
    assert_null(s.url);
    assert_false(s.verbose);
}

static void flags_of_both_forms(void **state)
{
    (void)state;
    assert_int_equal(parse("--users 7 --listen=[::1]:80 --hello-delay 100-500 --ratio=0.1 "
                           "--log-format json --verbose --url=postgres://u:p@h/d?a=b"),
                     SETTINGS_OK);
    assert_int_equal(s.users, 7);
    assert_string_equal(s.listen, "[::1]:80");
    assert_int_equal(s.delay.low, 100);
    assert_int_equal(s.delay.high, 500);
    assert_true(s.ratio == 0.1);
    assert_string_equal(s.format, "json");
    assert_true(s.verbose);
    assert_string_equal(s.url, "postgres://u:p@h/d?a=b");
    assert_int_equal(parse("--verbose=false --users 7 --users 8"), SETTINGS_OK);
    assert_false(s.verbose);
    assert_int_equal(s.users, 8);
}

static void flag_over_environment_over_default(void **state)
{
    (void)state;
    setenv("T_USERS", "20", 1);
    setenv("T_VERBOSE", "true", 1);
    setenv("T_FORMAT", "", 1);
    assert_int_equal(parse(""), SETTINGS_OK);
    assert_int_equal(s.users, 20);
    assert_true(s.verbose);
    assert_string_equal(s.format, "text"); /* an empty variable counts as unset */
    assert_int_equal(parse("--users 30"), SETTINGS_OK);
    assert_int_equal(s.users, 30);
    setenv("T_USERS", "rubbish", 1); /* does not count where a flag is given */
    assert_int_equal(parse("--users 30"), SETTINGS_OK);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *words, *text;
    } cases[] = {
        {"--users abc",
         "--users: \"abc\" is not a whole number between 1 and 100000 (from the command line)"},
        {"--count -1",
         "--count: \"-1\" is not a whole number of 0 or more (from the command line)"},
        {"--ratio 1.5", "--ratio: \"1.5\" is not a number between 0 and 1 (from the command line)"},
        {"--log-format xml",
         "--log-format: \"xml\" is not one of text|json (from the command line)"},
        {"--url=", "--url: \"\" is not a text of one character or more (from the command line)"},
        {"--verbose=1", "--verbose: \"1\" is not true or false (from the command line)"},
        {"--listen nowhere", "--listen: \"nowhere\" is not HOST:PORT or [V6]:PORT with a port of 0 "
                             "to 65535 (from the command line)"},
        {"--users", "--users needs a value"},
        {"--users --verbose", "--users needs a value"},
        {"--user 3", "--user is not known; the nearest is --users; --help lists all"},
        {"--helo-dely=1",
         "--helo-dely is not known; the nearest is --hello-delay; --help lists all"},
        {"--xyzzy", "--xyzzy is not known; nor is any like it; --help lists all"},
        {"serve", "\"serve\" is no option; --help lists them"},
        {"-v", "\"-v\" is no option; --help lists them"},
        {"--", "\"--\" is no option; --help lists them"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(cases[i].words), ERR_INVALID);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(err.code, ERR_INVALID);
    }
    setenv("T_LISTEN", "5000", 1);
    assert_int_equal(parse(""), ERR_INVALID);
    assert_string_equal(err.text, "T_LISTEN: \"5000\" is not HOST:PORT or [V6]:PORT with a port of "
                                  "0 to 65535 (from the environment)");
}

static void a_long_word_is_cut_not_overrun(void **state)
{
    (void)state;
    char name[400] = "--", value[400];
    memset(name + 2, 'n', sizeof name - 3);
    memset(value, '9', sizeof value - 1);
    name[sizeof name - 1] = value[sizeof value - 1] = '\0';
    char *unknown[] = {(char[]){"prog"}, name};
    assert_int_equal(settings_parse(table, 2, unknown, &err), ERR_INVALID);
    char *wrong[] = {(char[]){"prog"}, (char[]){"--users"}, value};
    assert_int_equal(settings_parse(table, 3, wrong, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "is not a whole number"));
}

static void takes(const char *flag, const char *const *values, int want)
{
    for (; *values; values++) {
        char *argv[] = {(char[]){"prog"}, NULL};
        char word[128];
        snprintf(word, sizeof word, "--%s=%s", flag, *values);
        argv[1] = word;
        if (settings_parse(table, 2, argv, &err) != want)
            fail_msg("%s: expected %d", word, want);
    }
}

static void numbers_are_strict(void **state)
{
    (void)state;
    takes("users", (const char *[]){"1", "100000", "007", NULL}, OK);
    takes("users",
          (const char *[]){"0", "100001", "-1", "3.5", "0x10", " 3", "3 ", "1e3", "+3", "-", "3,",
                           "9223372036854775808", "99999999999999999999999999999", "٣", NULL},
          ERR_INVALID);
    takes("count", (const char *[]){"0", "9223372036854775807", NULL}, OK);
    takes("count", (const char *[]){"-1", "9223372036854775808", NULL}, ERR_INVALID);
    takes("ratio", (const char *[]){"0", "1", "0.5", ".5", "1e-3", "1.0", NULL}, OK);
    takes("ratio",
          (const char *[]){"-0.1", "1.1", "nan", "inf", "0x1p-1", " 0", "0 ", "+1", "1e", "e", ".",
                           "1e999", "0,5", "", NULL},
          ERR_INVALID);
    takes("hello-delay", (const char *[]){"0", "100", "0-0", "100-500", "60000-60000", NULL}, OK);
    takes("hello-delay",
          (const char *[]){"500-100", "-5", "-5-10", "5-", "-", "1-2-3", "1--2", "100 - 500",
                           "0-60001", "1.5", "", NULL},
          ERR_INVALID);
}

static void addresses(void **state)
{
    (void)state;
    takes("listen",
          (const char *[]){"localhost:0", "0.0.0.0:65535", "[::1]:80", "[fe80::1%eth0]:1",
                           "a-b.example:1", NULL},
          OK);
    takes("listen",
          (const char *[]){"", ":", ":80", "localhost", "localhost:", "localhost:65536",
                           "localhost:-1", "localhost:-0", "localhost:8a", "::1:80", "[::1]",
                           "[]:80", "[::1:80", "::1]:80", "a b:1", "http://h:1", "u@h:1",
                           "[::1]x:80", NULL},
          ERR_INVALID);
    char host[256];
    int port;
    assert_int_equal(settings_split_address("[::1]:8080", host, &port), OK);
    assert_string_equal(host, "::1");
    assert_int_equal(port, 8080);
    assert_int_equal(settings_split_address("example.org:80", host, &port), OK);
    assert_string_equal(host, "example.org");
    char longest[400];
    memset(longest, 'h', sizeof longest);
    strcpy(longest + 255, ":1");
    assert_int_equal(settings_split_address(longest, host, &port), OK);
    assert_int_equal(strlen(host), 255);
    strcpy(longest + 255, "h:1");
    assert_int_equal(settings_split_address(longest, host, &port), ERR_INVALID);
}

static void requests(void **state)
{
    (void)state;
    assert_int_equal(parse("--help"), SETTINGS_HELP);
    assert_int_equal(parse("-h"), SETTINGS_HELP);
    assert_int_equal(parse("--version --users abc"), SETTINGS_VERSION);
    assert_int_equal(parse("--healthcheck --users 3"), SETTINGS_HEALTHCHECK);
    assert_int_equal(s.users, 3);
    assert_int_equal(parse("--healthcheck --users abc"), ERR_INVALID);
    setenv("T_USERS", "abc", 1);
    assert_int_equal(parse("--help"), SETTINGS_HELP);
}

static void range_pick_stays_inside(void **state)
{
    (void)state;
    bool low = false, high = false;
    assert_int_equal(setting_range_pick((struct setting_range){0, 0}), 0);
    assert_int_equal(setting_range_pick((struct setting_range){7, 7}), 7);
    for (int i = 0; i < 10000; i++) {
        int64_t ms = setting_range_pick((struct setting_range){100, 110});
        assert_in_range(ms, 100, 110);
        low |= ms == 100;
        high |= ms == 110;
    }
    assert_true(low && high);
}

/* Runs settings_or_exit in a child; its output, and its exit status (0..255) by `status`. */
static const char *run(const char *word, int *status)
{
    static char out[4096];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        char copy[64];
        snprintf(copy, sizeof copy, "%s", word);
        char *argv[] = {(char[]){"prog"}, copy, NULL};
        _exit(100 + settings_or_exit(table, 2, argv, "prog", "A program."));
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(ends[0], out + len, sizeof out - 1 - len)) > 0;)
        len += (size_t)n;
    out[len] = '\0';
    close(ends[0]);
    waitpid(child, status, 0);
    assert_true(WIFEXITED(*status));
    *status = WEXITSTATUS(*status);
    return out;
}

static void exits_as_people_expect(void **state)
{
    (void)state;
    int status;
    const char *out = run("--help", &status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(out, "usage: prog [OPTIONS]\nA program.\n"));
    assert_non_null(strstr(out, "--users N "));
    assert_non_null(strstr(out, "concurrent users (default 10) [$T_USERS]\n"));
    assert_non_null(strstr(out, "--log-format text|json  of the log (default text) [$T_FORMAT]\n"));
    assert_non_null(strstr(out, "--healthcheck"));
    out = run("--version", &status);
    assert_int_equal(status, 0);
    assert_string_equal(out, "prog " WORKSHOP_VERSION "\n");
    out = run("--users=0", &status);
    assert_int_equal(status, 2);
    assert_string_equal(out, "prog: --users: \"0\" is not a whole number between 1 and 100000 "
                             "(from the command line)\n");
    run("--users=5", &status);
    assert_int_equal(status, 100 + SETTINGS_OK);
    run("--healthcheck", &status);
    assert_int_equal(status, 100 + SETTINGS_HEALTHCHECK);
}

#define CLEANLY(test) cmocka_unit_test_setup(test, clean_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEANLY(defaults),
        CLEANLY(flags_of_both_forms),
        CLEANLY(flag_over_environment_over_default),
        CLEANLY(says_what_is_wrong),
        CLEANLY(a_long_word_is_cut_not_overrun),
        CLEANLY(numbers_are_strict),
        CLEANLY(addresses),
        CLEANLY(requests),
        CLEANLY(range_pick_stays_inside),
        CLEANLY(exits_as_people_expect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
