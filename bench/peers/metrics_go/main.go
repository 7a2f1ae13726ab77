// client_golang at the work of bench/metrics: the same operations on the same values and labels,
// children bound where they are bound there, measured in the same way, lines of the same names.
// `./workshop bench metrics` runs both in turn.
package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

const (
	runTime   = .002 // seconds
	together  = .02  // seconds, long enough that both goroutines surely run at once
	allTime   = .14  // seconds
	leastRuns = 5
	values    = 1 << 18
	nFamilies = 50
	nChildren = 2000
	nSeries   = nFamilies * nChildren
)

var (
	table    [values]float64
	events   = prometheus.NewCounter(prometheus.CounterOpts{Name: "bench_events_total", Help: "Events."})
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "bench_requests_total", Help: "Requests."},
		[]string{"method", "endpoint"})
	level   = prometheus.NewGauge(prometheus.GaugeOpts{Name: "bench_level", Help: "Level."})
	latency = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "bench_latency_seconds", Help: "Latency.",
		Buckets: []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}})
	native = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "bench_native_seconds", Help: "Latency.",
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160})
	job = prometheus.NewSummary(prometheus.SummaryOpts{Name: "bench_job_seconds", Help: "Jobs.",
		Objectives: map[float64]float64{.5: .05, .9: .01, .99: .001}, MaxAge: 600 * time.Second, AgeBuckets: 5})
)

// drand48 is the C library's generator, so that all peers draw the same numbers.
type drand48 uint64

func (x *drand48) next() float64 {
	*x = (*x*0x5DEECE66D + 0xB) & (1<<48 - 1)
	return float64(*x) / (1 << 48)
}

func secondsOf(work func(int), n int) float64 {
	start := time.Now()
	work(n)
	return time.Since(start).Seconds()
}

func slowerSeconds(work func(int), n int) float64 {
	var ready int32
	var done sync.WaitGroup
	done.Add(2)
	start := time.Now()
	for i := 0; i < 2; i++ {
		go func() {
			for atomic.AddInt32(&ready, 1); atomic.LoadInt32(&ready) < 2; {
			}
			work(n)
			done.Done()
		}()
	}
	done.Wait()
	return time.Since(start).Seconds()
}

func bestNs(run func(func(int), int) float64, work func(int), runTime float64) float64 {
	n := 1
	best := run(work, n)
	for best < runTime {
		n *= 2
		best = run(work, n)
	}
	all := best
	for i := 1; i < leastRuns || all < allTime; i++ {
		seconds := run(work, n)
		all += seconds
		best = math.Min(best, seconds)
	}
	return best * 1e9 / float64(n)
}

func show(name string, value float64, unit string) {
	fmt.Printf("%s %.3f %s\n", name, value, unit)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func measureUpdates() {
	ns := func(name string, work func(int)) { show(name, bestNs(secondsOf, work, runTime), "ns") }
	incs := func(n int) {
		for i := 0; i < n; i++ {
			events.Inc()
		}
	}
	methods := []string{"GET", "POST"}
	endpoints := []string{"/hello", "/fruit", "/stats", "/metrics"}
	ns("counter_inc", incs)
	show("counter_inc_2threads", bestNs(slowerSeconds, incs, together), "ns")
	ns("lookup_inc", func(n int) {
		for i := 0; i < n; i++ {
			requests.WithLabelValues(methods[i&1], endpoints[i>>1&3]).Inc()
		}
	})
	ns("gauge_set", func(n int) {
		for i := 0; i < n; i++ {
			level.Set(table[i%values])
		}
	})
	ns("gauge_inc", func(n int) {
		for i := 0; i < n; i++ {
			level.Inc()
		}
	})
	observe := func(o prometheus.Observer) func(int) {
		return func(n int) {
			for i := 0; i < n; i++ {
				o.Observe(table[i%values])
			}
		}
	}
	ns("histogram", observe(latency))
	ns("native", observe(native))
	ns("summary", observe(job))
}

func makeSeries(kind string, value func(k int) float64) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	for i := 0; i < nFamilies; i++ {
		family := prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: fmt.Sprintf("bench_series_%s_%d", kind, i), Help: "One of many."}, []string{"instance"})
		registry.MustRegister(family)
		for k := 0; k < nChildren; k++ {
			family.WithLabelValues(fmt.Sprintf("10.0.0.%d:%d", k%256, k)).Set(value(k))
		}
	}
	return registry
}

// scrapes is what promhttp does for a request.
func scrapes(registry *prometheus.Registry, format expfmt.Format, page *bytes.Buffer) func(int) {
	return func(n int) {
		for i := 0; i < n; i++ {
			page.Reset()
			families, err := registry.Gather()
			must(err)
			encoder := expfmt.NewEncoder(page, format)
			for _, family := range families {
				must(encoder.Encode(family))
			}
			must(encoder.(expfmt.Closer).Close())
		}
	}
}

func resident() float64 {
	debug.FreeOSMemory() // collects garbage first
	var size, pages int
	text, err := os.ReadFile("/proc/self/statm")
	must(err)
	_, err = fmt.Sscan(string(text), &size, &pages)
	must(err)
	return float64(pages * os.Getpagesize())
}

func measureExposition(random *drand48) {
	before := resident()
	whole := makeSeries("int", func(k int) float64 { return float64(k) })
	scrapes(whole, expfmt.FmtText, &bytes.Buffer{})(1)
	show("bytes_a_series", (resident()-before)/nSeries, "bytes")
	fractions := makeSeries("double", func(int) float64 { return random.next() })
	var page bytes.Buffer
	for _, f := range []struct {
		suffix string
		format expfmt.Format
	}{{"", expfmt.FmtText}, {".openmetrics", expfmt.FmtOpenMetrics}, {".protobuf", expfmt.FmtProtoDelim}} {
		ns := bestNs(secondsOf, scrapes(whole, f.format, &page), runTime)
		show("encode_int"+f.suffix, ns/nSeries, "ns")
		show("scrape_100k"+f.suffix, ns/1e6, "ms")
		show("encode_double"+f.suffix, bestNs(secondsOf, scrapes(fractions, f.format, &page), runTime)/nSeries, "ns")
	}
}

func main() {
	random := drand48(1<<16 | 0x330E) // as srand48(1)
	for i := range table {
		table[i] = -math.Log(1-random.next()) * .5
	}
	measureUpdates()
	measureExposition(&random)
}
