"""Do others read our formats, and as we meant them?

    check_exposition.py METRICS_SPECIMEN

METRICS_SPECIMEN is the program of metrics_specimen.c. Its pages go through promtool check metrics, the Python
client's two parsers and Google's protobuf library (Debian packages prometheus, python3-prometheus-client and
python3-protobuf): three readings of the same metrics, which must say the same.
"""
import math
import subprocess
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

import metrics_proto

TEXT, OPENMETRICS, PROTOBUF = "012"
NAMES = ["", "plain", 'a"b', "a\\b", "a\nb", "\\n", "{}=,#", "\u00e4\u20ac\U0001f350", "bad\ufffd",
         'x"} 1\nforged_total 7']
LEVELS = {"inf": math.inf, "-inf": -math.inf, "tiny": 5e-324, "sum": 0.1 + 0.2, "large": -1e300}
TYPES = {"events": "counter", "named": "counter", "level": "gauge", "latency_seconds": "histogram",
         "tiny_seconds": "histogram", "job_seconds": "summary", "empty_seconds": "summary", "page_build_info": "gauge"}
INFOS = {"page_build_info": "page_build"}  # as OpenMetrics calls them, where they have a type of their own
HELP = 'Back\\slash, "quotes" and\nnewline.'
# What changes from one page to the next.
RESTLESS = ("process_",)


def check(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: got {got!r}, expected {expected!r}")


def page(program, form):
    return subprocess.run([program, form], capture_output=True, check=True).stdout


def check_promtool(text):
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
    check("promtool", done.stdout + done.stderr, 'odd_events counter metrics should have "_total" suffix\n')


def samples_of(families):
    """{(name, (label, value), …): value}"""
    return {(s.name, *sorted(s.labels.items())): s.value for f in families.values() for s in f.samples}


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


def check_values(families, openmetrics=False):
    samples = samples_of(families)
    for name, kind in TYPES.items():
        if openmetrics and name in INFOS:
            name, kind = INFOS[name], "info"
        check(f"type of {name}", families[name].type, kind)
    check("help", families["events"].documentation, HELP)
    check("events", samples["events_total",], 2**53)
    check("names", {n: samples.get(("named_total", ("name", n))) for n in NAMES},
          dict(zip(NAMES, range(1, len(NAMES) + 1))))
    check("forged", [s for s in samples if s[0].startswith("forged")], [])
    check("levels", {n: samples["level", ("value", n)] for n in LEVELS}, LEVELS)
    check("NaN", math.isnan(samples["level", ("value", "nan")]), True)
    check_histogram(families["latency_seconds"])
    check_histogram(families["tiny_seconds"])
    check_summary(samples)


def check_text(text):
    check_promtool(text)
    families = {f.name: f for f in text_families(text)}
    check("number of samples", len(samples_of(families)), sum(not line.startswith("#") for line in text.splitlines()))
    check_values(families)
    samples = samples_of(families)
    samples["odd_events",] = samples.pop(("odd_events_total",))  # the parser gives every counter its suffix
    return samples


def check_openmetrics(text):
    families = {f.name: f for f in openmetrics_families(text)}
    check_values(families, openmetrics=True)
    check("end", text.endswith("\n# EOF\n"), True)
    check("blank lines", "\n\n" in text, False)
    check("units", {name: families[name].unit for name in ("latency_seconds", "process_cpu_seconds", "events")},
          {"latency_seconds": "seconds", "process_cpu_seconds": "seconds", "events": ""})
    check("no total", (families["odd_events"].type, families["odd_events"].samples[0].name),
          ("unknown", "odd_events"))
    return samples_of(families)


# ---- Protobuf, spelt as the text formats do ----


def number(value):
    """As le and quantile are spelt, for the bounds of the specimen."""
    return "+Inf" if value == math.inf else repr(float(value))


def value_samples(name, labels, metric):
    for value in (getattr(metric, kind) for kind in ("gauge", "counter") if metric.HasField(kind)):
        yield (name, *labels), value.value


def distribution_samples(name, labels, metric):
    kind = "histogram" if metric.HasField("histogram") else "summary"
    value = getattr(metric, kind)
    parts = [("_bucket", "le", b.upper_bound, b.cumulative_count) for b in value.bucket] if kind == "histogram" else \
            [("", "quantile", q.quantile, q.value) for q in value.quantile]
    for suffix, label, bound, count in parts:
        yield (name + suffix, *sorted([*labels, (label, number(bound))])), count
    yield (name + "_sum", *labels), value.sample_sum
    yield (name + "_count", *labels), value.sample_count


def check_protobuf(stream):
    families = list(metrics_proto.families(stream))
    check("help", [f.help for f in families if f.name == "events_total"], [HELP])
    samples = {}
    for family in families:
        kind = metrics_proto.kind_of(family)
        for metric in family.metric:
            labels = sorted((pair.name, pair.value) for pair in metric.label)
            check(f"{family.name}: the value's kind", metric.HasField(kind), True)
            spell = distribution_samples if kind in ("histogram", "summary") else value_samples
            samples.update(spell(family.name, labels, metric))
    return samples


def steady(samples):
    """Without what changes, and with NaN as something that equals itself."""
    return {key: "NaN" if math.isnan(value) else value
            for key, value in samples.items() if not key[0].startswith(RESTLESS)}


def check_same(what, got, expected):
    check(what, set(steady(got).items()) ^ set(steady(expected).items()), set())


def main(program):
    text = check_text(page(program, TEXT).decode())
    check_same("OpenMetrics beside text", check_openmetrics(page(program, OPENMETRICS).decode()), text)
    check_same("protobuf beside text", check_protobuf(page(program, PROTOBUF)), text)


main(*sys.argv[1:])
