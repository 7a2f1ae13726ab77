/*
 * The metrics library on its own: all four types, and the exposition on standard output.
 *
 *     cc metrics_hello.c $(pkg-config --cflags --libs workshop_metrics)
 */
#include <metrics/metrics.h>
#include <stdio.h>

COUNTER(greetings, "greetings_total", "Greetings said.");
GAUGE_VEC(guests, "guests", "Guests in a room.", room);
HISTOGRAM(length, "greeting_length_bytes", "Length of a greeting.", BUCKETS_LINEAR(5, 5, 4));
SUMMARY_VEC(took, "greeting_seconds", "How long a greeting took.", QUANTILES(.5, .9, .99),
            WINDOW(600), language, tone);
BUILD_INFO("hello_build_info", "1.0");

static void greet(const char *text)
{
    TIME (with(took, .language = "en", .tone = "kind")) {
        counter_inc(&greetings);
        histogram_observe(&length, fprintf(stderr, "%s\n", text));
    }
}

int main(void)
{
    gauge *kitchen = with(guests, .room = "kitchen"); /* bind once, use often */
    gauge_set(kitchen, 3);
    gauge_dec(kitchen);
    greet("hello");
    greet("hello, world");

    struct buf page = {0};
    int rc = metrics_write_text(&page);
    if (rc == OK)
        fwrite(buf_data(&page), 1, buf_len(&page), stdout);
    buf_free(&page);
    return rc == OK ? 0 : 1;
}
