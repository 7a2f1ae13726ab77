"""labs/exporter: what the source says is told, once, and nothing else ever."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from conftest import ROOT
from lab import running
from program import parallel, sanitized
from source import Source, answer, page
from until import until
from workshop.ports import free_port
from workshop.service import http_get

UP, REQUESTS, DURATION = "syseng_up", "syseng_http_requests_total", "syseng_http_request_duration_seconds"


@pytest.fixture
def source():
    with Source() as made:
        yield made


@pytest.fixture
def exporter(source, run):
    return run("exporter", "--stats-uri", source.uri)


def told(exporter):
    """name → {labels as text: value}, of the syseng_ series."""
    found = {}
    for (name, labels), value in exporter.samples().items():
        if name.startswith("syseng_"):
            found.setdefault(name, {})[",".join(f"{k}={v}" for k, v in sorted(labels))] = value
    return found


def down(exporter):
    """Whether it says that the source is down, and nothing else of it."""
    return told(exporter) == {UP: {"": 0}}


def results(exporter):
    return {dict(labels)["result"]: value for (name, labels), value in exporter.samples().items()
            if name == "exporter_fetches_total" and value}


def reasons(exporter):
    return [line for line in exporter.log_text().splitlines() if "the source is down" in line]


# What is told.

def test_what_the_source_says_becomes_metrics(exporter, source):
    source.says = answer(page({"200": 381, "404": 2}, 383, 91.407))
    assert told(exporter) == {UP: {"": 1}, REQUESTS: {"code=200": 381, "code=404": 2},
                              DURATION + "_count": {"": 383}, DURATION + "_sum": {"": 91.407}}
    types = {family.name: family.type for family in exporter.families().values()}
    assert (types["syseng_http_requests"], types[DURATION], types[UP]) == ("counter", "summary", "gauge")
    assert source.lines[-1] == "GET /stats HTTP/1.1"


def test_in_openmetrics_too(exporter, source):
    source.says = answer(page({"200": 5}, 5, 0.25))
    text = exporter.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}).text
    families = {family.name: family for family in parse_openmetrics(text)}
    assert families[DURATION].type == "summary" and families["syseng_http_requests"].type == "counter"
    assert {sample.name: sample.value for sample in families[DURATION].samples} \
        == {DURATION + "_count": 5, DURATION + "_sum": 0.25}


def test_each_scrape_asks_anew_and_nothing_is_kept(exporter, source):
    source.says = answer(page({"200": 381, "404": 2}, 383, 91.5))
    assert told(exporter)[REQUESTS] == {"code=200": 381, "code=404": 2}
    source.says = answer(page({"200": 400, "503": 1}, 401, 95))
    assert told(exporter)[REQUESTS] == {"code=200": 400, "code=503": 1}, "404 is not spoken of any more"
    assert source.asked == 2


def test_counters_that_fall_are_passed_on(exporter, source):
    source.says = answer(page({"200": 1000}, 1000, 50))
    assert told(exporter)[REQUESTS] == {"code=200": 1000}
    source.says = answer(page({"200": 3}, 3, 0.5))
    assert told(exporter)[REQUESTS] == {"code=200": 3} and told(exporter)[DURATION + "_count"] == {"": 3}


def test_a_source_that_has_answered_nobody_yet_is_up(exporter, source):
    source.says = answer(page({}, 0, 0))
    assert told(exporter) == {UP: {"": 1}, DURATION + "_count": {"": 0}, DURATION + "_sum": {"": 0}}


def test_large_counts_and_whole_reals(exporter, source):
    source.says = answer(b'{"requestCounters":{"200":9007199254740993,"201":1e3},"duration":{"count":2.0,"sum":7}}')
    assert told(exporter) == {UP: {"": 1}, REQUESTS: {"code=200": 9007199254740992, "code=201": 1000},
                              DURATION + "_count": {"": 2}, DURATION + "_sum": {"": 7}}


# When the source is not well.

LIES = {
    "negative count": (page({"200": -1}), "absurd", "requestCounters.200 is negative: -1"),
    "text for a number": (page({"200": "12"}), "absurd", "requestCounters.200 is no number"),
    "NaN as text": (page(seconds="NaN"), "absurd", "duration.sum is no number"),
    "null": (page({"200": None}), "absurd", "requestCounters.200 is no number"),
    "half a request": (page({"200": 1.5}), "absurd", "requestCounters.200 is no count: 1.5"),
    "a negative sum": (page(seconds=-0.5), "absurd", "duration.sum is negative: -0.5"),
    "a negative number of requests": (page(count=-3), "absurd", "duration.count is negative: -3"),
    "a key that is no code": (page({"200": 1, "teapot": 2}), "absurd", "the key teapot, no status code"),
    "a code that there is not": (page({"999": 2}), "absurd", "the key 999, no status code"),
    "counters as a list": (page() | {"requestCounters": [1, 2]}, "absurd", "requestCounters is no object"),
    "duration as a number": (page() | {"duration": 3}, "absurd", "duration is no object"),
    "no counters": ({"duration": {"count": 1, "sum": 1}}, "missing", "requestCounters is missing"),
    "no duration": ({"requestCounters": {"200": 1}}, "missing", "duration is missing"),
    "no sum": ({"requestCounters": {}, "duration": {"count": 1}}, "missing", "duration.sum is missing"),
    "no count": ({"requestCounters": {}, "duration": {"sum": 1}}, "missing", "duration.count is missing"),
    "a list": ([1], "missing", "requestCounters is missing"),
    "NaN": (b'{"requestCounters":{"200":NaN},"duration":{"count":1,"sum":1}}', "not_json", "no JSON"),
    "infinity": (b'{"requestCounters":{"200":1},"duration":{"count":1,"sum":1e999}}', "not_json", "no JSON"),
    "a key twice": (b'{"requestCounters":{"200":1,"200":2},"duration":{"count":1,"sum":1}}', "not_json", "no JSON"),
    "half a page": (b'{"requestCounters":{"200":1', "not_json", "no JSON"),
    "a page for people": (b"<h1>It works!</h1>", "not_json", "no JSON"),
    "nothing": (b"", "not_json", "no JSON"),
    "bytes that are no text": (b'{"requestCounters":{"\xff\xfe":1}}', "not_json", "no JSON"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_source_that_lies_is_down_and_the_reason_told_once(exporter, source, name):
    content, result, reason = LIES[name]
    assert told(exporter)[UP] == {"": 1}
    source.says = answer(content)
    assert down(exporter) and down(exporter) and down(exporter)
    assert results(exporter) == {"ok": 1, result: 4}
    assert len(reasons(exporter)) == 1 and reason in reasons(exporter)[0], reasons(exporter)
    source.says = answer(page())
    assert told(exporter)[UP] == {"": 1}
    assert "the source is up again" in exporter.log_text()


BROKEN = {
    "503": (answer(page(), 503), "status", "it answers 503"),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", "status", "it answers 302"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "broken", "broken"),
    "too large": (answer(b'{"a":"' + b"x" * 65536 + b'"}'), "too_large", "larger than --size-limit"),
    "too large, in chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + 20 * (b"1000\r\n" + b" " * 4096 + b"\r\n"),
                             "too_large", "larger than --size-limit"),
    "the end in the middle": (lambda connection: connection.sendall(answer(page())[:-5]) is not None, "broken", "broken"),
    "gone without a word": (lambda connection: False, "broken", "broken"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_source_that_is_broken_is_down(exporter, source, name):
    says, result, reason = BROKEN[name]
    assert told(exporter)[UP] == {"": 1}
    source.says = says
    assert down(exporter) and down(exporter)
    assert results(exporter) == {"ok": 1, result: 3}
    assert len(reasons(exporter)) == 1 and reason in reasons(exporter)[0], reasons(exporter)
    source.says = answer(page())
    assert told(exporter)[UP] == {"": 1}


def test_nobody_listens_there(run):
    exporter = run("exporter", "--stats-uri", f"http://127.0.0.1:{free_port()}/stats")
    assert down(exporter) and down(exporter)
    assert len(reasons(exporter)) == 1 and "Connection refused" in reasons(exporter)[0]
    assert results(exporter) == {"unreachable": 3}
    assert exporter.get("/ready").status_code == 200, "the exporter is ready to tell that its source is not"


def test_a_slow_source_takes_two_seconds_and_no_more(exporter, source):
    assert told(exporter)[UP] == {"": 1}
    over = threading.Event()
    source.says = lambda connection: over.wait(20)
    begin = time.monotonic()
    assert down(exporter)
    assert 1.9 < time.monotonic() - begin < (4 if sanitized() else 2.6)
    over.set()
    assert "did not answer in time" in reasons(exporter)[0]
    source.says = answer(page())
    assert told(exporter)[UP] == {"": 1}


def test_one_that_sends_a_byte_now_and_then_is_slow_too(run, source):
    exporter = run("exporter", "--stats-uri", source.uri, "--timeout", "300")

    def drip(connection):
        for byte in answer(page()):
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    source.says = drip
    begin = time.monotonic()
    assert down(exporter)
    assert 0.3 <= time.monotonic() - begin < 1.5 and set(results(exporter)) == {"timeout"}


def test_the_size_limit_is_a_setting(run, source):
    exporter = run("exporter", "--stats-uri", source.uri, "--size-limit", "100")
    assert down(exporter)
    source.says = answer(b'{"requestCounters":{},"duration":{"count":0,"sum":0}}')
    assert told(exporter)[UP] == {"": 1}


def test_another_reason_is_told_too_and_after_a_good_answer_anew(exporter, source):
    for says in (answer(b"?"), answer(page(), 500), answer(b"?"), answer(page(), 500)):
        source.says = says
        assert down(exporter)
    assert [reason in line for reason, line in zip(("no JSON", "answers 500"), reasons(exporter), strict=True)] == [True] * 2
    source.says = answer(page())
    assert told(exporter)[UP] == {"": 1}
    source.says = answer(b"?")
    assert down(exporter)
    assert len(reasons(exporter)) == 3


# Many at once.

def test_concurrent_scrapes_share_one_question(exporter, source):
    go = threading.Event()

    def later(connection):
        go.wait(5)
        connection.sendall(answer(page({"200": 7})))

    source.says = later
    timer = threading.Timer(0.5, go.set)
    timer.start()
    pages = parallel(20, lambda n: exporter.get("/metrics").text)
    assert source.asked == 1
    assert all(f'{REQUESTS}{{code="200"}} 7' in text for text in pages)


def test_more_scrapes_than_may_wait_are_sent_away(exporter, source):
    go = threading.Event()
    source.says = lambda connection: go.wait(10) and connection.sendall(answer(page()))
    with socket.create_connection(("127.0.0.1", exporter.port)) as many:
        many.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 41)
        until(lambda: source.asked)
        refused = exporter.get("/metrics")
        assert refused.status_code == 503 and "wait for the source" in refused.text
        go.set()
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 40:
            more = many.recv(1 << 20)
            assert more
            received += more
    until(lambda: told(exporter)[UP] == {"": 1})


def test_health_is_answered_while_the_source_is_slow(exporter, source):
    over = threading.Event()
    source.says = lambda connection: over.wait(10)
    scrape = threading.Thread(target=exporter.get, args=("/metrics",))
    scrape.start()
    until(lambda: source.asked)
    begin = time.monotonic()
    assert exporter.get("/health").status_code == 200
    assert time.monotonic() - begin < 1
    over.set()
    scrape.join()


def test_one_that_scrapes_and_leaves_harms_nobody(exporter, source):
    go = threading.Event()
    source.says = lambda connection: go.wait(5) and connection.sendall(answer(page()))
    with socket.create_connection(("127.0.0.1", exporter.port)) as one:
        one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: source.asked)
    go.set()
    source.says = answer(page({"200": 8}))
    until(lambda: told(exporter)[REQUESTS] == {"code=200": 8})


def test_at_sigterm_who_waits_is_answered(stack, source):
    over = threading.Event()
    source.says = lambda connection: over.wait(10)
    with running(stack, "exporter", "--stats-uri", source.uri) as exporter:
        found = []
        scrape = threading.Thread(target=lambda: found.append(exporter.get("/metrics")))
        scrape.start()
        until(lambda: source.asked)
        exporter.signal(signal.SIGTERM)
        scrape.join()
    over.set()
    assert found[0].status_code == 200 and f"{UP} 0" in found[0].text


# The source's address.

def test_the_path_and_the_query_are_the_sources_own(run, source):
    exporter = run("exporter", "--stats-uri", source.uri.replace("/stats", "/server/statistics?format=json"))
    assert told(exporter)[UP] == {"": 1}
    assert source.lines == ["GET /server/statistics?format=json HTTP/1.1"]


def test_the_environment_names_it_too_and_no_path_is_the_root(stack, source):
    with running(stack, "exporter", env={"STATS_URI": source.uri.removesuffix("/stats")}) as exporter:
        assert told(exporter)[UP] == {"": 1}
    assert source.lines[0] == "GET / HTTP/1.1"


@pytest.mark.parametrize("uri, complaint", [
    ("https://127.0.0.1:5000/stats", "https://127.0.0.1:5000 is not http://HOST"),
    ("127.0.0.1:5000/stats", "is not http://HOST"),
    ("http://127.0.0.1:port/stats", "has no valid HOST"),
    ("http://127.0.0.1:5000/my stats", "/my stats has a blank or a #"),
    ("http://127.0.0.1:5000/stats#top", "has a blank or a #"),
    ("http://user:secret@127.0.0.1/stats", "is not http://HOST"),
])
def test_a_wrong_address_is_named(stack, uri, complaint):
    with running(stack, "exporter", "--stats-uri", uri, ready=False) as exporter:
        exporter.exit_status, exporter.may_complain = 2, True
        assert exporter.wait_exit() == 2
        assert "--stats-uri (or STATS_URI)" in exporter.log_text() and complaint in exporter.log_text()


def test_a_name_that_nobody_knows_is_a_source_that_is_down(run):
    exporter = run("exporter", "--stats-uri", "http://no-such-host.invalid/stats")
    assert down(exporter) and set(results(exporter)) <= {"unreachable", "timeout"}


def test_the_real_frontend(stack, run):
    """Without its servers, which its page of statistics does not need."""
    frontend = stack.program("frontend", "--log-level", "error", label="frontend-for-exporter")
    frontend.start()
    try:
        until(lambda: frontend.alive())
        for _ in range(7):
            assert requests.get(frontend.url + "/nowhere", timeout=5).status_code == 404
        exporter = run("exporter", "--stats-uri", frontend.url + "/stats")
        found = told(exporter)
        assert found[UP] == {"": 1} and found[REQUESTS]["code=404"] == 7
        assert found[DURATION + "_count"][""] == sum(found[REQUESTS].values())
    finally:
        frontend.stop()
    assert down(exporter)


@pytest.fixture
def stand_in():
    """labs/exporter/source.py, as the lab's page has people use it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, ROOT / "labs/exporter/source.py", "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        until(lambda: http_get(url + "/stats")[0] == 200)
        yield url
    finally:
        process.terminate()
        process.wait(5)


def test_the_stand_in_does_what_it_is_told(run, stand_in):
    exporter = run("exporter", "--stats-uri", stand_in + "/stats")

    def say(mood):
        assert requests.post(f"{stand_in}/say/{mood}", timeout=5).status_code == 200

    for _ in range(5):
        assert requests.get(stand_in + "/nowhere", timeout=5).status_code == 404
    assert told(exporter)[REQUESTS] == {"code=404": 5}
    for mood, result in {"down": "status", "slow": "timeout", "huge": "too_large", "nan": "not_json", "negative": "absurd",
                         "missing": "missing", "html": "not_json"}.items():
        say(mood)
        before = results(exporter).get(result, 0)
        assert down(exporter) and results(exporter)[result] > before, mood
        say("well")
        assert told(exporter)[REQUESTS] == {"code=404": 5}
    say("restart")
    assert told(exporter) == {UP: {"": 1}, DURATION + "_count": {"": 0}, DURATION + "_sum": {"": 0}}
    assert requests.post(f"{stand_in}/say/nonsense", timeout=5).status_code == 400
    assert requests.get(f"{stand_in}/say/down", timeout=5).status_code == 405


def test_what_it_says_of_itself(exporter):
    text = exporter.get("/metrics").text
    for name in ("process_resident_memory_bytes", "libuv_loop_iterations_total", "workshop_build_info"):
        assert re.search(rf"^{name}[ {{]", text, re.M), name
    assert "stats_exporter" in exporter.command()[0].name
