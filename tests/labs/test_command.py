"""`./workshop lab NAME` and `up --labs`, as people type them, in this tree and on ports of a copy of its own."""

import re
import signal
import socket
import subprocess

import pytest

from conftest import ROOT
from until import until
from workshop import Stack, free_offset
from workshop.ports import MAX_LAB_OFFSET, MAX_OFFSET, all_free
from workshop.service import http_get


WATCHERS = {"prometheus", "logkeeper", "loadkeeper", "board"}


class Copy:
    def __init__(self):
        self.offset = free_offset()
        self.stack = Stack(ROOT, port_offset=self.offset)

    def __call__(self, *words, offset=None):
        """(exit status, what it said)"""
        done = subprocess.run([ROOT / "workshop", *words, "--port-offset", str(offset or self.offset)], cwd=ROOT,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def begin(self, *words):
        return subprocess.Popen([ROOT / "workshop", words[0], "--port-offset", str(self.offset), *words[1:]], cwd=ROOT,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def scraped(self, job):
        """port → health of the job's targets, without the offset."""
        data = self.stack.prometheus.api._get("targets", state="active") or {"activeTargets": []}
        return {int(target["labels"]["instance"].split(":")[1]) - self.offset: target["health"]
                for target in data["activeTargets"] if target["labels"]["job"] == job}

    def states(self):
        return {line.split()[0]: line[19:32].strip() for line in self("status")[1].splitlines()}


@pytest.fixture
def copy():
    made = Copy()
    yield made
    status, said = made("reset")
    assert status == 0, said
    assert all_free(made.offset)


def test_a_lab_alone_with_load_prometheus_and_the_board(copy):
    status, said = copy("lab", "exporter")
    assert status == 0, said
    assert f"http://127.0.0.1:{8081 + copy.offset}/metrics" in said and f"http://127.0.0.1:{5080 + copy.offset}/d/exporter" in said
    assert "docs/labs/exporter.md" in said
    assert {name for name, state in copy.states().items() if state == "running"} \
        == {"exporter", "load-exporter", "source", *WATCHERS}
    assert set(copy.states()) == {"exporter", "load-exporter", "source", *WATCHERS}, "nothing of what could run besides"
    assert copy.stack.prometheus.api.targets()["exporter"][0] == "up"
    until(lambda: "syseng_up 1" in http_get(f"http://127.0.0.1:{8081 + copy.offset}/metrics")[1], 5)
    assert http_get(f"http://127.0.0.1:{5080 + copy.offset}/d/exporter")[0] == 200
    assert "listening" in copy("logs", "exporter")[1]

    # The same again leaves all alone, and says so.
    before = copy.stack.state.all()
    status, said = copy("lab", "exporter")
    assert status == 0 and "runs already: source, exporter, load-exporter" in said
    assert copy.stack.state.all() == before

    # A load whose words or binary are others now begins anew.
    copy.stack.state._write(before | {"load-exporter": before["load-exporter"] | {"words": ["--duration", "5"]}})
    status, said = copy("lab", "exporter")
    assert status == 0 and "restarting what changed: load-exporter" in said
    after = copy.stack.state.all()
    assert after["exporter"] == before["exporter"] and after["load-exporter"]["pid"] != before["load-exporter"]["pid"]

    # A load that is over has ended, which is no fault, and begins anew where it is asked for; a lab that is dead has died.
    copy.stack.state.process("load-exporter").signal(signal.SIGTERM)
    until(lambda: copy.states()["load-exporter"] == "ended", 10, every=0.2)
    assert copy("lab", "exporter")[0] == 0 and copy.states()["load-exporter"] == "running"
    copy.stack.state.process("load-exporter").signal(signal.SIGTERM)
    until(lambda: copy.states()["load-exporter"] == "ended", 10, every=0.2)
    assert copy("status")[0] == 0
    copy.stack.state.process("exporter").signal(signal.SIGKILL)
    until(lambda: copy.states()["exporter"] == "died", 10, every=0.2)
    assert copy("status")[0] == 1

    status, said = copy("down")
    assert status == 0 and "prometheus" in said and "source" in said
    assert all_free(copy.offset)


def test_two_labs_have_a_load_each_and_every_load_is_scraped_while_it_runs(copy):
    said = [copy("lab", "exporter")[1], copy("lab", "person")[1]]
    assert f"http://127.0.0.1:{8082 + copy.offset}/stats" in said[0]
    assert f"http://127.0.0.1:{8082 + copy.offset}/stats" not in said[1], "which is another lab's"
    shown = {row.split()[0]: row.split()[-1] for row in copy("status")[1].splitlines()}
    assert (shown["load-person"], shown["load-exporter"]) == (str(5003 + copy.offset), str(5004 + copy.offset))
    assert all(f"http://127.0.0.1:{port + copy.offset}/metrics" in text for port, text in zip((5004, 5003), said))
    until(lambda: copy.scraped("traffic") == {5003: "up", 5004: "up"}, 30, every=0.2)

    # One more, which a person runs, on this copy's lab; no servers are missed.
    more = copy.begin("run", "traffic", "--scenario", "labs/person/scenario.json", "--speed", "10")
    until(lambda: copy.scraped("traffic") == {5002: "up", 5003: "up", 5004: "up"}, 30, every=0.2)
    metric = f'traffic_dropped_iterations_total{{instance="127.0.0.1:{5002 + copy.offset}"}}'
    assert copy.stack.prometheus.api.value(f"sum({metric})") is not None
    more.send_signal(signal.SIGINT)
    said, _ = more.communicate(timeout=20)
    assert f"http://127.0.0.1:{7080 + copy.offset}" in said and "http://127.0.0.1:7080" not in said
    assert "servers do not run" not in said

    # What has ended is no target, rather than one that is down.
    copy.stack.state.process("load-exporter").signal(signal.SIGTERM)
    until(lambda: copy.scraped("traffic") == {5003: "up"}, 30, every=0.2)


def test_traffic_alone_hears_of_missing_servers_only_where_nobody_answers(copy):
    with socket.create_server(("127.0.0.1", 0)) as server:
        for target, missing in ((f"http://127.0.0.1:{server.getsockname()[1]}", False),
                                (f"http://127.0.0.1:{5000 + copy.offset}", True)):
            done = copy.begin("run", "traffic", "--target", target, "--duration", "1", "--users", "1")
            assert ("servers do not run" in done.communicate(timeout=60)[0]) == missing


def test_an_interrupted_lab_says_that_it_was_ended(copy):
    command = copy.begin("lab", "person")
    for line in command.stdout:
        if "waiting until" in line:
            break
    command.send_signal(signal.SIGINT)
    said = command.communicate(timeout=30)[0]
    assert command.returncode == 130 and "starts it anew" in said and "goes on from here" not in said
    assert copy.stack.state.all() == {} and all_free(copy.offset)


def test_the_exporter_reads_the_frontend_where_the_workshop_runs(copy):
    """Whichever of the two was begun first; and the lab's own page, whose experiments need a stand-in, is told of."""
    assert copy("lab", "exporter")[0] == 0
    status, said = copy("up", "--native", "--labs")
    assert status == 0 and "the exporter reads the frontend's /stats" in said, said
    assert copy.stack.state.all()["exporter"]["source"] == f"http://127.0.0.1:{5000 + copy.offset}/stats"
    until(lambda: "syseng_up 1" in http_get(f"http://127.0.0.1:{8081 + copy.offset}/metrics")[1], 10)
    assert not {"source", "load-exporter"} & {*copy.states()}

    pid = copy.stack.state.all()["exporter"]["pid"]
    status, said = copy("lab", "exporter")
    assert status == 0 and "there is no stand-in" in said and f":{5000 + copy.offset}/stats" in said
    assert copy.stack.state.all()["exporter"]["pid"] == pid

    # Beside all that, a lab's load is scraped, too.
    assert copy("lab", "person")[0] == 0
    until(lambda: copy.scraped("traffic") == {5002: "up", 5003: "up"}, 30, every=0.2)
    assert copy.states()["frontend"] == "running"


def test_a_port_that_is_taken_is_named_and_nothing_left(copy):
    with socket.create_server(("127.0.0.1", 7080 + copy.offset)):
        status, said = copy("lab", "person")
        assert status == 1 and f"port {7080 + copy.offset} (person) is taken by" in said
    assert "running" not in copy.states().values()


def test_labs_are_not_among_what_runs_without_being_asked_for(copy):
    assert not {"person", "echo", "exporter", "source"} & {*copy.states()}
    assert not {"person", "echo", "exporter", "source", "load-person"} & {*copy.stack.usual}


@pytest.mark.parametrize("words", [("lab", "echo"), ("up", "--native", "--labs")], ids=" ".join)
def test_an_offset_that_leaves_them_no_ports_is_refused(copy, words):
    status, said = copy(*words, offset=MAX_LAB_OFFSET + 1)
    assert status == 2 and str(MAX_LAB_OFFSET) in said and "Traceback" not in said
    assert MAX_OFFSET > 30000, "which the workshop itself may have"


def test_a_lab_that_there_is_not_is_named(copy):
    status, said = copy("lab", "pets")
    assert status == 2 and "'pets'" in said and re.search("person.*echo.*exporter", said)
