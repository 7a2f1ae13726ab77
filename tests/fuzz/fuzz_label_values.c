/* Any label value, in each format: it adds no line and no sample to those that a harmless value
 * has, and the text formats hold it so that it reads back as it was. */
#include "metrics/testing.h"

#include <stdlib.h>

static struct metrics_registry registry = METRICS_REGISTRY_INIT;
static struct metric_family *level; /* one an input, for a family only ever grows */

static struct gauge *bound(const char *value)
{
    return gauge_with(level, (const char *const[]){"b", value, "a"});
}

static size_t count(const struct buf *page, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < buf_len(page); i++)
        n += buf_data(page)[i] == c;
    return n;
}

/* The page's one child bears the value between two others. */
static void write(const char *value, enum metrics_format format, struct buf *page)
{
    struct metrics_exposition what = {.format = format};
    gauge_set(bound(value), 1);
    if (metrics_write(&registry, &what, page) != OK)
        abort();
}

/* What the escapes between the two other labels stand for; NULL: those are not where they should
 * be. */
static char *read_back(struct buf *page)
{
    static const char start[] = "\nlevel{before=\"b\",value=\"", end[] = "\",after=\"a\"} 1";
    char *at = strstr((char *)(uintptr_t)buf_cstr(page), start), *text, *to;
    if (!at)
        return NULL;
    to = text = malloc(buf_len(page) + 1);
    for (at += sizeof start - 1; *at && *at != '"' && *at != '\n'; at++)
        if (*at == '\\')
            *to++ = *++at == 'n' ? '\n' : *at;
        else
            *to++ = *at;
    *to = '\0';
    if (!strncmp(at, end, sizeof end - 1))
        return text;
    free(text);
    return NULL;
}

static void check_text(const char *value, enum metrics_format format, size_t lines)
{
    struct buf page = {0};
    write(value, format, &page);
    char *back = read_back(&page);
    if (!back || count(&page, '\n') != lines)
        abort();
    /* bytes that are no UTF-8 have become others */
    if (bound(back) != bound(value))
        abort();
    free(back);
    buf_free(&page);
}

/* One message, as long as it says, and as long as that of a harmless value but for its bytes. */
static void check_protobuf(const char *value)
{
    struct buf page = {0};
    write(value, METRICS_PROTOBUF, &page);
    const unsigned char *at = (const unsigned char *)buf_data(&page);
    size_t len = 0, n = 0;
    do
        len |= (size_t)(at[n] & 0x7f) << 7 * n;
    while (at[n++] & 0x80);
    if (n + len != buf_len(&page))
        abort();
    buf_free(&page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const labels[] = {"before", "value", "after"};
    const struct metric_spec spec = {
        .type = METRIC_GAUGE, .name = "level", .help = "Level.", .labels = labels, .n_labels = 3};
    if (metric_family_new(&registry, &spec, &level, NULL) != OK)
        abort();
    char *value = malloc(len + 1);
    if (len)
        memcpy(value, data, len);
    value[len] = '\0';
    check_text(value, METRICS_TEXT, 3);
    check_text(value, METRICS_OPENMETRICS, 4);
    check_protobuf(value);
    free(value);
    metric_family_free(level);
    return 0;
}
