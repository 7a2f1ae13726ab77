"""Scenario files, seen from outside: when each part asks, how often, and what is told of what it could not ask."""

import collections
import json
import re
import signal
import time

import pytest

from loads import Running, Target, run
from until import until

HELLO = {"request": {"path": "/hello"}}


@pytest.fixture
def target():
    server = Target()
    yield server
    server.close()


@pytest.fixture
def play(target, tmp_path):
    """play({"one": {…}}, "--speed", 10): name → summary of the part."""

    def run_file(scenarios, *flags, exit_code=0, env=None):
        file = tmp_path / "scenario.json"
        file.write_text(json.dumps({"target": target.url, "scenarios": scenarios}))
        done = run("--scenario", file, "--json", "-", *flags, env=env)
        assert done.returncode == exit_code, done.stderr
        whole = json.loads(done.stdout)
        play.text = done.stderr
        return {part["name"]: part for part in whole["scenarios"]}

    return run_file


def refusal(tmp_path, text, *flags):
    file = tmp_path / "wrong.json"
    file.write_text(text)
    done = run("--scenario", file, *flags)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("traffic: ") and done.stderr.count("\n") == 1
    return done.stderr


def test_shared_iterations_are_made_once_each(play, target):
    part = play({"create": {"executor": "shared-iterations", "vus": 20, "iterations": 500,
                            "request": {"method": "POST", "path": "/person",
                                        "body": {"n": "${iteration}", "r": "${random 3-4}", "p": "${pick a|b}"}}}})["create"]
    assert part["requests"] == len(target.seen) == 500 and part["dropped_iterations"] == 0
    bodies = [json.loads(request.body) for request in target.seen]
    assert sorted(int(body["n"]) for body in bodies) == list(range(1, 501))
    assert {body["r"] for body in bodies} == {"3", "4"} and {body["p"] for body in bodies} == {"a", "b"}
    assert {request.headers["content-type"] for request in target.seen} == {"application/json"}


def test_what_the_time_does_not_suffice_for_is_dropped(play, target):
    target.delay = 0.05
    part = play({"one": {"executor": "shared-iterations", "vus": 2, "iterations": 100, "maxDuration": "500ms"} | HELLO})["one"]
    assert part["requests"] + part["dropped_iterations"] == 100
    assert 10 <= part["requests"] <= 22


def test_constant_users_ask_for_their_time(play, target):
    target.delay = 0.01
    part = play({"one": {"executor": "constant-vus", "vus": 3, "duration": "1s", "pause": "10"} | HELLO})["one"]
    assert 0.9 < part["seconds"] < 1.5 and 60 < part["requests"] <= 3 * 51


def test_a_constant_rate_is_kept_and_maxvus_honoured(play, target):
    quick = play({"one": {"executor": "constant-arrival-rate", "rate": 3000, "timeUnit": "1m", "duration": "2s",
                          "maxVUs": 20} | HELLO})["one"]
    assert quick["requests"] == 100 and quick["dropped_iterations"] == 0 and quick["target_rate"] == 50
    target.delay, target.connections = 0.5, set()
    slow = play({"one": {"executor": "constant-arrival-rate", "rate": 50, "duration": "2s", "maxVUs": 5} | HELLO})["one"]
    assert slow["requests"] + slow["dropped_iterations"] == 100
    assert 15 <= slow["requests"] <= 25, "five users, each busy for half a second"
    assert len(target.connections) <= 5


def test_a_ramp_goes_up_and_down(play, target):
    times = []
    append = target.seen.append

    class Noting(list):
        def append(self, request):
            times.append(time.monotonic())
            append(request)
    target.seen = Noting()
    part = play({"one": {"executor": "ramping-arrival-rate", "startRate": 0, "maxVUs": 50,
                         "stages": [{"target": 200, "duration": "1s"}, {"target": 200, "duration": "1s"},
                                    {"target": 0, "duration": "1s"}]} | HELLO})["one"]
    assert part["requests"] == 400 and part["dropped_iterations"] == 0
    thirds = collections.Counter(int(at - times[0]) for at in times)
    assert abs(thirds[0] - 100) < 20 and abs(thirds[1] - 200) < 20 and abs(thirds[2] - 100) < 20


def test_parts_run_side_by_side_from_their_start_times(play, target):
    first = {}

    class Noting(list):
        def append(self, request):
            first.setdefault(request.target, time.monotonic())
            list.append(self, request)
    target.seen = Noting()
    parts = play({
        "early": {"executor": "constant-arrival-rate", "rate": 20, "duration": "2s", "maxVUs": 5, "request": {"path": "/early"}},
        "late": {"executor": "shared-iterations", "vus": 2, "iterations": 10, "startTime": "1s", "request": {"path": "/late"}}})
    assert parts["early"]["requests"] == 40 and parts["late"]["requests"] == 10
    assert 0.9 < first["/late"] - first["/early"] < 1.3
    assert parts["late"]["seconds"] < 0.9, "its time counts from its own start"


def test_speed_makes_as_many_requests_in_less_time(play, target):
    begin = time.monotonic()
    parts = play({"rate": {"executor": "constant-arrival-rate", "rate": 5, "duration": "10s", "maxVUs": 10} | HELLO,
                  "late": {"executor": "shared-iterations", "iterations": 7, "startTime": "5s"} | HELLO}, "--speed", 10)
    assert time.monotonic() - begin < 3
    assert parts["rate"]["requests"] == 50 and parts["rate"]["target_rate"] == 50 and parts["late"]["requests"] == 7


def test_answers_that_are_expected_are_no_errors(play, target):
    target.status = 404
    asked = {"executor": "shared-iterations", "iterations": 10}
    parts = play({"may": asked | {"request": {"path": "/x", "expect": [200, 404]}}, "must": asked | {"request": {"path": "/x"}},
                  "never": asked | {"request": {"path": "/x", "expect": [200]}}},
                 "--fail-above-error-ratio", 0.6, exit_code=1)
    assert [parts[name]["errors"] for name in ("may", "must", "never")] == [0, 10, 10]


def test_the_flag_s_target_wins_over_the_file_s(play, target):
    other = Target()
    try:
        play({"one": {"executor": "shared-iterations", "iterations": 3} | HELLO}, "--target", other.url)
        assert len(other.seen) == 3 and not target.seen
        play({"one": {"executor": "shared-iterations", "iterations": 3} | HELLO}, env={"BASE_URL": other.url})
        assert len(other.seen) == 3 and len(target.seen) == 3, "the environment is everybody's, the file is meant"
    finally:
        other.close()


def test_the_kinds_of_the_flag_can_be_named(play, target):
    play({"one": {"executor": "shared-iterations", "iterations": 60, "only": "hello,fruit_post"}})
    assert {(request.method, request.target) for request in target.seen} == {("GET", "/hello"), ("POST", "/fruit")}


def test_series_bear_the_part_s_name(target, tmp_path):
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps({"scenarios": {
        "now": {"executor": "constant-vus", "duration": "1m", "pause": "20", "request": {"path": "/p/${iteration}"}},
        "ramp": {"executor": "ramping-arrival-rate", "startRate": 40, "maxVUs": 1,
                 "stages": [{"target": 40, "duration": "1m"}], "request": {"path": "/q", "endpoint": "/query"}},
        "later": {"executor": "constant-arrival-rate", "rate": 7, "duration": "1m", "startTime": "30s", "maxVUs": 1,
                  "only": "hello"}}}))
    with Running("--scenario", file, "--target", target.url) as traffic:
        until(lambda: 'endpoint="/p/:iteration",code="200"} 3' in traffic.get("/metrics")[1])
        page = traffic.get("/metrics")[1]
        assert re.search(r'traffic_requests_total\{scenario="ramp",method="GET",endpoint="/query",code="200"\} \d', page)
        assert 'traffic_requests_total{scenario="later",method="GET",endpoint="/hello",code="200"} 0\n' in page
        assert "\ntraffic_users 1\n" in page and "\ntraffic_target_rate 40\n" in page
        assert traffic.get("/ready")[0] == 200
        code, out, _ = traffic.end(signal.SIGINT)
    assert code == 0 and "scenario later: constant-arrival-rate" in out and "requests   0, errors 0" in out


@pytest.mark.parametrize("text, told", [
    ('{"scenarios": {\n"a": {"executor": "constant-vus",\n"duration": "soon"}}}', "wrong.json:3: scenarios.a.duration: must be a time"),
    ('{"scenarios": {\n"a": {"executor": "constant-arrival-rate",\n"rte": 5}}}', "wrong.json:3: scenarios.a.rte: is not known here"),
    ('{"scenarios":\n{,}}', "wrong.json:2: not valid JSON"), ("", "wrong.json:1: not valid JSON")])
def test_a_wrong_file_is_told_with_line_and_key(tmp_path, text, told):
    assert told in refusal(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    done = run("--scenario", tmp_path / "none.json")
    assert done.returncode == 2 and "none.json: No such file" in done.stderr
    assert "Is a directory" in run("--scenario", tmp_path).stderr


def test_flags_that_the_file_replaces_are_refused(tmp_path):
    for flags in (("--rate", 5), ("--users", 3), ("--duration", 5), ("--only", "hello"), ("--requests", 7)):
        assert f"{flags[0]}: with --scenario, the file says this" in refusal(tmp_path, "{}", *flags)
    assert "--speed" in run("--speed", 3).stderr
