/*
 * How exact quantiles are: of a million values of each distribution, what a summary, a native and a
 * classic histogram say, as errors against the exact quantile of those values. Prints the table of
 * docs/metrics-library.md. Histograms are asked as PromQL's histogram_quantile of Prometheus 2.42
 * does it, on a straight line within the bucket.
 */
#include "measure.h"
#include "metrics/internal.h"
#include "metrics/point.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALUES = 1000000 };

SUMMARY_VEC(summaries, "summary", "Told by a summary.", QUANTILES(.5), WINDOW(3600), of);
HISTOGRAM_VEC(natives, "native", "Told by native buckets.", BUCKETS_NATIVE_AND(BUCKETS_DEFAULT),
              of);

static const double bounds[] = {.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10};
enum { BOUNDS = sizeof bounds / sizeof *bounds };
static double values[VALUES];

static double normal(void)
{
    return sqrt(-2 * log(1 - drand48())) * cos(6.283185307179586 * drand48());
}
static double uniform(void)
{
    return drand48() * 2;
}
static double exponential(void)
{
    return -log(1 - drand48()) * .5;
}
static double lognormal(void)
{
    return exp(normal() - 3);
}
static double pareto(void)
{
    return .01 * pow(1 - drand48(), -1 / 1.5);
}
static double two_humps(void)
{
    return drand48() < .85 ? .012 + fabs(normal()) * .001 : 1.2 + fabs(normal()) * .05;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double classic_quantile(const struct metric_point *p, double q)
{
    double rank = q * (double)p->count, below = 0;
    for (unsigned i = 0; i < BOUNDS; i++) {
        double here = (double)p->cumulative[i], low = i ? bounds[i - 1] : 0;
        if (here >= rank)
            return low + (bounds[i] - low) * (rank - below) / (here - below);
        below = here;
    }
    return bounds[BOUNDS - 1];
}

static double native_quantile(const struct metric_point *p, double q)
{
    const struct metric_native_view *v = p->native;
    double rank = q * (double)p->count, below = (double)v->zero_count;
    int32_t index = 0;
    unsigned n = 0;
    for (unsigned s = 0; s < v->positive.n_spans; s++) {
        index += v->positive.spans[s].offset;
        for (unsigned i = 0; i < v->positive.spans[s].length; i++, index++) {
            double here = below + (double)v->positive.counts[n++];
            double low = exp2(ldexp(index - 1, -v->schema)), high = exp2(ldexp(index, -v->schema));
            if (here >= rank)
                return low + (high - low) * (rank - below) / (here - below);
            below = here;
        }
    }
    return NAN;
}

static double error(double told, double exact)
{
    return 100 * fabs(told - exact) / exact;
}

static void show_distribution(const char *name, double (*draw)(void))
{
    static const double quantiles[] = {.5, .9, .99, .999};
    struct metric_scratch scratch = {0};
    struct metric_point point = {0};
    summary *s = with(summaries, .of = name);
    histogram *h = with(natives, .of = name);
    for (unsigned i = 0; i < VALUES; i++) {
        values[i] = draw();
        summary_observe(s, values[i]);
        histogram_observe(h, values[i]);
    }
    qsort(values, VALUES, sizeof *values, ascending);
    measure_must(metric_ops_of(&natives.family)->read(&h->child, &scratch, &point) == OK,
                 "reading");
    for (unsigned i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        double q = quantiles[i], exact = values[(unsigned)ceil(q * VALUES) - 1];
        printf("| %s | %g | %.4g | %.2f %% | %.2f %% | %.0f %% |\n", name, q, exact,
               error(summary_quantile(s, q), exact), error(native_quantile(&point, q), exact),
               error(classic_quantile(&point, q), exact));
    }
    metric_scratch_free(&scratch);
}

int main(void)
{
    srand48(1);
    puts("| distribution | quantile | exact | summary | native | classic "
         "|\n|---|---|---|---|---|---|");
    show_distribution("uniform", uniform);
    show_distribution("exponential", exponential);
    show_distribution("lognormal", lognormal);
    show_distribution("Pareto", pareto);
    show_distribution("two humps", two_humps);
    return 0;
}
