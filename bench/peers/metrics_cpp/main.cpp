// prometheus-cpp at the work of bench/metrics: the same operations on the same values and labels,
// children bound where they are bound there, measured in the same way, lines of the same names.
// `./workshop bench metrics` runs both in turn.
#include <malloc.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using Work = std::function<void(unsigned)>;

constexpr double run_seconds = .002, together_seconds = .02, all_seconds = .14;
constexpr int least_runs = 5;
constexpr unsigned n_values = 1 << 18, n_families = 50, n_children = 2000;
constexpr double n_series = n_families * n_children;

std::vector<double> values(n_values);

double seconds_of(const Work &work, unsigned n)
{
    auto start = std::chrono::steady_clock::now();
    work(n);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double slower_seconds(const Work &work, unsigned n)
{
    std::atomic<int> ready{0};
    auto in_step = [&] {
        ready++;
        while (ready < 2)
            ;
        work(n);
    };
    auto both = [&](unsigned) {
        std::thread other(in_step);
        in_step();
        other.join();
    };
    return seconds_of(both, n);
}

template <class Run> double best_ns(Run run, const Work &work, double least_seconds = run_seconds)
{
    unsigned n = 1;
    double best = run(work, n);
    while (best < least_seconds)
        best = run(work, n *= 2);
    double all = best;
    for (int i = 1; i < least_runs || all < all_seconds; i++) {
        double seconds = run(work, n);
        all += seconds;
        best = std::min(best, seconds);
    }
    return best * 1e9 / n;
}

void show(const std::string &name, double value, const char *unit)
{
    std::printf("%s %.3f %s\n", name.c_str(), value, unit);
}

void show_ns(const char *name, const Work &work)
{
    show(name, best_ns(seconds_of, work), "ns");
}

template <class Metric> Work observes(Metric &metric)
{
    return [&metric](unsigned n) {
        for (unsigned i = 0; i < n; i++)
            metric.Observe(values[i % n_values]);
    };
}

void measure_counters(prometheus::Registry &registry)
{
    auto &events = prometheus::BuildCounter().Name("bench_events_total").Help("Events.").Register(registry).Add({});
    auto &requests = prometheus::BuildCounter().Name("bench_requests_total").Help("Requests.").Register(registry);
    Work incs = [&](unsigned n) {
        for (unsigned i = 0; i < n; i++)
            events.Increment();
    };
    const char *const methods[] = {"GET", "POST"};
    const char *const endpoints[] = {"/hello", "/fruit", "/stats", "/metrics"};
    show_ns("counter_inc", incs);
    show("counter_inc_2threads", best_ns(slower_seconds, incs, together_seconds), "ns");
    show_ns("lookup_inc", [&](unsigned n) {
        for (unsigned i = 0; i < n; i++)
            requests.Add({{"method", methods[i & 1]}, {"endpoint", endpoints[i >> 1 & 3]}}).Increment();
    });
}

void measure_others(prometheus::Registry &registry)
{
    auto &level = prometheus::BuildGauge().Name("bench_level").Help("Level.").Register(registry).Add({});
    auto &latency = prometheus::BuildHistogram().Name("bench_latency_seconds").Help("Latency.").Register(registry)
        .Add({}, prometheus::Histogram::BucketBoundaries{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10});
    auto &job = prometheus::BuildSummary().Name("bench_job_seconds").Help("Jobs.").Register(registry)
        .Add({}, prometheus::Summary::Quantiles{{.5, .05}, {.9, .01}, {.99, .001}}, std::chrono::seconds{600}, 5);
    show_ns("gauge_set", [&](unsigned n) {
        for (unsigned i = 0; i < n; i++)
            level.Set(values[i % n_values]);
    });
    show_ns("gauge_inc", [&](unsigned n) {
        for (unsigned i = 0; i < n; i++)
            level.Increment();
    });
    show_ns("histogram", observes(latency));
    show_ns("summary", observes(job));
}

void make_series(prometheus::Registry &registry, const std::string &kind, double (*value)(unsigned))
{
    for (unsigned i = 0; i < n_families; i++) {
        auto &family = prometheus::BuildGauge().Name("bench_series_" + kind + "_" + std::to_string(i))
            .Help("One of many.").Register(registry);
        for (unsigned k = 0; k < n_children; k++)
            family.Add({{"instance", "10.0.0." + std::to_string(k % 256) + ":" + std::to_string(k)}}).Set(value(k));
    }
}

// What the library's own HTTP server does for a request.
Work scrapes(prometheus::Registry &registry)
{
    return [&registry](unsigned n) {
        for (unsigned i = 0; i < n; i++) {
            if (prometheus::TextSerializer().Serialize(registry.Collect()).empty())
                std::exit(1);
        }
    };
}

double resident()
{
    unsigned long size = 0, pages = 0;
    malloc_trim(0);
    std::ifstream("/proc/self/statm") >> size >> pages;
    return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void measure_exposition()
{
    prometheus::Registry whole, fractions;
    double before = resident();
    make_series(whole, "int", [](unsigned k) { return double(k); });
    scrapes(whole)(1);
    show("bytes_a_series", (resident() - before) / n_series, "bytes");
    make_series(fractions, "double", [](unsigned) { return drand48(); });
    double ns = best_ns(seconds_of, scrapes(whole));
    show("encode_int", ns / n_series, "ns");
    show("scrape_100k", ns / 1e6, "ms");
    show("encode_double", best_ns(seconds_of, scrapes(fractions)) / n_series, "ns");
}

} // namespace

int main()
{
    srand48(1);
    for (double &value : values)
        value = -std::log(1 - drand48()) * .5;
    prometheus::Registry registry;
    measure_counters(registry);
    measure_others(registry);
    measure_exposition();
    return 0;
}
