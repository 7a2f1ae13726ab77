"""traffic, seen from outside: what it asks of a target, what it tells, and how it ends.

The target is an HTTP server in this process, so that it can count, stall, fail and vanish at will.
"""

import collections
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import threading
import time
import uuid

import pytest
from prometheus_client import parser

from loads import FRUITS, PROGRAM, Running, Target, run, summary
from program import SANITIZERS, free_port
from until import until


@pytest.fixture
def target():
    server = Target()
    yield server
    server.close()


# What is asked ------------------------------------------------------------------------------------


def test_closed_loop_asks_for_each_endpoint_and_counts_right(target):
    s = summary("--target", target.url, "--users", 5, "--pause", 0, "--requests", 900)
    assert len(target.seen) == s["requests"] == 900
    assert set(s["by_endpoint"]) == {("GET", "/hello"), ("GET", "/fruit"), ("POST", "/fruit")}
    for (method, path), endpoint in s["by_endpoint"].items():
        assert endpoint["codes"] == {"200": target.count(method, path)}
        assert 220 < endpoint["requests"] < 380
    assert s["errors"] == 0 and s["no_answer"] == {} and s["executor"] == "constant-vus"


def test_requests_are_those_of_the_workshop(target):
    summary("--target", target.url, "--users", 5, "--pause", 0, "--requests", 900)
    names, posts = set(), []
    for r in target.seen:
        assert r.headers["host"] == f"127.0.0.1:{target.port}"
        if r.method == "POST":
            posts.append(json.loads(r.body))
            assert r.target == "/fruit" and r.headers["content-type"] == "application/json"
            assert "idempotency-key" not in r.headers
        elif r.target.startswith("/fruit"):
            names.add(r.target.removeprefix("/fruit?name="))
    assert names == FRUITS | {"all"}
    assert {p["fruit"] for p in posts} == FRUITS
    assert {p["quantity"] for p in posts} == set(range(1, 11))


def test_only_restricts_the_mix(target):
    s = summary("--target", target.url, "--only", "hello,/health?a=1", "--pause", 0, "--requests", 200)
    assert {r.target for r in target.seen} == {"/hello", "/health?a=1"}
    assert set(s["by_endpoint"]) == {("GET", "/hello"), ("GET", "/health")}


def test_target_may_come_from_the_environment_and_have_a_prefix(target):
    summary("--only", "hello", "--pause", 0, "--requests", 3, env={"BASE_URL": target.url + "/api"})
    assert [r.target for r in target.seen] == ["/api/hello"] * 3


def test_the_same_seed_asks_the_same(target):
    orders = []
    for _ in range(2):
        summary("--target", target.url, "--users", 1, "--pause", 0, "--requests", 100, "--seed", 7)
        orders.append([(r.method, r.target, r.body) for r in target.seen])
        target.seen.clear()
    assert orders[0] == orders[1]


def test_pauses_are_kept(target):
    s = summary("--target", target.url, "--users", 4, "--pause", "40-60", "--duration", 3)
    assert 3 * 4 / .062 * .85 < s["requests"] < 3 * 4 / .05 * 1.1


# The open loop ------------------------------------------------------------------------------------


def test_open_loop_keeps_its_rate(target):
    s = summary("--target", target.url, "--rate", 500, "--duration", 4)
    assert s["requests"] == len(target.seen) == 2000
    assert s["dropped_iterations"] == 0
    assert abs(s["rate"] - 500) < 500 * .02 and abs(s["sent_rate"] - 500) < 500 * .02
    assert s["target_rate"] == 500 and s["executor"] == "constant-arrival-rate"


def test_slow_rates_are_kept_too(target):
    s = summary("--target", target.url, "--rate", 2.5, "--duration", 2)
    assert s["requests"] == len(target.seen) == 5


def test_poisson_arrivals_have_the_mean(target):
    s = summary("--target", target.url, "--rate", 500, "--duration", 4, "--arrivals", "poisson", "--seed", 1)
    assert abs(s["requests"] - 2000) < 5 * 2000 ** .5
    assert s["requests"] != 2000


def test_a_stall_of_the_target_shows_in_the_open_loop(target):
    """Coordinated omission: of 800 requests 200 were due while the target stood still, for 0.5 s on average."""
    threading.Timer(1, target.stall, [1]).start()
    s = summary("--target", target.url, "--rate", 200, "--duration", 4)
    latency = s["latency_seconds"]
    assert s["requests"] == 800
    assert .8 < latency["p99"] < 1.3 and latency["p90"] > .4 and latency["p50"] < .2


def test_a_stall_hides_in_a_closed_loop(target):
    """The same stall, seen by one user: a single slow request. This is why there is an open loop."""
    threading.Timer(1, target.stall, [1]).start()
    s = summary("--target", target.url, "--users", 1, "--pause", 1, "--duration", 4)
    assert s["latency_seconds"]["max"] > .8
    assert s["latency_seconds"]["p99"] < .2


def test_what_finds_too_many_in_flight_is_dropped_and_counted(target):
    target.delay = .5
    with Running("--target", target.url, "--rate", 100, "--max-in-flight", 10, "--connections", 10,
                 "--duration", 3, "--json", "-") as traffic:
        until(lambda: "\ntraffic_dropped_iterations_total 0" not in traffic.get("/metrics")[1])
        out, _ = traffic.process.communicate(timeout=15)
    (s,) = json.loads(out)["scenarios"]
    assert s["requests"] + s["dropped_iterations"] == 300
    assert s["requests"] == len(target.seen)
    assert 40 <= s["requests"] <= 70


def test_more_in_flight_than_connections_wait_their_turn(target):
    target.delay = .2
    s = summary("--target", target.url, "--rate", 100, "--connections", 10, "--requests", 100)
    assert s["requests"] == 100 and s["dropped_iterations"] == 0
    assert s["latency_seconds"]["p99"] > .8  # 50 a second are served, so the last ones waited a second
    assert len(target.connections) <= 10
    assert s["waited_for_connection"] > 50


# What goes wrong ----------------------------------------------------------------------------------


def test_too_many_errors_fail_the_run(target):
    target.status = 503
    done = run("--target", target.url, "--requests", 20, "--pause", 0, "--fail-above-error-ratio", .5)
    assert done.returncode == 1
    assert "--fail-above-error-ratio 0.5" in done.stderr
    assert "503: " in done.stdout


def test_few_enough_errors_do_not(target):
    assert run("--target", target.url, "--requests", 20, "--pause", 0, "--fail-above-error-ratio", 0).returncode == 0
    target.status = 503
    assert run("--target", target.url, "--requests", 20, "--pause", 0).returncode == 0


def test_dropped_requests_fail_the_run_too(target):
    target.delay = .3
    done = run("--target", target.url, "--rate", 200, "--max-in-flight", 1, "--duration", 1,
               "--fail-above-error-ratio", .1)
    assert done.returncode == 1 and "dropped" in done.stderr


def test_a_target_that_is_not_there_is_asked_with_pauses():
    url = f"http://127.0.0.1:{free_port()}"
    begin = os.times()
    s = summary("--target", url, "--users", 3, "--pause", 0, "--duration", 2)
    cpu = os.times().children_user - begin.children_user
    assert 6 <= s["requests"] == s["errors"] < 200
    assert list(s["no_answer"]) == ["connection refused"]
    assert cpu < 1


def test_a_target_that_comes_later_is_found():
    port = free_port()
    with Running("--target", f"http://127.0.0.1:{port}", "--users", 2, "--pause", 10) as traffic:
        until(lambda: traffic.get("/ready")[0] == 503)
        assert json.loads(traffic.get("/ready")[1])["dependencies"] == {"target": "down"}
        target = Target(port)
        try:
            until(lambda: traffic.get("/ready")[0] == 200)
            until(lambda: len(target.seen) > 20)
        finally:
            target.close()
        until(lambda: traffic.get("/ready")[0] == 503)
        assert traffic.get("/health")[0] == 200
        code, out, _ = traffic.end()
    assert code == 0 and "connection refused" in out


def test_time_outs_are_errors_with_a_latency(target):
    target.hang = True
    s = summary("--target", target.url, "--rate", 20, "--requests", 10, "--timeout", .5)
    assert s["errors"] == s["no_answer"]["timeout"] == 10
    assert .45 < s["latency_seconds"]["p50"] < .8


def test_large_answers_are_read_to_the_end(target):
    target.body = bytes(10_000_000)
    assert summary("--target", target.url, "--only", "/file", "--pause", 0, "--requests", 10)["errors"] == 0
    target.body = bytes(20_000_000)
    s = summary("--target", target.url, "--only", "/file", "--users", 1, "--requests", 1)
    assert s["no_answer"] == {"too large": 1}


def test_what_is_no_http_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            for _ in range(3):
                connection, _ = server.accept()
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
                connection.close()
        threading.Thread(target=answer, daemon=True).start()
        s = summary("--target", f"http://127.0.0.1:{server.getsockname()[1]}", "--users", 1, "--pause", 0,
                    "--requests", 3, "--only", "fruit_post")
    assert s["errors"] == 3
    assert s["by_endpoint"]["POST", "/fruit"]["codes"] == {"error": 3}


# Settings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("args, named", [  # test_settings.py has the others
    (["--only", "/a b"], "--only"), (["--only", "/1" + ",/x" * 16], "--only"), (["--target", "http://user@x"], "--target"),
    (["--log-ids", "/nowhere/x"], "--log-ids"), (["--json", "/nowhere/x"], "--json"),
])
def test_a_bad_setting_names_itself(args, named):
    done = run(*args)
    assert done.returncode == 2, done.stderr
    assert named in done.stderr and len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([PROGRAM, "--listen", f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=20,
                              env=SANITIZERS)
    assert done.returncode == 1 and str(port) in done.stderr


# Ids ----------------------------------------------------------------------------------------------


def test_idempotency_keys_are_fresh_uuids(target):
    summary("--target", target.url, "--pause", 0, "--requests", 300, "--idempotency-keys")
    keys = [r.headers.get("idempotency-key") for r in target.seen if r.method == "POST"]
    assert len(keys) == len(set(keys)) > 50
    assert all(uuid.UUID(key).version == 7 for key in keys)
    assert not any("idempotency-key" in r.headers for r in target.seen if r.method == "GET")


def test_the_ledger_holds_every_attempt_and_every_answer(target, tmp_path):
    ledger = tmp_path / "ids"
    threading.Timer(.5, setattr, [target, "status", 503]).start()
    threading.Timer(1, target.close).start()  # from here on nothing is answered
    summary("--target", target.url, "--pause", 10, "--duration", 2, "--log-ids", ledger)
    lines = [line.split() for line in ledger.read_text().splitlines()]
    attempts = {line[1]: (line[2], int(line[3])) for line in lines if line[0] == "attempt"}
    acks = {line[1]: line[2] for line in lines if line[0] == "ack"}
    assert len(attempts) + len(acks) == len(lines)
    sent = {r.headers["idempotency-key"]: json.loads(r.body) for r in target.seen if r.method == "POST"}
    assert {key: (p["fruit"], p["quantity"]) for key, p in sent.items()}.items() <= attempts.items()
    assert set(acks) <= set(sent) and len(set(sent) - set(acks)) <= 10
    assert set(acks.values()) == {"200", "503"}
    assert len(attempts) > len(sent)


def test_the_ledger_is_written_while_it_runs(target, tmp_path):
    ledger = tmp_path / "ids"
    target.hang = True
    with Running("--target", target.url, "--only", "fruit_post", "--users", 3, "--pause", 0,
                 "--log-ids", ledger) as traffic:
        until(lambda: len(target.seen) == 3)
        until(lambda: ledger.read_text().count("attempt ") == 3)
        traffic.process.kill()  # what was attempted is known whatever happens
    sent = {r.headers["idempotency-key"] for r in target.seen}
    assert {line.split()[1] for line in ledger.read_text().splitlines()} == sent


# Ending -------------------------------------------------------------------------------------------


def test_the_first_interrupt_waits_for_answers_and_prints_the_summary(target):
    target.delay = 1
    with Running("--target", target.url, "--users", 10, "--pause", 0) as traffic:
        until(lambda: len(target.seen) == 10)
        begin = time.monotonic()
        code, out, _ = traffic.end()
    assert code == 0 and time.monotonic() - begin < 2
    assert "requests   10, errors 0" in out and len(target.seen) == 10


def test_answers_that_never_come_are_given_up(target):
    target.hang = True
    with Running("--target", target.url, "--users", 3, "--pause", 0) as traffic:
        until(lambda: len(target.seen) == 3)
        begin = time.monotonic()
        code, out, _ = traffic.end()
    assert code == 0 and 4 < time.monotonic() - begin < 5.5
    assert "unfinished 3" in out


def test_the_second_interrupt_ends_at_once(target):
    target.hang = True
    with Running("--target", target.url, "--users", 3, "--pause", 0) as traffic:
        until(lambda: len(target.seen) == 3)
        traffic.process.send_signal(signal.SIGINT)
        time.sleep(.3)
        begin = time.monotonic()
        code, _, _ = traffic.end()
    assert code == 130 and time.monotonic() - begin < 1


def test_the_duration_is_kept(target):
    begin = time.monotonic()
    s = summary("--target", target.url, "--duration", 1.5)
    assert 1.4 < time.monotonic() - begin < 2.5
    assert 1.4 < s["seconds"] < 2.1


# What is told -------------------------------------------------------------------------------------


def test_the_summary_is_readable(target):
    done = run("--target", target.url, "--rate", 100, "--requests", 100)
    for text in ("scenario default: constant-arrival-rate, 100 requests/s", "requests   100, errors 0 (0.00 %), dropped 0",
                 "GET  /hello", "POST /fruit", "200: ", "p99.9", "late by    p50", "traffic used"):
        assert text in done.stdout


def test_quiet_says_nothing_but_json(target, tmp_path):
    file = tmp_path / "summary.json"
    done = run("--target", target.url, "--requests", 10, "--quiet", "--json", file, "--log-level", "warn")
    assert done.stdout == done.stderr == ""
    assert json.loads(file.read_text())["scenarios"][0]["requests"] == 10


def test_progress_is_logged_where_there_is_no_terminal(target):
    with Running("--target", target.url, "--log-format", "json") as traffic:
        time.sleep(5.6)
        _, _, err = traffic.end()
    lines = [json.loads(line) for line in err.splitlines()]
    progress = [line for line in lines if line.get("message", line.get("msg")) == "progress"]
    assert len(progress) == 1
    assert 5 < progress[0]["rate"] < 100 and progress[0]["error_percent"] == 0


def test_a_terminal_gets_one_line_that_is_rewritten(target):
    ours, theirs = pty.openpty()
    with Running("--target", target.url, "--duration", 3, stderr=theirs) as traffic:
        traffic.process.wait(10)
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], .2)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:
                break
    os.close(ours)
    lines = re.findall(rb"\r\x1b\[K([^\r\n]*requests/s[^\r\n]*)\r", shown)
    assert len(lines) >= 2
    assert b"p99" in lines[0] and b"s left" in lines[0]


def check_exposition(text):
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return {(s.name, frozenset(s.labels.items())): s.value
            for family in parser.text_string_to_metric_families(text) for s in family.samples}


def test_metrics_exist_from_the_start_and_are_right(target):
    target.hang = True
    with Running("--target", target.url, "--users", 7, "--pause", 0) as traffic:
        until(lambda: traffic.get("/metrics")[0] == 200)
        at_start = check_exposition(traffic.get("/metrics")[1])
    labels = {"scenario": "default", "method": "POST", "endpoint": "/fruit"}
    for code in ("200", "400", "415", "503", "error"):
        assert at_start["traffic_requests_total", frozenset((labels | {"code": code}).items())] == 0
    assert at_start["traffic_request_duration_seconds_count", frozenset(labels.items())] == 0
    assert at_start["traffic_users", frozenset()] == 7
    assert at_start["traffic_target_rate", frozenset()] == 0
    assert at_start["traffic_dropped_iterations_total", frozenset()] == 0


def test_metrics_count_what_was_answered(target):
    with Running("--target", target.url, "--rate", 200) as traffic:
        until(lambda: len(target.seen) > 300)
        target.status = 404  # in no contract, and still told apart
        until(lambda: len(target.seen) > 500)
        series = check_exposition(traffic.get("/metrics")[1])
    counts = collections.Counter()
    for (name, labels), value in series.items():
        if name == "traffic_requests_total":
            counts[dict(labels)["code"]] += value
    assert counts["200"] > 290 and counts["404"] > 150 and counts["error"] == 0
    observed = sum(v for (name, _), v in series.items() if name == "traffic_request_duration_seconds_count")
    assert observed == sum(counts.values())
    assert series["traffic_target_rate", frozenset()] == 200
    assert any(name == "workshop_build_info" for name, _ in series)


def test_healthcheck_asks_the_one_that_runs(target):
    with Running("--target", target.url) as traffic:
        until(lambda: traffic.get("/health")[0] == 200)
        argv = [PROGRAM, "--listen", f"127.0.0.1:{traffic.port}", "--healthcheck"]
        assert subprocess.run(argv, timeout=10).returncode == 0
    assert subprocess.run(argv, timeout=10, capture_output=True).returncode == 1
