"""Too many connections, idle ones, slow ones, beside good ones."""

import contextlib
import json
import resource
import socket
import time

import pytest

from program import running, sanitized
from until import until

KIB = 1 << 10
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
IDLE = min(10000, FILES - 3000)
TRICKLING = 1000
HEADER_LIMIT_S = 10


@pytest.fixture(autouse=True)
def many_files():
    """For the test's own ends of the connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def connections(port, count):
    with contextlib.ExitStack() as ends:
        yield [ends.enter_context(socket.create_connection(("127.0.0.1", port), 10)) for _ in range(count)]


def p99_ms(system, name, seconds=3):
    """Of good requests meanwhile; none of them may fail."""
    path = system.directory / f"{name}.json"
    with running(system.stack, system.place, "traffic", "--rate", 200, "--only", "hello,fruit_get", "--duration", seconds,
                 "--connections", 50, "--quiet", "--json", path, "--fail-above-error-ratio", 0,
                 env={"BASE_URL": system.frontend.url}, ready=False) as traffic:
        assert traffic.wait_exit(seconds + 20) == 0, traffic.log_tail()
    return json.loads(path.read_text())["scenarios"][0]["latency_seconds"]["p99"] * 1000


def test_good_requests_beside_idle_and_trickling_connections(system):
    frontend = system.frontend
    alone = p99_ms(system, "alone")
    before = frontend.value("process_resident_memory_bytes")
    with connections(frontend.port, IDLE):
        until(lambda: frontend.value("http_open_connections") >= IDLE)
        grown = frontend.value("process_resident_memory_bytes") - before
        assert sanitized() or grown / IDLE < 5 * KIB
        refused = frontend.value("http_rejected_total", reason="timeout")
        with trickle(frontend.port, TRICKLING) as drip:
            begin = time.monotonic()
            drip()
            beside = p99_ms(system, "beside")
            assert beside < max(20, 5 * alone), (beside, alone)
            while time.monotonic() < begin + HEADER_LIMIT_S + 3:
                drip()
                time.sleep(0.5)
            until(lambda: frontend.value("http_rejected_total", reason="timeout") - refused >= TRICKLING, 5)
    until(lambda: frontend.value("http_open_connections") < 100)


@contextlib.contextmanager
def trickle(port, count):
    """Connections with a request each, of which every drip() sends one further byte."""
    with connections(port, count) as all_of_them:
        sent = iter(b"GET /hello HTTP/1.1\r\nHost: " + b"x" * 1000)

        def drip():
            byte = bytes([next(sent)])
            for peer in all_of_them:
                with contextlib.suppress(OSError):  # closed by the server, as it should be
                    peer.send(byte)

        yield drip


def test_out_of_file_descriptors(system):
    """Those who are connected are served; the loop does not spin; newcomers are taken as soon as there is room."""
    frontend = system.frontend
    assert frontend.get("/health").status_code == 200  # on a connection that is kept
    hard = resource.prlimit(frontend.pid, resource.RLIMIT_NOFILE)[1]
    few = int(frontend.value("process_open_fds")) + 20
    resource.prlimit(frontend.pid, resource.RLIMIT_NOFILE, (few, hard))
    try:
        with connections(frontend.port, 200):
            time.sleep(0.3)
            busy = frontend.value("process_cpu_seconds_total")
            for _ in range(20):
                assert frontend.get("/health").status_code == 200
                assert frontend.order().status_code == 200
                time.sleep(0.05)
            assert frontend.value("process_cpu_seconds_total") - busy < 0.5
            assert few - 5 <= frontend.value("process_open_fds") <= few
        with connections(frontend.port, 1) as [newcomer]:
            newcomer.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            newcomer.settimeout(2)
            assert newcomer.recv(1000).startswith(b"HTTP/1.1 200")
    finally:
        resource.prlimit(frontend.pid, resource.RLIMIT_NOFILE, (hard, hard))
