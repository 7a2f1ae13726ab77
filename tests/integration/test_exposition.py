"""What /metrics says: others' tools read it, docs/metrics.md lists it, and all of it is there from the start."""

import itertools
import re
import subprocess

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from place import FRUITS, ROOT, Place
from program import running
from until import until

PROGRAMS = ("frontend", "backend", "traffic")

# Which programs a section of docs/metrics.md is about.
SECTIONS = {"Every program": PROGRAMS, "Frontend": ("frontend",), "Backend": ("backend",), "Traffic": ("traffic",),
            "HTTP server": PROGRAMS, "HTTP client": ("traffic",), "PostgreSQL client": ("frontend", "backend"),
            "Redis client": ("frontend", "backend"), "RabbitMQ client": ("frontend", "backend"),
            "The class": ()}  # tests/course/test_class.py
CONSUMER = "amqp_delivered_total"  # of the RabbitMQ client, in the backend alone; the page says so

ROUTES = {("GET", "/hello"): (200, 503), ("GET", "/fruit"): (200, 400, 503), ("HEAD", "/fruit"): (200, 400, 503),
          ("POST", "/fruit"): (200, 400, 415, 503), ("GET", "/ready"): (200, 503), ("HEAD", "/ready"): (200, 503),
          **{(method, page): (200,) for method in ("GET", "HEAD") for page in ("/stats", "/metrics", "/health")},
          **{("other", page): (405,) for page in ("/hello", "/fruit", "/stats", "/metrics", "/health", "/ready")},
          ("GET", "other"): (404,), ("other", "other"): (400, 404, 408, 413, 414, 417, 431, 501, 503, 505)}

# What must exist before anything happened: {program: {series: [labels]}}.
FROM_THE_START = {
    "frontend": {
        "hello_total": [{}], "fruit_requests_total": [{}], "all_fruits": [{}],
        "recent_fruits": [{"fruit": fruit} for fruit in FRUITS],
        "http_latency_count": [{"method": method, "endpoint": endpoint} for method, endpoint in ROUTES],
        "http_requests_total": [{"method": method, "endpoint": endpoint, "code": str(code)}
                                for (method, endpoint), codes in ROUTES.items() for code in codes],
        "cache_requests_total": [{"result": result} for result in ("hit", "miss", "error")],
        "postgres_query_seconds_count": [{"query": query} for query in ("sum_all", "sum_of_one")],
    },
    "backend": {
        "worker_jobs_total": [{"kind": "hello", "result": "done"},
                              *({"kind": "fruit", "result": result} for result in ("stored", "duplicate", "dead_letter")),
                              *({"kind": "unknown", "result": result} for result in ("duplicate", "dead_letter"))],
        "worker_job_duration_seconds": [{"kind": job, "quantile": q} for job in ("hello", "fruit")
                                        for q in ("0.5", "0.9", "0.99")],
        "worker_job_duration_seconds_count": [{"kind": job} for job in ("hello", "fruit")],
        "worker_busy": [{}], "generator_messages_total": [{}], "retention_deleted_total": [{}],
        "amqp_delivered_total": [{"redelivered": value} for value in ("true", "false")],
    },
    "traffic": {
        "traffic_requests_total": [{"scenario": "default", "method": method, "endpoint": endpoint, "code": code}
                                   for method, endpoint in (("GET", "/hello"), ("GET", "/fruit"), ("POST", "/fruit"))
                                   for code in ("200", "503", "error")],
        "traffic_dropped_iterations_total": [{}],
    },
}
for _program in ("frontend", "backend"):
    FROM_THE_START[_program] |= {
        "amqp_published_total": [{"result": result} for result in ("confirmed", "republished", "returned", "failed")],
        "redis_commands_total": [{"result": result} for result in ("ok", "error", "timeout", "lost", "refused")],
        "amqp_confirm_seconds_count": [{}], "amqp_unconfirmed": [{}], "amqp_connected": [{"role": "publisher"}],
    }


@pytest.fixture(scope="module")
def fresh(stack):
    """The page of each program that did nothing yet, for none of its servers is there."""
    nowhere = {"DATABASE_URL": "postgres://demo:demo@127.0.0.1:1/demo", "REDIS_URL": "redis://127.0.0.1:1",
               "AMQP_URL": "amqp://127.0.0.1:1", "BASE_URL": "http://127.0.0.1:1"}
    with Place(stack) as place:
        pages = {}
        for program in PROGRAMS:
            quiet = {"backend": ["--generators", "0"], "traffic": ["--pause", "60000"]}.get(program, [])
            with running(stack, place, program, *quiet, env=nowhere, ready=False) as tested:
                until(lambda: tested.listening())
                pages[program] = tested.get("/metrics").text
        return pages


@pytest.fixture(scope="module")
def busy(stack):
    """The page of each program in the middle of its work."""
    with Place(stack) as place, running(stack, place, "backend", "--job-delay", "1-5") as backend, \
            running(stack, place, "frontend") as frontend, \
            running(stack, place, "traffic", "--pause", "1-5", env={"BASE_URL": frontend.url}) as traffic:
        place.publish(b"nonsense")
        frontend.get("/nowhere")
        until(lambda: traffic.value("traffic_requests_total") > 300)
        until(lambda: backend.value("worker_jobs_total", kind="hello") > 20)
        yield {tested.program: tested.get("/metrics").text for tested in (frontend, backend, traffic)}


@pytest.fixture(params=["fresh", "busy"])
def pages(request):
    return request.getfixturevalue(request.param)


def samples(page):
    return [(sample.name, sample.labels, sample.value) for family in text_string_to_metric_families(page)
            for sample in family.samples]


# Others read it

@pytest.mark.parametrize("program", PROGRAMS)
def test_promtool_has_no_complaint(pages, program):
    done = subprocess.run(["promtool", "check", "metrics"], input=pages[program], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_python_client_reads_every_line(pages, program):
    page = pages[program]
    lines = [line for line in page.splitlines() if line and not line.startswith("#")]
    read = samples(page)
    assert len(read) == len(lines)
    assert len({(name, frozenset(labels.items())) for name, labels, _ in read}) == len(lines)  # none stands twice
    for family in text_string_to_metric_families(page):
        assert family.documentation and family.type != "unknown", family.name


@pytest.mark.parametrize("program", PROGRAMS)
def test_histograms_are_whole(pages, program):
    """Buckets ascend to +Inf, which is the count; each has a sum. The Python client does not look at that."""
    for family in text_string_to_metric_families(pages[program]):
        if family.type != "histogram":
            continue
        series = {}
        for sample in family.samples:
            rest = frozenset((name, value) for name, value in sample.labels.items() if name != "le")
            parts = series.setdefault(rest, {"buckets": []})
            if sample.name.endswith("_bucket"):
                parts["buckets"].append((float(sample.labels["le"]), sample.value))
            else:
                parts[sample.name.removeprefix(family.name)] = sample.value
        for parts in series.values():
            bounds, counts = zip(*parts["buckets"])
            assert list(bounds) == sorted(set(bounds)) and bounds[-1] == float("inf"), family.name
            assert list(counts) == sorted(counts) and counts[-1] == parts["_count"] and parts["_sum"] >= 0, family.name


@pytest.mark.parametrize("program", PROGRAMS)
def test_openmetrics_where_it_is_spoken(stack, place, run, program):
    """A program may answer with either format; what it calls OpenMetrics has to be that."""
    place.make_schema()
    tested = run(program, ready=False, env={"BASE_URL": "http://127.0.0.1:1"})
    until(tested.listening)
    wish = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    answer = tested.get("/metrics", headers={"Accept": wish})
    if answer.headers["Content-Type"].startswith("application/openmetrics-text"):
        assert answer.text.endswith("# EOF\n")
        assert list(openmetrics.text_string_to_metric_families(answer.text))
    else:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert list(text_string_to_metric_families(answer.text))


# From the start

@pytest.mark.parametrize("program, series", [(program, series) for program in PROGRAMS
                                             for series in FROM_THE_START[program]])
def test_known_labels_exist_from_the_start(fresh, program, series):
    there = [labels for name, labels, _ in samples(fresh[program]) if name == series]
    for labels in FROM_THE_START[program][series]:
        assert labels in there


def test_the_frontends_requests_are_exactly_the_table(fresh):
    there = [labels for name, labels, _ in samples(fresh["frontend"]) if name == "http_requests_total"]
    assert sorted(map(str, there)) == sorted(map(str, FROM_THE_START["frontend"]["http_requests_total"]))


@pytest.mark.parametrize("program", PROGRAMS)
def test_counters_start_at_zero(fresh, program):
    moved = re.compile("libuv_loop|process_|http_connections|amqp_connects|http_requests|traffic_requests")
    for family in text_string_to_metric_families(fresh[program]):
        if family.type == "counter" and not moved.match(family.name):
            assert {sample.value for sample in family.samples} <= {0}, family.name


@pytest.mark.parametrize("program", PROGRAMS)
def test_work_adds_no_series(fresh, busy, program):
    """Children of codes that only servers which are away give are the exception: there is none here."""
    def series(page):
        return {(name, frozenset(labels.items())) for name, labels, _ in samples(page)}
    added = {(name, *sorted(labels)) for name, labels in series(busy[program]) - series(fresh[program])}
    assert not added


# The catalogue

def catalogue(labs=False):
    """Of the three programs, or of the labs (tests/labs): [(section, series, type, {label: values or None})]: None where the page does not enumerate them."""
    rows, section = [], None
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        if line.startswith("## "):
            section = line[3:].strip()
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("| `") else []
        if len(cells) == 4 and section.startswith("Lab ") == labs:
            rows += [(section, name, cells[1], documented_labels(cells[2])) for name in re.findall(r"`([^`]+)`", cells[0])]
    return rows


def documented_labels(cell):
    """'`job`: hello, fruit; `result`: done (hello), stored' and '`method`, `endpoint`' and mixtures of both."""
    found = {}
    for part in filter(None, (part.strip() for part in cell.split(";"))):
        names, colon, text = part.partition(":")
        values = [re.sub(r"\s*\(.*?\)", "", value).strip(" `") for value in text.split(",")]
        known = colon and all(re.fullmatch(r"[\w./+-]+", value) for value in values)
        for name in re.findall(r"`([^`]+)`", names):
            found[name] = set(values) if known else None
    return found


def exposed(page):
    """{series: (type, {label: values})} of those that have a sample, named as the page's TYPE lines name them."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M))
    found = {}
    for name, labels, _ in samples(page):
        family = name if name in types else re.sub("_(bucket|sum|count|total)$", "", name)
        known = found.setdefault(family, (types[family], {}))[1]
        for label, value in labels.items():
            if label != "le":
                known.setdefault(label, set()).add(value)
    return found


def about(program):
    return {name: (kind, labels) for section, name, kind, labels in catalogue()
            if program in SECTIONS[section] and (program, name) != ("frontend", CONSUMER)}


def test_the_catalogue_names_each_series_once_a_program():
    unknown = {section for section, *_ in catalogue()} - set(SECTIONS)
    assert not unknown, f"say in SECTIONS which programs these sections are about: {unknown}"
    for program in PROGRAMS:
        names = [name for section, name, *_ in catalogue() if program in SECTIONS[section]]
        assert len(names) == len(set(names)) > 10, program


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_series_is_in_the_catalogue_and_the_other_way_round(fresh, program):
    assert set(exposed(fresh[program])) == set(about(program))


@pytest.mark.parametrize("program", PROGRAMS)
def test_types_and_labels_are_as_catalogued(fresh, program):
    said = {name: (kind, set(labels)) for name, (kind, labels) in exposed(fresh[program]).items()}
    written = {name: (kind, set(labels)) for name, (kind, labels) in about(program).items()}
    assert said == written


def test_values_of_labels_are_as_catalogued(fresh):
    """A label's values over all programs, where the page enumerates them."""
    checked = 0
    for section, name, _, labels in catalogue():
        for label, values in labels.items():
            if values is None:
                continue
            there = [exposed(fresh[program]).get(name, (None, {}))[1].get(label, set()) for program in SECTIONS[section]]
            assert set(itertools.chain(*there)) == values, f"{name}: {label}"
            checked += 1
    assert checked >= 15
