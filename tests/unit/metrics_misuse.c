/* Uses of the metrics API that must not compile, one a value of MISUSE; 0 is right and must.
 * check_misuse.py compiles them all. */
#include "metrics/metrics.h"

COUNTER(plain, "plain_total", "Without labels.");
COUNTER_VEC(requests, "requests_total", "Two labels.", method, code);
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
#endif
}

#if MISUSE == 11 /* no help */
COUNTER(helpless, "helpless_total", "");
#elif MISUSE == 12 /* the same label twice */
GAUGE_VEC(twice, "twice", "Twice.", a, a);
#elif MISUSE == 13 /* nine labels */
GAUGE_VEC(nine, "nine", "Nine.", a, b, c, d, e, f, g, h, i);
#elif MISUSE == 14 /* the same variable twice */
GAUGE(plain, "plain", "A gauge.");
#endif
