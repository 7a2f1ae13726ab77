"""The log, and the one id that leads through it: from a bucket's exemplar over the frontend's line and the message to the
backend's line."""

import json
import re
import socket
import subprocess
import time
from urllib.parse import quote

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from place import ROOT, Place
from program import BIN, SANITIZERS, free_port, parallel, running
from tracing import FORM, TRACEPARENT, is_continued
from until import until
from workshop.logs import with_text
from workshop.service import http_get

JSON = {"env": {"LOG_FORMAT": "json"}}
OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def once(pairs):
    """An object whose keys stand there once each: of two that are the same, a reader would see one."""
    assert len({key for key, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def lines(program, message=None, **fields):
    """The lines of its log that have these fields; each must be JSON, whole, with what every line has."""
    found = [json.loads(line, object_pairs_hook=once) for line in program.log_text().splitlines()]
    assert all({"time", "level", "service", "message"} <= line.keys() for line in found)
    return [line for line in found if message in (None, line["message"]) and fields.items() <= line.items()]


def line_of(program, message, **fields):
    """The one such line, once it is there."""
    [line] = until(lambda: lines(program, message, **fields))
    return line


def trace_of(traceparent):
    return traceparent.split("-")[1]


def exemplars(frontend):
    """{(endpoint, method): the set of trace ids beside its buckets}, as Prometheus would read them."""
    found = {}
    for family in text_string_to_metric_families(frontend.get("/metrics", headers=OPENMETRICS).text):
        for sample in family.samples:
            if sample.exemplar:
                assert set(sample.exemplar.labels) == {"trace_id"} and sample.name == "http_latency_bucket"
                where = sample.labels["endpoint"], sample.labels["method"]
                found.setdefault(where, set()).add(sample.exemplar.labels["trace_id"])
    return found


@pytest.fixture
def frontend(run, place):
    place.make_schema()
    return run("frontend", **JSON)


@pytest.fixture
def backend(run):
    return run("backend", "--generators", "0", "--job-delay", "10", **JSON)


# One id

@pytest.mark.parametrize("theirs", [TRACEPARENT, OTHER], ids=["sampled", "not sampled"])
def test_one_id_from_the_request_to_the_exemplar(frontend, place, theirs):
    answer = frontend.order(traceparent=theirs)
    [(_, message)] = place.take(1)
    line = line_of(frontend, "request", endpoint="/fruit")
    assert is_continued(theirs, answer.headers["traceresponse"])
    assert message.headers["traceparent"] == answer.headers["traceresponse"]
    _, trace, span, _ = answer.headers["traceresponse"].split("-")
    assert (line["trace_id"], line["span_id"], line["parent_span_id"]) == (trace, span, theirs.split("-")[2])
    assert line["message_id"] == message.message_id == answer.json()["id"]
    assert (line["method"], line["status"], line["level"], line["target"]) == ("POST", 200, "info", "/fruit")
    assert exemplars(frontend) == {("/fruit", "POST"): {trace}}


@pytest.mark.parametrize("path, kind, result", [("/hello", "hello", "done"), (None, "fruit", "stored")])
def test_the_backends_line_goes_on_from_the_frontends(frontend, backend, path, kind, result):
    answer = frontend.get(path, headers={"traceparent": TRACEPARENT}) if path else frontend.order(traceparent=TRACEPARENT)
    job = line_of(backend, "job", trace_id=trace_of(TRACEPARENT))
    request = line_of(frontend, "request", trace_id=trace_of(TRACEPARENT))
    assert job["parent_span_id"] == request["span_id"] == answer.headers["traceresponse"].split("-")[2]
    assert job["span_id"] not in (job["parent_span_id"], request["parent_span_id"])
    assert (job["kind"], job["result"], job["level"], job["message_id"]) == (kind, result, "info", request["message_id"])
    assert 0 < job["seconds"] < 60 and 0 < request["seconds"] < 60


def test_without_a_trace_one_is_made(frontend, backend):
    answers = [frontend.get("/hello") for _ in range(3)]
    traces = {trace_of(answer.headers["traceresponse"]) for answer in answers}
    assert len(traces) == 3 and all(FORM.fullmatch(answer.headers["traceresponse"]) for answer in answers)
    until(lambda: {line["trace_id"] for line in lines(backend, "job")} == traces)
    assert {line["trace_id"] for line in lines(frontend, "request")} == traces
    assert not [line for line in lines(frontend, "request") if "parent_span_id" in line]


def test_a_message_of_a_stranger_gets_a_trace(backend, place):
    place.publish("hello", headers={"traceparent": "nonsense"})
    place.publish("hello", headers={"traceparent": "ff" + TRACEPARENT[2:]})
    place.publish("hello", headers={"traceparent": 7})
    place.publish("hello")
    jobs = until(lambda: len(found := lines(backend, "job")) == 4 and found)
    assert len({job["trace_id"] for job in jobs}) == 4 and trace_of(TRACEPARENT) not in {job["trace_id"] for job in jobs}


def test_a_later_version_is_understood(frontend, place):
    later = "cc" + TRACEPARENT[2:] + "-what-the-future-brings"
    answer = frontend.get("/hello", headers={"traceparent": later})
    assert is_continued(TRACEPARENT, answer.headers["traceresponse"])
    assert place.take(1)[0][1].headers["traceparent"] == answer.headers["traceresponse"]


def test_what_is_generated_has_a_trace_of_its_own(run):
    backend = run("backend", **JSON)
    orders = until(lambda: len(found := lines(backend, "order generated")) >= 2 and found)
    assert len({order["trace_id"] for order in orders}) == len(orders)
    job = line_of(backend, "job", trace_id=orders[0]["trace_id"])
    assert (job["parent_span_id"], job["message_id"]) == (orders[0]["span_id"], orders[0]["message_id"])


def test_a_dead_letter_is_a_warning_with_its_trace(backend, place):
    place.publish(b"\x00nonsense\xff", headers={"traceparent": TRACEPARENT}, message_id="\x01'\"\\")
    job = line_of(backend, "job", trace_id=trace_of(TRACEPARENT))
    assert (job["level"], job["kind"], job["result"]) == ("warn", "unknown", "dead_letter")
    assert "not JSON" in job["reason"] and "message_id" not in job


def test_prometheus_keeps_the_exemplar(stack, run, place):
    """The same question that Grafana asks for the dots in a panel."""
    place.make_schema()
    frontend = run("frontend", port=stack.frontend.port, **JSON)
    try:
        stack.start("prometheus")
        trace = trace_of(frontend.get("/hello").headers["traceresponse"])
        api = stack.prometheus.api

        def found():
            now = time.time()
            data = api._get("query_exemplars", query='http_latency_bucket{endpoint="/hello"}', start=now - 60, end=now + 5)
            return {exemplar["labels"]["trace_id"] for series in data or () for exemplar in series["exemplars"]}

        until(lambda: trace in found(), 20, every=0.2)
        assert lines(frontend, "request", trace_id=trace)
    finally:
        stack.down(["prometheus"])


# Which have a line

def test_what_machines_ask_for_has_none(frontend):
    for path in ("/health", "/ready", "/metrics"):
        assert "traceresponse" not in frontend.get(path).headers
    frontend.get("/nothing")
    line = line_of(frontend, "request")
    assert (line["endpoint"], line["target"], line["status"]) == ("other", "/nothing", 404)
    assert {endpoint for endpoint, _ in exemplars(frontend)} == {"other"}


def test_past_the_rate_a_trace_is_in_both_logs_or_in_none(run, place):
    """Far more requests than lines: those that are there lead somewhere."""
    place.make_schema()
    frontend = run("frontend", "--log-rate", "20", **JSON)
    backend = run("backend", "--generators", "0", "--log-rate", "20", **JSON)
    begin = time.monotonic()
    parallel(8, lambda n: [frontend.get("/hello") for _ in range(100)])
    until(lambda: backend.value("worker_jobs_total", kind="hello") == 800)
    most = 20 * (time.monotonic() - begin + 2)
    requests, jobs = lines(frontend, "request"), lines(backend, "job")
    assert 20 <= len(requests) <= most and 20 <= len(jobs) <= most
    sampled = {line["trace_id"] for line in requests}
    assert len(sampled & {line["trace_id"] for line in jobs}) >= 20
    assert sum(line.get("silent_before", 0) for line in requests) > 100
    assert exemplars(frontend)["/hello", "GET"] <= sampled


def test_what_failed_is_not_lost_in_the_crowd(run, place, wires):
    place.make_schema()
    frontend = run("frontend", "--log-rate", "5", "--publish-deadline", "50", wires=wires, **JSON)
    wires.rabbitmq.stall()
    parallel(4, lambda n: [frontend.get("/stats") for _ in range(100)])
    failed = frontend.get("/hello")
    assert failed.status_code == 503
    line = line_of(frontend, "request", trace_id=trace_of(failed.headers["traceresponse"]))
    assert (line["level"], line["status"]) == ("warn", 503) and line["seconds"] >= 0.049  # libuv's clock counts whole ms


def test_a_rate_of_0_is_silent(run, place):
    place.make_schema()
    frontend, backend = run("frontend", "--log-rate", "0", **JSON), run("backend", "--log-rate", "0", **JSON)
    assert frontend.get("/hello").headers["traceresponse"].endswith("-00")
    until(lambda: backend.value("worker_jobs_total", kind="hello") == 1)
    assert not lines(frontend, "request") and not lines(backend, "job") and not lines(backend, "order generated")
    assert exemplars(frontend) == {}
    frontend.get("/hello", headers={"traceparent": TRACEPARENT})  # whoever sent it keeps a record
    assert exemplars(frontend) == {("/hello", "GET"): {trace_of(TRACEPARENT)}}


def test_no_field_has_the_name_of_what_every_line_has():
    """Of two keys that are the same, a reader of JSON sees one. Not every warning is provoked here, so this reads the
    sources."""
    wrong = re.compile(r'LOG_[A-Z]+\("(time|level|service|message)"')
    found = [path.name for room in ("common", "frontend", "backend", "traffic") for path in (ROOT / room).rglob("*.c")
             if path.name != "log.c" and wrong.search(path.read_text())]
    assert found == []


def test_the_lines_of_one_request_read_in_order(tmp_path):
    (tmp_path / "backend.log").write_text("10:00:00.300 INFO  backend  job trace_id=ab\n10:00:01.000 INFO  other\n")
    (tmp_path / "frontend.log.1").write_text("10:00:00.100 INFO  frontend  older trace_id=ab\n")
    (tmp_path / "frontend.log").write_text("10:00:00.200 INFO  frontend  request trace_id=ab\nbad \udcff trace_id=ab\n",
                                           errors="surrogateescape")
    found = with_text([tmp_path / "backend.log", tmp_path / "frontend.log"], "trace_id=ab")
    assert [line.split()[-2] for line in found] == ["\ufffd", "older", "request", "job"]
    assert with_text([tmp_path / "frontend.log"], "trace_id=cd") == []


# Hostile input

HOSTILE = [
    b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"x" * 7000),
    b"GET /" + quote("\x00\x1b[2J\n\u2028\U0001f350").encode() + b"\"\\</script> HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\"}\\ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-Id: \xff\xfe\xc0\x80\xed\xa0\x80\"\\\xe2\x82\r\n\r\n",
    b"GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\n\r\n" % (b"\xe2\x82\xac" * 2700),
    b"GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-Id: \t\"}\n{\"level\":\"error\"}\r\n\r\n",
    b"GET /hello HTTP/1.1\r\nHost: x\r\ntraceparent: %s\r\n\r\n" % (b"0" * 8000),
    b"GET /hello HTTP/1.1\r\nHost: x\r\ntraceparent: 00-\xff\r\n\r\n",
    b"GET /hello HTTP/1.1\r\nHost: x\r\ntraceparent: %s\r\ntraceparent: %s\r\n\r\n" % (OTHER.encode(), TRACEPARENT.encode()),
    b"G\x01T / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\x01\x7f\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /hello HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n" % (b"y" * 70000),
]


@pytest.fixture(scope="module")
def hostile(stack):
    """One frontend for all of them."""
    with Place(stack) as place:
        place.make_schema()
        with running(stack, place, "frontend", "--log-rate", "1000", **JSON) as frontend:
            yield frontend


@pytest.mark.parametrize("request_bytes", HOSTILE, ids=lambda raw: repr(raw[:40]))
def test_hostile_input_is_one_line_of_json(hostile, request_bytes):
    frontend = hostile
    before = len(lines(frontend, "request"))
    with socket.create_connection(("127.0.0.1", frontend.port), 5) as peer:
        peer.sendall(request_bytes)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += peer.recv(65536)
    trace = re.search(rb"traceresponse: 00-([0-9a-f]{32})-", answer)[1].decode()
    line = line_of(frontend, "request", trace_id=trace)
    assert line["status"] == int(answer.split()[1])
    assert all(len(str(value)) <= 2100 for value in line.values())
    assert len(line.get("request_id", "")) <= 128
    assert len(lines(frontend, "request")) == before + 1


def test_a_reader_that_is_stuck_stops_nobody(place):
    """Its log goes into a pipe that nobody reads: requests are answered as ever, and the loss is told afterwards."""
    place.make_schema()
    url, argv = f"http://127.0.0.1:{(port := free_port())}", [BIN / "frontend", "--log-rate", "1000000"]
    environment = place.environment() | {"LISTEN": f"127.0.0.1:{port}"} | SANITIZERS
    with subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, text=True) as frontend:
        until(lambda: http_get(url + "/ready")[0] == 200)
        assert [http_get(url + "/stats")[0] for _ in range(1000)] == [200] * 1000  # some 300 kB of lines, of which 64 fit
        said = [frontend.stderr.readline() for _ in range(100)]
        assert http_get(url + "/stats")[0] == 200
        frontend.terminate()
        said += frontend.stderr.readlines()
    whole = [json.loads(line, object_pairs_hook=once) for line in said if line.startswith("{") and line.endswith("}\n")]
    assert len(said) - len(whole) <= 2  # one was torn where the pipe was full
    assert 500 < sum(line.get("dropped_lines", 0) for line in whole) < 1000
