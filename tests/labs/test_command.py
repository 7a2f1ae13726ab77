"""`./workshop lab NAME` and `up --labs`, as people type them (lab_copy.py)."""

import re
import signal
import socket
import urllib.request

import pytest

from lab_copy import WATCHERS, copy  # noqa: F401
from until import until
from workshop.ports import MAX_LAB_OFFSET, MAX_OFFSET, all_free
from workshop.service import http_get


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

    # The same again leaves all alone, also a source that is not well, and says so.
    urllib.request.urlopen(f"http://127.0.0.1:{8082 + copy.offset}/say/down", data=b"", timeout=5).close()
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
