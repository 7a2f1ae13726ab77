/* Names against all customs: what metrics_lint says of them goes to standard error, the exposition
 * to standard output; check_lint.py compares with what promtool says of that. */
#include "metrics/lint.h"

#include <stdio.h>

COUNTER(no_total, "bad_requests", "No suffix.");
GAUGE(gauge_total, "bad_level_total", "A suffix of counters.");
GAUGE(milliseconds, "bad_delay_milliseconds", "No base unit.");
GAUGE(kilobytes, "bad_kilobytes_used", "No base unit, in the middle.");
COUNTER(hours, "bad_worked_hours_total", "No base unit.");
GAUGE(fahrenheit, "bad_fahrenheit", "No base unit.");
GAUGE(kibibits, "kibibits", "No base unit, alone.");
GAUGE(ms, "bad_delay_ms", "Abbreviated.");
GAUGE(mb_middle, "bad_mb_left", "Abbreviated, in the middle.");
GAUGE(camel, "badCamelCase", "Humps.");
GAUGE_VEC(camel_label, "bad_label", "Humps in a label.", someLabel);
GAUGE(colon, "bad:colon", "Of recording rules.");
GAUGE(bucket, "bad_bucket", "Reserved.");
GAUGE(count, "bad_count", "Reserved.");
GAUGE(sum, "bad_sum", "Reserved.");
SUMMARY(summary_bucket, "bad_summary_of_bucket", "Two.", QUANTILES(.5), WINDOW(60));
HISTOGRAM(histogram_name, "bad_histogram", "Its type.", BUCKETS(1));
GAUGE(gauge_name, "bad_gauge_level", "Its type, in the middle.");
GAUGE_VEC(le_label, "bad_le", "Reserved.", le);
COUNTER_VEC(quantile_label, "bad_quantile_total", "Reserved.", quantile);
GAUGE(many, "badMany_counter_minutes_total", "Several at once.");

COUNTER(good, "good_requests_total", "As it should be.");
GAUGE(good_seconds, "good_delay_seconds", "As it should be.");
GAUGE(thermometers, "good_thermometers", "Looks like meters.");
GAUGE(gauges, "good_gauges", "Looks like gauge.");
HISTOGRAM(good_histogram, "good_bytes", "As it should be.", BUCKETS(1));
INFO(good_info, "good_info", "As it should be.", version);

int main(void)
{
    struct buf page = {0};
    (void)with(camel_label, .someLabel = "a");
    (void)with(le_label, .le = "1.0");
    (void)with(quantile_label, .quantile = "0.5");
    (void)with(good_info, .version = "1");
    metrics_lint_print(NULL, NULL);
    if (metrics_write_text(&page) != OK)
        return 1;
    fwrite(buf_data(&page), 1, buf_len(&page), stdout);
    buf_free(&page);
    return 0;
}
