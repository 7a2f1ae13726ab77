/* Accept fields as scrapers, tools and browsers send them, and what they get. */
#include "metrics_page.h"

#define PROTO                                                                                      \
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
#define OM     "application/openmetrics-text"
#define TEXT   METRICS_TEXT
#define OPEN   METRICS_OPENMETRICS
#define BINARY METRICS_PROTOBUF

static const struct {
    const char *accept;
    enum metrics_format format;
} cases[] = {
    /* Prometheus 2.42, 2.53, 3.x, as they come; each without and with native histograms */
    {OM ";version=1.0.0," OM ";version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     OPEN},
    {PROTO "," OM ";version=1.0.0;q=0.8," OM ";version=0.0.1;q=0.75,"
           "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     BINARY},
    {OM ";version=1.0.0;q=0.5," OM ";version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
     OPEN},
    {PROTO ";q=0.6," OM ";version=1.0.0;q=0.5," OM ";version=0.0.1;q=0.4,"
           "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
     BINARY},
    {OM ";version=1.0.0;escaping=allow-utf-8;q=0.6," OM ";version=0.0.1;q=0.5,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
        "*/*;q=0.2",
     OPEN},
    {PROTO ";escaping=allow-utf-8;q=0.7," OM ";version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.2",
     BINARY},
    {"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5," OM
     ";version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.3",
     TEXT},
    {OM
     ";version=1.0.0;escaping=allow-utf-8;q=0.5," OM ";version=0.0.1;q=0.4,"
     "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1",
     OPEN},
    {"application/json,/;q=0.1", TEXT},
    /* scrapers that want text alone */
    {"text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT},
    {"text/plain;version=0.0.4", TEXT},
    {"text/plain", TEXT},
    /* curl, Firefox, Chrome, Safari of old, Java of old, wget's none */
    {"*/*", TEXT},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", TEXT},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
     "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
     TEXT},
    {"application/xml,application/xhtml+xml,text/html;q=0.9,text/plain;q=0.8,image/png,*/*;q=0.5",
     TEXT},
    {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", TEXT},
    {"", TEXT},
    /* q */
    {OM ";q=0.2,text/plain;q=0.9", TEXT},
    {"text/plain;q=0.9," OM, OPEN},
    {"text/plain;q=0.123," OM ";q=0.124", OPEN},
    {"text/plain;q=.5," OM ";q=.4", TEXT},
    {"text/plain;q=0," OM ";q=0.001", OPEN},
    {OM ";q=0", TEXT},
    {OM ";q=0.000,text/*;q=0.1", TEXT},
    {"text/plain;q=0," OM ";q=0," PROTO ";q=0", TEXT},
    {OM ";q=2,text/plain", OPEN}, /* as much as 1, so the first */
    {"text/plain;q=0.5," OM ";q", OPEN} /* no number: as if there were none */,
    {"text/plain;q=0.5," OM ";q=high", OPEN},
    /* ties go to the first */
    {"text/plain," OM, TEXT},
    {OM ",text/plain", OPEN},
    {PROTO "," OM ",text/plain", BINARY},
    {"*/*," OM, TEXT},
    {OM ",*/*", OPEN},
    /* wildcards */
    {"text/*", TEXT},
    {"application/*", OPEN},
    {"text/plain;q=0,*/*", OPEN},
    {"application/*;q=0.9," OM ";q=0," PROTO ";q=0.1,text/plain;q=0.05", BINARY},
    {"text/*;q=0.1,*/*", OPEN},
    {"image/*", TEXT},
    /* versions and parameters */
    {OM ";version=2.0.0", TEXT},
    {OM ";version=0.0.1", OPEN},
    {OM ";charset=utf-8;version=\"1.0.0\"", OPEN},
    {"text/plain;version=1.0.0," OM ";q=0.1", OPEN},
    {"application/vnd.google.protobuf", TEXT},
    {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily", TEXT},
    {"application/vnd.google.protobuf;proto=other.Family;encoding=delimited", TEXT},
    {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", TEXT},
    {"application/vnd.google.protobuf; encoding=delimited; "
     "proto=\"io.prometheus.client.MetricFamily\"",
     BINARY},
    /* blanks, case, quotes, rubbish */
    {"  Application/OpenMetrics-Text ; Version = 1.0.0 ; Q = 0.5\t, text/plain ; q = 0.4", OPEN},
    {"text/x;a=\",application/openmetrics-text,\",text/plain;q=0.1", TEXT},
    {"text/x;a=\"\\\"," OM, TEXT},
    {",,;,=;q=1,;;," OM ",", OPEN},
    {"openmetrics-text", TEXT},
    {OM "x", TEXT},
};

static void the_format_with_the_highest_q_is_chosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum metrics_format got = metrics_negotiate(cases[i].accept, strlen(cases[i].accept));
        if (got != cases[i].format)
            fail_msg("\"%s\" got %d, expected %d", cases[i].accept, got, cases[i].format);
    }
    assert_int_equal(metrics_negotiate(NULL, 0), TEXT);
}

/* The length counts, not a terminator. */
static void nothing_behind_the_end_is_read(void **state)
{
    (void)state;
    static const char accept[] = "text/plain;q=0.1,application/openmetrics-text;q=0.9";
    for (size_t len = 0; len < sizeof accept; len++) {
        char *copy = malloc(len ? len : 1); /* the address sanitizer guards its end */
        memcpy(copy, accept, len);
        (void)metrics_negotiate(copy, len);
        free(copy);
    }
    assert_int_equal(metrics_negotiate(accept, 16), TEXT);
    assert_int_equal(metrics_negotiate(accept, sizeof accept - 1), OPEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_format_with_the_highest_q_is_chosen),
        cmocka_unit_test(nothing_behind_the_end_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
