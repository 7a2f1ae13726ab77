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


class Copy:
    def __init__(self):
        self.offset = free_offset()
        self.stack = Stack(ROOT, port_offset=self.offset)

    def __call__(self, *words, offset=None):
        """(exit status, what it said)"""
        done = subprocess.run([ROOT / "workshop", *words, "--port-offset", str(offset or self.offset)], cwd=ROOT,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

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
        == {"exporter", "load-exporter", "source", "prometheus", "logkeeper", "board"}
    assert copy.stack.prometheus.api.targets()["exporter"][0] == "up"
    until(lambda: "syseng_up 1" in http_get(f"http://127.0.0.1:{8081 + copy.offset}/metrics")[1], 5)
    assert http_get(f"http://127.0.0.1:{5080 + copy.offset}/d/exporter")[0] == 200
    assert "listening" in copy("logs", "exporter")[1]

    # The same again leaves the lab alone, and begins its load anew.
    pid = copy.stack.state.all()
    assert copy("lab", "exporter")[0] == 0
    again = copy.stack.state.all()
    assert again["exporter"] == pid["exporter"] and again["load-exporter"] != pid["load-exporter"]

    # A load that is over has ended, which is no fault; a lab that is dead has died.
    copy.stack.state.process("load-exporter").signal(signal.SIGTERM)
    until(lambda: copy.states()["load-exporter"] == "ended", 10, every=0.2)
    assert copy("status")[0] == 0
    copy.stack.state.process("exporter").signal(signal.SIGKILL)
    until(lambda: copy.states()["exporter"] == "died", 10, every=0.2)
    assert copy("status")[0] == 1

    status, said = copy("down")
    assert status == 0 and "prometheus" in said and "source" in said
    assert all_free(copy.offset)


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
