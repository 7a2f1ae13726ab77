"""A class: laptops that share, ./workshop class, and the instructor's Prometheus and dashboard, each against what is true."""

import json
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from copy_of_tree import ROOT, Copy
from workshop import Failure, classroom, exporters, ports, share
from workshop.course import catalogue, parse
from workshop.prometheus import Api
from workshop.service import http_get

EXERCISES = [exercise.directory.name for exercise in catalogue.exercises(ROOT).values()]
CLASS = {"Ada": ({0: 1, 1: 1, 2: 1}, {2: 1}), "Grace": ({0: 1}, {1: 3, 2: 1}), 'Zoë "Z" \\': ({}, {})}  # passed, hints


def laptop(directory, passed, hints):
    """A checkout, as far as sharing looks at it."""
    (directory / "mine").mkdir(parents=True)
    (directory / "exercises").symlink_to(ROOT / "exercises")
    (directory / "mine/.progress.json").write_text(json.dumps({"passed": passed, "solved": {}, "hints": hints}))
    return directory


@pytest.fixture(scope="module")
def laptops(tmp_path_factory):
    """student → HOST:PORT"""
    found, servers = {}, []
    for student, (passed, hints) in CLASS.items():
        root = laptop(tmp_path_factory.mktemp("laptop"), passed, hints)
        server = share.Server((ports.HOST, 0), share._handler(root, student))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        found[student] = f"{ports.HOST}:{server.server_address[1]}"
        servers.append(server)
    yield found
    for server in servers:
        server.shutdown()
        server.server_close()


# What a laptop shows.

@pytest.mark.parametrize("student", CLASS)
def test_the_page_tells_each_exercise_from_the_start(tmp_path, student):
    passed, hints = CLASS[student]
    page = parse(share.page(laptop(tmp_path, passed, hints), student))
    assert {labels["exercise"] for labels in page.labels("workshop_exercise_passed")} == set(EXERCISES)
    for exercise in EXERCISES:
        number = int(exercise[:2])
        assert page.value("workshop_exercise_passed", student=student, exercise=exercise) == (number in passed)
        assert page.value("workshop_exercise_hints", student=student, exercise=exercise) == hints.get(number, 0)


def test_without_a_tree_nothing_is_passed(tmp_path):
    (tmp_path / "exercises").symlink_to(ROOT / "exercises")
    assert parse(share.page(tmp_path, "Ada")).value("workshop_exercise_passed") == 0


@pytest.mark.parametrize("text", ["", "  ", "x" * 41, "a\x07b", "a\u200bb"])
def test_a_name_that_is_none(text):
    with pytest.raises(Failure, match="is no name"):
        share.student_name(text)


@pytest.mark.parametrize("text, found", [("0.0.0.0", ("0.0.0.0", 5090)), (":6000", ("127.0.0.1", 6000)), ("h:1", ("h", 1))])
def test_addresses(text, found):
    assert share.address(text) == found


def test_an_offset_moves_the_port_that_nobody_named():
    assert share.address("0.0.0.0", 1000) == ("0.0.0.0", 6090) and share.address("0.0.0.0:7", 1000) == ("0.0.0.0", 7)


@pytest.mark.parametrize("text", ["h:", "h:x", "h:70000", "1:2:3"])
def test_an_address_that_is_none(text):
    with pytest.raises(Failure, match="is no HOST:PORT"):
        share.address(text)


@pytest.fixture(scope="module")
def copy():
    return Copy()


def test_the_command_shows_it_on_that_address_alone_and_ends_with_ctrl_c(copy):
    port = ports.free_port()
    command = [copy.path / "workshop", "share", "--student", "Ada", "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said = "".join(process.stdout.readline() for _ in range(3))
            assert f"http://127.0.0.1:{port}/metrics" in said and "only this computer" in said
            status, body = http_get(f"http://127.0.0.1:{port}/metrics", 5)
            assert status == 200 and parse(body).value("workshop_exercise_passed", student="Ada") == 0
            assert http_get(f"http://127.0.0.1:{port}/", 5)[0] == 404
            with pytest.raises(OSError):
                socket.create_connection(("127.0.0.2", port), 1)
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130
        finally:
            process.kill()


def test_a_port_that_is_taken(copy):
    with socket.socket() as other:
        other.bind((ports.HOST, 0))
        other.listen()
        status, said = copy.run("share", "--student", "Ada", "--listen", f"127.0.0.1:{other.getsockname()[1]}", offset=False)
    assert status == 1 and "cannot listen on" in said and "Address already in use" in said


def test_connections_without_end_get_no_thread_each(laptops):
    host, port = next(iter(laptops.values())).split(":")
    before, silent = threading.active_count(), []
    try:
        for _ in range(100):
            silent.append(socket.create_connection((host, int(port)), 5))
        assert threading.active_count() - before <= share.CONNECTIONS
    finally:
        for peer in silent:
            peer.close()
    end = time.monotonic() + 10
    while http_get(f"http://{host}:{port}/metrics", 2)[0] != 200:
        assert time.monotonic() < end, "it does not answer any more"
        time.sleep(0.05)


# The instructor's side.

def test_class_says_who_is_there(copy, laptops):
    gone = f"127.0.0.1:{ports.free_port()}"
    (copy.path / classroom.FILE).write_text("# Room 2\n" + "\n".join([*laptops.values(), f"{gone}  # Linus"]) + "\n")
    try:
        status, said = copy.run("class")
    finally:
        (copy.path / classroom.FILE).unlink()
    lines = said.splitlines()
    assert status == 1 and f"Ada: 3 of {len(EXERCISES)} passed, 1 hints" in lines[0], said
    assert lines[3].startswith(gone) and "Connection refused" in lines[3], said
    assert "Prometheus does not run" in lines[4], said


@pytest.mark.parametrize("text, says", [(None, "there is no class.txt"), ("# nobody\n", "there is nobody in class.txt"),
                                        ("192.168.1.7\nnot an address\n", "class.txt, line 2: 'not an address' is no"),
                                        ("h:99999\n", "class.txt, line 1: 'h:99999' is no")])
def test_a_file_that_names_nobody(copy, text, says):
    file = copy.path / classroom.FILE
    if text is not None:
        file.write_text(text)
    try:
        status, said = copy.run("class")
    finally:
        file.unlink(missing_ok=True)
    assert status == 1 and says in said, said


def test_the_file_becomes_targets(tmp_path):
    (tmp_path / classroom.FILE).write_text("192.168.1.7\n\n10.0.0.1:6000 # Ada\nada.local\n[fe80::1]\n192.168.1.7:5090\n")
    assert json.loads(classroom.targets(tmp_path)) == [
        {"targets": ["192.168.1.7:5090", "10.0.0.1:6000", "ada.local:5090", "[fe80::1]:5090"]}]
    assert json.loads(classroom.targets(tmp_path / "nowhere")) == []


@pytest.fixture(scope="module")
def prometheus(laptops, tmp_path_factory):
    """With the committed configuration and a class.txt, but five times as quick."""
    root, port = tmp_path_factory.mktemp("instructor"), ports.free_port()
    shutil.copytree(ROOT / "prometheus", root / "prometheus")
    (root / classroom.FILE).write_text("\n".join([*laptops.values(), f"{ports.HOST}:{ports.free_port()}"]))
    exporters.write_config(root, root / "config", offset=20000)
    file = root / "config/prometheus.yml"
    quick = file.read_text().replace("scrape_interval: 5s", "scrape_interval: 1s").replace("scrape_timeout: 4s", "scrape_timeout: 1s")
    assert quick.count(": 1s\n") == 2
    file.write_text(quick)
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={root}/data", "--log.level=error",
               f"--web.listen-address={ports.HOST}:{port}"]
    with subprocess.Popen(command) as process:
        try:
            made, end = Api(f"http://{ports.HOST}:{port}"), time.monotonic() + 30
            while http_get(made.url + "/-/ready")[0] != 200 or made.value('count(up{job="class"})') != len(laptops) + 1:
                assert process.poll() is None and time.monotonic() < end
                time.sleep(0.1)
            yield made
        finally:
            process.terminate()


def of_students(index):
    return {student: sum(entry[index].values() if index else [len(entry[0])]) for student, entry in CLASS.items()}


def by_exercise(value):
    return {exercise: sum(value(entry, int(exercise[:2])) for entry in CLASS.values()) for exercise in EXERCISES}


PASSED = of_students(0)
PANELS = {  # title → legend → what it must show
    "Laptops that answer": {"laptops": 3},
    "Laptops that do not": {"laptops": 1},
    "Exercises passed, on average": {"a student": sum(PASSED.values()) / len(PASSED)},
    "The one who is furthest, and the last": {"furthest": max(PASSED.values()), "last": min(PASSED.values())},
    "Who has passed what": by_exercise(lambda entry, number: number in entry[0]),
    "Where hints are asked for": by_exercise(lambda entry, number: entry[1].get(number, 0)),
    "How far each is": PASSED,
    "Passed in the last 20 minutes": PASSED,
    "Exercises passed, all together": {"passed": sum(PASSED.values()), "hints": sum(of_students(1).values())},
}
DASHBOARD = json.loads((ROOT / "grafana/dashboards/class.json").read_text())


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_each_panel_shows_what_is_true(prometheus, panel):
    shown = {}
    for target in panel["targets"]:
        for labels, value in prometheus.query(target["expr"]):
            legend = target["legendFormat"]
            for name, text in labels.items():
                legend = legend.replace("{{" + name + "}}", text)
            shown[legend] = value
    assert shown == pytest.approx(PANELS[panel["title"]])


def test_a_stranger_cannot_fill_the_instructors_memory():
    text = (ROOT / "prometheus/prometheus.yml").read_text().partition("job_name: class")[2].partition("job_name")[0]
    assert "sample_limit:" in text and "body_size_limit:" in text


def test_nothing_is_shared_unasked():
    """The stack has no such service, so `up` cannot start it."""
    from workshop import Stack
    assert "share" not in Stack(ROOT).services and share.PORT not in ports.PORTS.values()


def test_what_was_passed_lately_is_told_after_the_first_twenty_minutes_too(tmp_path):
    """A passed one long ago and one lately; B came later."""
    panel = next(panel for panel in DASHBOARD["panels"] if panel["title"] == "Passed in the last 20 minutes")
    series = {'{student="A",exercise="0"}': "0x4 1x40", '{student="A",exercise="1"}': "0x24 1x20", '{student="B",exercise="0"}': "_x29 1x20"}
    (tmp_path / "rules.yml").write_text("groups: []\n")
    (tmp_path / "test.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [{
        "interval": "1m",
        "input_series": [{"series": f"workshop_exercise_passed{labels}", "values": values} for labels, values in series.items()],
        "promql_expr_test": [{"expr": panel["targets"][0]["expr"], "eval_time": "35m", "exp_samples": [
            {"labels": '{student="A"}', "value": 1}, {"labels": '{student="B"}', "value": 1}]}]}]}))
    done = subprocess.run(["promtool", "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
