"""The frontend's other pages, wrong paths and methods, and what all of it leaves in the metrics."""

import re
import socket
import time

import pytest

from place import Place
from program import running
from until import until

PAGES = ("/fruit", "/stats", "/metrics", "/health", "/ready")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND")
ENDPOINTS = {"/hello": {"GET"}, "/fruit": {"GET", "HEAD", "POST"},
             **{page: {"GET", "HEAD"} for page in ("/stats", "/metrics", "/health", "/ready")}}


@pytest.fixture(scope="module")
def shared(stack):
    with Place(stack) as place:
        place.make_schema()
        with running(stack, place, "frontend") as frontend:
            yield frontend


@pytest.fixture
def frontend(shared):
    return shared


@pytest.fixture
def fresh(place, run):
    place.make_schema()
    return run("frontend", ready=False)


def raw(frontend, request):
    """Everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", frontend.port), 5) as peer:
        peer.sendall(request)
        said = b""
        while more := peer.recv(65536):
            said += more
    return said


# /stats

def test_stats_of_a_fresh_frontend(fresh):
    until(fresh.listening)
    fresh.get("/health"), fresh.get("/health"), fresh.get("/nowhere"), fresh.order("kiwi")
    page = fresh.get("/stats")
    assert page.headers["Content-Type"] == "application/json"
    stats = page.json()
    assert set(stats) == {"requestCounters", "requestRates", "duration"}
    assert set(stats["duration"]) == {"count", "sum", "average"}
    assert set(stats["requestRates"]) == set(stats["requestCounters"])


def test_stats_count_by_code(frontend):
    def counters():
        return frontend.get("/stats").json()["requestCounters"]
    for code, ask in ((404, lambda: frontend.get("/nowhere")), (400, lambda: frontend.get("/fruit?name=kiwi")),
                      (405, lambda: frontend.request("PUT", "/stats")), (415, lambda: frontend.request("POST", "/fruit"))):
        before = counters()
        for _ in range(3):
            assert ask().status_code == code
        after = counters()
        assert after[str(code)] == before.get(str(code), 0) + 3
        assert after["200"] == before.get("200", 0) + 1  # the first look at the page


def test_stats_rates_are_of_the_last_minute(frontend):
    for _ in range(30):
        frontend.get("/nowhere-either")
    time.sleep(1.1)  # the present second is not whole
    stats = frontend.get("/stats").json()
    assert stats["requestRates"]["404"] == pytest.approx(stats["requestCounters"]["404"] / 60, abs=0.001)
    assert stats["requestRates"]["404"] >= 0.5


def test_stats_durations(frontend):
    before = frontend.get("/stats").json()["duration"]
    begin = time.monotonic()
    for _ in range(20):
        frontend.get("/fruit")
    elapsed = time.monotonic() - begin
    after = frontend.get("/stats").json()["duration"]
    assert after["count"] == before["count"] + 21
    assert 0 < after["sum"] - before["sum"] < elapsed + 0.1
    assert after["average"] == pytest.approx(after["sum"] / after["count"], abs=2e-6)


# /metrics /health /ready

def test_metrics_page(frontend):
    page = frontend.get("/metrics")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE hello_total counter" in page.text.splitlines()


def test_latency_and_requests_agree(frontend):
    labels = {"method": "GET", "endpoint": "/health"}
    before = [frontend.value(name, **labels) for name in ("http_latency_count", "http_requests_total")]
    for _ in range(7):
        frontend.get("/health")
    after = [frontend.value(name, **labels) for name in ("http_latency_count", "http_requests_total")]
    assert after == [before[0] + 7, before[1] + 7]
    assert frontend.value("http_latency_bucket", le="+Inf", **labels) == after[0]
    assert 0 < frontend.value("http_latency_sum", **labels) < 60


def test_open_connections(frontend):
    before, accepted = frontend.value("http_open_connections"), frontend.value("http_connections_total")
    peers = [socket.create_connection(("127.0.0.1", frontend.port)) for _ in range(5)]
    until(lambda: frontend.value("http_open_connections") == before + 5)
    assert frontend.value("http_connections_total") == accepted + 5
    for peer in peers:
        peer.close()
    until(lambda: frontend.value("http_open_connections") == before)


def test_rejected_requests_are_counted_by_reason(frontend):
    before = frontend.value("http_rejected_total", reason="host")
    assert raw(frontend, b"GET /hello HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert frontend.value("http_rejected_total", reason="host") == before + 1


def test_health(frontend):
    assert frontend.get("/health").status_code == 200


def test_ready_names_the_dependencies(frontend):
    until(lambda: frontend.get("/ready").json()["dependencies"]["redis"] == "up")
    answer = frontend.get("/ready")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"ready": True, "dependencies": {"rabbitmq": "up", "postgres": "up", "redis": "up"}}


@pytest.mark.parametrize("name, needed", [("rabbitmq", True), ("postgres", True), ("redis", False)])
def test_ready_while_one_is_down(place, run, wires, name, needed):
    place.make_schema()
    frontend = run("frontend", wires=wires)
    until(lambda: "down" not in frontend.get("/ready").text)
    getattr(wires, name).refuse()
    until(lambda: frontend.get("/ready").json()["dependencies"][name] == "down")
    answer = frontend.get("/ready")
    states = answer.json()["dependencies"]
    assert states.pop(name) == "down" and set(states.values()) == {"up"}
    assert answer.status_code == (503 if needed else 200) and answer.json()["ready"] is not needed
    assert frontend.get("/health").status_code == 200
    getattr(wires, name).accept()
    until(lambda: "down" not in frontend.get("/ready").text, 2)
    assert frontend.get("/ready").status_code == 200


def test_it_starts_while_all_are_down(place, run, wires):
    place.make_schema()
    for wire in (wires.rabbitmq, wires.postgres, wires.redis):
        wire.refuse()
    frontend = run("frontend", wires=wires, ready=False)
    until(frontend.listening)
    ready = frontend.get("/ready")
    assert ready.status_code == 503 and set(ready.json()["dependencies"].values()) == {"down"}
    assert frontend.get("/hello").status_code == 503
    for wire in (wires.rabbitmq, wires.postgres, wires.redis):
        wire.accept()
    until(lambda: "down" not in frontend.get("/ready").text, 3)
    assert frontend.get("/hello").status_code == 200


def test_without_a_table_it_is_not_ready_until_a_backend_made_it(place, run):
    frontend = run("frontend", ready=False)
    until(lambda: frontend.listening() and "rabbitmq\":\"up" in frontend.get("/ready").text)
    assert frontend.get("/ready").json()["dependencies"]["postgres"] == "down"
    run("backend")
    until(lambda: frontend.get("/ready").status_code == 200, 5)


# Wrong paths and methods

@pytest.mark.parametrize("path", ["/", "/nowhere", "/hello/", "/Hello", "/fruit/pears", "/hello%2f", "//hello",
                                  "/metricsx"])
def test_an_unknown_path_is_404(frontend, path):
    answer = frontend.get(path)
    assert answer.status_code == 404 and "Allow" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE", "PROPFIND"])
def test_an_unknown_path_is_404_with_any_method(frontend, method):
    assert frontend.request(method, "/nowhere").status_code == 404


@pytest.mark.parametrize("path, method", [(path, method) for path, allowed in ENDPOINTS.items() for method in METHODS
                                          if method not in allowed])
def test_a_wrong_method_is_405_with_allow(frontend, path, method):
    answer = frontend.request(method, path)
    assert answer.status_code == 405
    assert set(re.split(r",\s*", answer.headers["Allow"])) == ENDPOINTS[path]


@pytest.mark.parametrize("path", PAGES)
def test_head_is_get_without_a_body(frontend, path):
    said = raw(frontend, f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and body == b""
    got = frontend.get(path)
    fields = {line.split(b":")[0].lower() for line in head.splitlines()[1:]}
    assert {b"content-length", b"content-type", b"date"} <= fields
    assert f"\r\ncontent-type: {got.headers['Content-Type']}\r\n".encode().lower() in head.lower() + b"\r\n"


def test_head_of_an_error(frontend):
    said = raw(frontend, b"HEAD /fruit?name=kiwi HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ") and said.endswith(b"\r\n\r\n")


# Labels are bounded

def test_no_stranger_adds_a_series(place, run):
    """From the first request on, whatever is asked: the series are those that exist from the start."""
    place.make_schema()
    frontend = run("frontend")
    before = set(frontend.samples())
    for n in range(20):
        for path in (f"/random-{n}", f"/fruit/{n}", f"/hello?name={n}", f"/fruit?name=kiwi{n}", f"/fruit?random={n}"):
            frontend.get(path)
    for method in (*METHODS, "SEARCH"):
        for path in (*ENDPOINTS, "/random"):
            frontend.request(method, path)
    for request in (b"BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n", b"nonsense\r\n\r\n",
                    b"GET /hello HTTP/3.0\r\nHost: x\r\n\r\n",
                    b"GET /hello HTTP/1.1\r\n\r\n", b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"POST /fruit HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
                    b"POST /fruit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
                    b"POST /fruit HTTP/1.1\r\nHost: x\r\nExpect: nonsense\r\nContent-Length: 1\r\n\r\n",
                    b"GET /hello HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20000 + b"\r\n\r\n"):
        raw(frontend, request)
    assert frontend.order(quantity=0).status_code == 400 and frontend.order().status_code == 200
    assert set(frontend.samples()) == before


def test_strangers_are_counted_as_other(frontend):
    methods, paths = {"method": "other", "endpoint": "/fruit", "code": "405"}, {"method": "GET", "endpoint": "other"}
    before = [frontend.value("http_requests_total", **labels) for labels in (methods, paths)]
    frontend.request("PROPFIND", "/fruit")
    frontend.request("DELETE", "/fruit")
    frontend.get("/a/b/c")
    after = [frontend.value("http_requests_total", **labels) for labels in (methods, paths)]
    assert after == [before[0] + 2, before[1] + 1]
