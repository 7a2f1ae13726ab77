/*
 * Any command line and environment: the first line is a variable's value, each further one a word.
 * What is taken keeps to its bounds; what is refused is told.
 */
#include "base/settings.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 32

static struct {
    const char *text, *choice, *address;
    int64_t bounded, open;
    double ratio;
    struct setting_range delay;
    bool flag;
} s;

static const struct setting table[] = {
    {"text", NULL, SETTING_TEXT, &s.text, NULL, "a text"},
    {"choice", NULL, SETTING_TEXT, &s.choice, "json", "one of two", .choices = "text|json"},
    {"address", "FUZZ_ADDRESS", SETTING_ADDRESS, &s.address, "127.0.0.1:5000", "HOST:PORT"},
    {"bounded", NULL, SETTING_INT, &s.bounded, "10", "a whole number", .min = -5, .max = 100},
    {"open", NULL, SETTING_INT, &s.open, "0", "a whole number"},
    {"ratio", NULL, SETTING_NUMBER, &s.ratio, "0.5", "a number", .max = 1},
    {"delay", NULL, SETTING_RANGE, &s.delay, "0", "milliseconds", .max = 60000},
    {"flag", NULL, SETTING_FLAG, &s.flag, "false", "yes or no"},
    {NULL},
};

static void must_keep_to_bounds(void)
{
    char host[256];
    int port;
    if ((s.text && !*s.text) || (strcmp(s.choice, "text") != 0 && strcmp(s.choice, "json") != 0))
        abort();
    if (settings_split_address(s.address, host, &port) != OK || !*host || port < 0 || port > 65535)
        abort();
    if (s.bounded < -5 || s.bounded > 100 || s.open < 0 || !(s.ratio >= 0 && s.ratio <= 1))
        abort();
    if (s.delay.low < 0 || s.delay.low > s.delay.high || s.delay.high > 60000)
        abort();
    int64_t picked = setting_range_pick(s.delay);
    if (picked < s.delay.low || picked > s.delay.high)
        abort();
}

static void parse(int argc, char **argv)
{
    struct err why = {0};
    int rc = settings_parse(table, argc, argv, &why);
    if (rc == SETTINGS_OK || rc == SETTINGS_HEALTHCHECK)
        must_keep_to_bounds();
    else if (rc < 0 && why.text[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *lines = strndup((const char *)data, len), *rest = lines;
    char program[] = "fuzz", *words[WORDS_MAX + 1] = {program};
    int argc = 1;
    if (!lines)
        return 0;
    setenv("FUZZ_ADDRESS", strsep(&rest, "\n"), 1);
    while (rest && argc < WORDS_MAX)
        words[argc++] = strsep(&rest, "\n");
    parse(argc, words);
    free(lines);
    return 0;
}
