"""Do others read our text format, and as we meant it?

    check_exposition.py METRICS_SPECIMEN

METRICS_SPECIMEN is the program of metrics_specimen.c. Its output goes through promtool check metrics and
the Python client's parser (Debian packages prometheus and python3-prometheus-client).
"""
import math
import subprocess
import sys

from prometheus_client.parser import text_string_to_metric_families

NAMES = ["", "plain", 'a"b', "a\\b", "a\nb", "\\n", "{}=,#", "\u00e4\u20ac\U0001f350", "bad\ufffd"]
LEVELS = {"inf": math.inf, "-inf": -math.inf, "tiny": 5e-324, "sum": 0.1 + 0.2, "large": -1e300}
TYPES = {"events": "counter", "named": "counter", "level": "gauge", "latency_seconds": "histogram",
         "tiny_seconds": "histogram", "job_seconds": "summary", "empty_seconds": "summary", "page_build_info": "gauge"}


def check(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: got {got!r}, expected {expected!r}")


def check_promtool(page):
    done = subprocess.run(["promtool", "check", "metrics"], input=page, text=True, capture_output=True)
    check("promtool", (done.returncode, done.stdout + done.stderr), (0, ""))


def check_histogram(family):
    """Buckets ascend, their counts do not fall, and the last one is +Inf and the count."""
    buckets = [(float(s.labels["le"]), s.value) for s in family.samples if s.name.endswith("_bucket")]
    check(f"{family.name}: order", buckets, sorted(buckets))
    check(f"{family.name}: last bound", buckets[-1][0], math.inf)
    check(f"{family.name}: counts", sorted(n for _, n in buckets), [n for _, n in buckets])
    check(f"{family.name}: count", [s.value for s in family.samples if s.name.endswith("_count")], [buckets[-1][1]])
    check(f"{family.name}: all", buckets[-1][1], 1000)


def check_summary(samples):
    for q in (0.5, 0.9, 0.99):
        value = samples["job_seconds", ("job", "hello"), ("quantile", str(q))]
        if abs(value - q) > 0.01 * q:
            sys.exit(f"quantile {q}: got {value}")
    check("sum", round(samples["job_seconds_sum", ("job", "hello")], 9), 499.5)
    check("empty", math.isnan(samples["empty_seconds", ("quantile", "1.0")]), True)


def main(program):
    page = subprocess.run([program], capture_output=True, check=True).stdout.decode()
    check_promtool(page)
    families = {f.name: f for f in text_string_to_metric_families(page)}
    samples = {(s.name, *sorted(s.labels.items())): s.value for f in families.values() for s in f.samples}
    check("number of samples", len(samples), sum(not line.startswith("#") for line in page.splitlines()))
    for name, kind in TYPES.items():
        check(f"type of {name}", families[name].type, kind)
    check("help", families["events"].documentation, 'Back\\slash, "quotes" and\nnewline.')
    check("events", samples["events_total",], 2**53)
    check("names", {n: samples.get(("named_total", ("name", n))) for n in NAMES}, dict(zip(NAMES, range(1, 10))))
    check("levels", {n: samples["level", ("value", n)] for n in LEVELS}, LEVELS)
    check("NaN", math.isnan(samples["level", ("value", "nan")]), True)
    check_histogram(families["latency_seconds"])
    check_histogram(families["tiny_seconds"])
    check_summary(samples)


main(*sys.argv[1:])
