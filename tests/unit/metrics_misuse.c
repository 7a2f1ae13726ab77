/* Wrong uses of the metrics API, one a value of MISUSE: up to 99 they must not compile, from 100 on
 * the program must stop before main. 0 is right and must compile. check_misuse.py tries them all.
 */
#include "metrics/metrics.h"

COUNTER(plain, "plain_total", "Without labels.");
COUNTER_VEC(requests, "requests_total", "Two labels.", method, code);
INFO(about, "about_info", "Two labels.", version, compiler);
STATESET(phase, "phase", "Three states.", STATES(starting, open, closing));
SUMMARY(plain_summary, "plain_seconds", "Without quantiles.");
SUMMARY_VEC(vec_summary, "vec_seconds", "With all.", QUANTILES(.5), WINDOW(60), method);
HISTOGRAM_VEC(native, "native_seconds", "Native.", BUCKETS_NATIVE_AND(BUCKETS_DEFAULT), method);
GAUGE_VEC(six, "six", "Six labels.", a, b, c, d, e, f);

void use(void);
void use(void)
{
#if MISUSE == 0
    counter_inc(&plain);
    counter *get = with(requests, .method = "GET", .code = "200");
    counter_inc(get);
    with(requests, .code = "200", .method = "POST"); /* binding alone makes it exist */
    gauge_set(with(six, .a = "1", .b = "2", .c = "3", .d = "4", .e = "5", .f = "6"), 7);
    without(requests, .method = "GET", .code = "200");
    stateset_enter(&phase, open);
    info_set(about, .compiler = "cc", .version = "1");
    summary_observe(&plain_summary, 1);
    summary_observe(with(vec_summary, .method = "GET"), 1);
    histogram_observe(with(native, .method = "GET"), 1);
    counter_inc_exemplar(&plain, EXEMPLAR("trace_id", "4bf9"));
    histogram_observe_exemplar(with(native, .method = "GET"), 1,
                               EXEMPLAR("trace_id", "4bf9", "span_id", "7"));
    IN_PROGRESS(with(six, .a = "1", .b = "2", .c = "3", .d = "4", .e = "5", .f = "6"))
    {
        counter_inc(&plain);
    }
#elif MISUSE == 1  /* misspelt */
    counter_inc(with(requests, .methode = "GET", .code = "200"));
#elif MISUSE == 2  /* omitted */
    counter_inc(with(requests, .method = "GET"));
#elif MISUSE == 3  /* omitted, among many */
    gauge_set(with(six, .a = "1", .b = "2", .c = "3", .d = "4", .f = "6"), 7);
#elif MISUSE == 4  /* given twice, and so the other one omitted */
    counter_inc(with(requests, .method = "GET", .method = "POST"));
#elif MISUSE == 5  /* one too many */
    counter_inc(with(requests, .method = "GET", .code = "200", .host = "a"));
#elif MISUSE == 6  /* another type's update */
    gauge_set(with(requests, .method = "GET", .code = "200"), 1);
#elif MISUSE == 7  /* labels on a metric that has none */
    counter_inc(with(plain, .method = "GET"));
#elif MISUSE == 8  /* omitted in without() */
    without(requests, .method = "GET");
#elif MISUSE == 9  /* none at all */
    counter_inc(with(requests));
#elif MISUSE == 10 /* a number as a label value */
    counter_inc(with(requests, .method = "GET", .code = 200));
#elif MISUSE == 15 /* a state that there is not */
    stateset_enter(&phase, shut);
#elif MISUSE == 16 /* a label that an info lacks */
    info_set(about, .version = "1");
#elif MISUSE == 21 /* an exemplar's name without a value */
    counter_inc_exemplar(&plain, EXEMPLAR("trace_id"));
#elif MISUSE == 22 /* an exemplar on a gauge */
    counter_inc_exemplar(with(six, .a = "1", .b = "2", .c = "3", .d = "4", .e = "5", .f = "6"),
                         EXEMPLAR("trace_id", "1"));
#elif MISUSE == 17 /* an update on what has no such value */
    counter_inc(&phase);
#endif
}

#if MISUSE == 11 /* no help */
COUNTER(helpless, "helpless_total", "");
#elif MISUSE == 12  /* the same label twice */
GAUGE_VEC(twice, "twice", "Twice.", a, a);
#elif MISUSE == 13  /* nine labels */
GAUGE_VEC(nine, "nine", "Nine.", a, b, c, d, e, f, g, h, i);
#elif MISUSE == 14  /* the same variable twice */
GAUGE(plain, "plain", "A gauge.");
#elif MISUSE == 18  /* the same state twice */
STATESET(dup, "dup", "Twice.", STATES(a, a));
#elif MISUSE == 19  /* no label */
INFO(bare, "bare_info", "Nothing.");
#elif MISUSE == 20  /* quantiles and no window before the labels */
SUMMARY_VEC(windowless, "windowless", "No window.", QUANTILES(.5), method);
#elif MISUSE == 100 /* no name of a metric */
GAUGE(wrong, "a-b", "Dashed.");
#elif MISUSE == 101 /* the label of buckets */
HISTOGRAM_VEC(wrong, "wrong", "Labelled le.", BUCKETS(1), le);
#elif MISUSE == 102 /* the same with native buckets */
HISTOGRAM_VEC(wrong, "wrong", "Labelled le.", BUCKETS_NATIVE, le);
#elif MISUSE == 103 /* the label of quantiles */
SUMMARY_VEC(wrong, "wrong", "Labelled quantile.", quantile);
#elif MISUSE == 104 /* a label that Prometheus keeps for itself */
COUNTER_VEC(wrong, "wrong_total", "Labelled.", __name__);
#elif MISUSE == 105 /* buckets that do not ascend */
HISTOGRAM(wrong, "wrong", "Unsorted.", BUCKETS(1, 3, 2));
#elif MISUSE == 106 /* the same besides native ones */
HISTOGRAM(wrong, "wrong", "Unsorted.", BUCKETS_NATIVE_AND(BUCKETS(1, 3, 2)));
#elif MISUSE == 107 /* native buckets that do not grow */
HISTOGRAM(wrong, "wrong", "Of equal width.", BUCKETS_NATIVE_WITH(.factor = 1));
#elif MISUSE == 108 /* a name that is taken */
GAUGE(wrong, "plain_total", "Again.");
#elif MISUSE == 109 /* one family with plain_total in OpenMetrics */
GAUGE(wrong, "plain", "Nearly again.");
#elif MISUSE == 110 /* the name of a series of plain_seconds */
COUNTER(wrong, "plain_seconds_count", "A part.");
#elif MISUSE == 111 /* a name that is no info's */
INFO(wrong, "wrong", "Without its suffix.", version);
#elif MISUSE == 112 /* a label as its states have it */
STATESET_VEC(wrong, "wrong", "Labelled like itself.", STATES(on, off), wrong);
#elif MISUSE == 113 /* quantiles that are none */
SUMMARY(wrong, "wrong", "Per cent.", QUANTILES(50, 99), WINDOW(60));
#elif MISUSE == 114 /* a window of no time */
SUMMARY(wrong, "wrong", "Backwards.", QUANTILES(.5), WINDOW(-60));
#endif

int main(void)
{
    return 0;
}
