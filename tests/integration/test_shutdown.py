"""SIGTERM and SIGINT, idle and under load: what was promised is finished, what was not is left whole for the next one."""

import re
import signal
import socket
import threading
import time
import uuid

import pytest

from orders import Orders
from place import FRUITS
from until import stays, until


def send(port, path="/hello"):
    """A connection with a request on its way."""
    peer = socket.create_connection(("127.0.0.1", port), 10)
    peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return peer


def receive(peer):
    """(status, whether it says close, body) of the only answer; everything until the server closes."""
    said = b""
    while more := peer.recv(65536):
        said += more
    peer.close()
    head, _, body = said.partition(b"\r\n\r\n")
    assert head, "closed without an answer"
    return int(head.split()[1]), b"connection: close" in head.lower(), body


# Idle

@pytest.mark.parametrize("program", ["frontend", "backend", "traffic"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_ends_it_at_once_with_0(place, run, program, number):
    place.make_schema()
    tested = run(program, env={"BASE_URL": "http://127.0.0.1:1"}, ready=program != "traffic")
    until(tested.listening)
    begin = time.monotonic()
    tested.signal(number)
    assert tested.wait_exit() == 0
    assert time.monotonic() - begin < 2
    assert {signal.SIGTERM: "SIGTERM", signal.SIGINT: "SIGINT"}[number] in tested.log_text() or program == "traffic"


@pytest.mark.parametrize("program", ["frontend", "backend"])
def test_while_all_servers_are_away(place, run, wires, program):
    for wire in (wires.rabbitmq, wires.postgres, wires.redis):
        wire.refuse()
    tested = run(program, wires=wires, ready=False)
    until(tested.listening)
    tested.signal(signal.SIGTERM)
    assert tested.wait_exit() == 0


def test_while_all_servers_hang(place, run, wires):
    """Polite good-byes get no answer, nor does what is in flight; each has its limit."""
    backend = run("backend", "--generators", "0", wires=wires)
    frontend = run("frontend", "--hello-delay", "30000", wires=wires)
    until(lambda: "down" not in backend.get("/ready").text + frontend.get("/ready").text)
    with place.transaction() as lock:
        lock.cursor().execute("lock table fruits")
        place.publish_orders([(str(uuid.uuid4()), "pears", n + 1) for n in range(10)])
        until(lambda: backend.value("amqp_unacked") == 10)
        peers = [send(frontend.port, path) for path in ("/fruit", "/fruit?name=pears", "/hello")]
        until(lambda: frontend.value("cache_requests_total") + frontend.value("hello_total") >= 1)
        for wire in (wires.rabbitmq, wires.postgres, wires.redis):
            wire.stall()
        peers.append(send(frontend.port, "/fruit?name=apples"))
        begin = time.monotonic()
        for program in (backend, frontend):
            program.exit_status = 1  # a stage met its limit
            program.signal(signal.SIGTERM)
        for program in (backend, frontend):
            program.wait_exit()
        assert time.monotonic() - begin < 8
    lock.close()
    assert "shutdown goes on without waiting longer" in frontend.log_text()
    for peer in peers:
        peer.close()


# The frontend under load

def test_requests_in_flight_are_answered(place, run):
    place.make_schema()
    frontend = run("frontend", "--hello-delay", "600")
    peers = [send(frontend.port) for _ in range(50)]
    until(lambda: frontend.value("hello_total") == 50)
    idle = socket.create_connection(("127.0.0.1", frontend.port))
    frontend.signal(signal.SIGTERM)
    until(lambda: _refused(frontend.port), 0.5)
    assert frontend.running
    assert [receive(peer) for peer in peers] == [(200, True, b"Hello, World!")] * 50
    assert frontend.wait_exit() == 0
    assert idle.recv(1) == b""
    assert len(place.take()) == 50


def _refused(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_what_was_sent_before_the_listener_closed_is_answered(place, run):
    """Stopped by SIGSTOP it finds, when it goes on, the signal and the connections at the same moment."""
    place.make_schema()
    frontend = run("frontend")
    old = [socket.create_connection(("127.0.0.1", frontend.port), 10) for _ in range(20)]
    until(lambda: frontend.value("http_open_connections") >= 20)
    frontend.pause()
    for peer in old:
        peer.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
    new = [send(frontend.port) for _ in range(50)]
    frontend.signal(signal.SIGTERM)
    frontend.resume()
    assert [receive(peer)[0] for peer in old + new] == [200] * 70
    assert frontend.wait_exit() == 0
    assert len(place.take()) == 70


def test_a_request_that_is_half_sent(place, run):
    """It does not hold up the end for long, and is not half done."""
    place.make_schema()
    frontend = run("frontend")
    peer = socket.create_connection(("127.0.0.1", frontend.port), 10)
    peer.sendall(b"POST /fruit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n{")
    time.sleep(0.1)
    frontend.exit_status = None
    frontend.signal(signal.SIGTERM)
    assert frontend.wait_exit() in (0, 1)
    assert place.take() == []


def test_readiness_is_gone_while_it_finishes(place, run):
    """Asked on a connection that is still open, behind a request that is still being answered."""
    place.make_schema()
    frontend = run("frontend", "--hello-delay", "500")
    peer = send(frontend.port)
    until(lambda: frontend.value("hello_total") == 1)
    frontend.signal(signal.SIGTERM)
    until(lambda: _refused(frontend.port))
    peer.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
    said = b""
    while more := peer.recv(65536):
        said += more
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"503"] and b'"ready":false' in said


def test_under_load_every_2xx_is_a_row_and_every_row_was_answered(place, run):
    """Three frontends in turn, each ended in the middle. A row without an answer would be a request dropped in flight;
    a request that met the closing port is refused, or finds its idle connection closed, and leaves no row."""
    backend = run("backend", "--generators", "0")
    answered = {}
    for _ in range(3):
        frontend = run("frontend")
        with Orders(frontend, 8) as orders:
            until(lambda: len(orders.answered) > 300)
            frontend.signal(signal.SIGTERM)
            assert frontend.wait_exit() == 0
        assert orders.codes == {200}
        answered |= orders.answered
    until(lambda: place.count() >= len(answered) and backend.value("amqp_unacked") == 0 and place.waiting() == 0)
    assert {identity: (name, quantity) for identity, name, quantity in place.rows()} == answered
    assert place.count() == len(answered) and place.dead_letters() == []


def test_unconfirmed_orders_are_answered_before_the_end(place, run, wires):
    place.make_schema()
    frontend = run("frontend", wires=wires)
    wires.rabbitmq.mute()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(frontend.order().status_code)) for _ in range(10)]
    for thread in threads:
        thread.start()
    until(lambda: place.waiting() == 10)
    frontend.signal(signal.SIGTERM)
    stays(lambda: frontend.running and answers == [], 0.3)
    wires.rabbitmq.flow()
    for thread in threads:
        thread.join(10)
    assert answers == [200] * 10 and frontend.wait_exit() == 0


# The backend under load

def test_of_the_backend_nothing_is_lost_or_done_twice(place, run):
    """Graceful: what it committed it has acknowledged, so rows and waiting messages add up exactly."""
    expected = [(str(uuid.uuid4()), FRUITS[n % 5], n + 1) for n in range(8000)]
    publisher = threading.Thread(target=place.publish_orders, args=(expected,))
    publisher.start()
    backend = run("backend", "--generators", "0")
    until(lambda: place.count() > 1000)
    backend.signal(signal.SIGTERM)
    assert backend.wait_exit() == 0
    publisher.join()
    assert 1000 < place.count() < 8000
    until(lambda: place.waiting() == 8000 - place.count())
    second = run("backend", "--generators", "0")
    until(lambda: place.count() == 8000, 20, every=0.1)
    until(lambda: second.value("amqp_unacked") == 0)
    assert sorted(place.rows()) == sorted(expected)
    assert second.value("worker_jobs_total", result="duplicate") == 0
    assert place.dead_letters() == []


def test_jobs_that_sleep_are_finished_and_those_that_wait_go_back(place, run):
    backend = run("backend", "--generators", "0", "--workers", "5", "--job-delay", "700")
    place.publish(*["hello"] * 50)
    until(lambda: backend.value("worker_busy") == 5 and backend.value("amqp_unacked") == 50)
    backend.signal(signal.SIGTERM)
    assert backend.wait_exit() == 0
    until(lambda: place.waiting() == 45)


def test_a_batch_in_flight_is_committed_and_acknowledged(place, run):
    backend = run("backend", "--generators", "0")
    lock = place.transaction()
    lock.cursor().execute("lock table fruits in share mode")
    place.publish_orders([(str(uuid.uuid4()), "pears", n + 1) for n in range(100)])
    until(lambda: backend.value("amqp_unacked") == 100)
    backend.signal(signal.SIGTERM)
    stays(lambda: backend.running, 0.5)
    lock.rollback()
    lock.close()
    assert backend.wait_exit() == 0
    assert place.count() == 100
    stays(lambda: place.waiting() == 0, 0.3)


def test_what_the_database_cannot_take_goes_back(place, run, wires):
    backend = run("backend", "--generators", "0", wires=wires)
    wires.postgres.refuse()
    until(lambda: backend.get("/ready").json()["dependencies"]["postgres"] == "down")
    place.publish_orders([(str(uuid.uuid4()), "pears", n + 1) for n in range(100)])
    until(lambda: backend.value("amqp_unacked") == 100)
    backend.signal(signal.SIGTERM)
    assert backend.wait_exit() == 0
    until(lambda: place.waiting() == 100)
    assert place.count() == 0


# Impatience

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(place, run, number):
    place.make_schema()
    frontend = run("frontend", "--hello-delay", "30000")
    peer = send(frontend.port)
    until(lambda: frontend.value("hello_total") == 1)
    frontend.signal(number)
    stays(lambda: frontend.running, 0.3)
    frontend.exit_status = 128 + number
    frontend.signal(number)
    assert frontend.wait_exit(1) == 128 + number
    assert "at once" in frontend.log_text()
    peer.close()


def test_a_request_that_takes_too_long_is_given_up(place, run):
    """The stage has 5 s; then the log says what it waited for, and the status is 1."""
    place.make_schema()
    frontend = run("frontend", "--hello-delay", "30000")
    peer = send(frontend.port)
    until(lambda: frontend.value("hello_total") == 1)
    frontend.exit_status = 1
    begin = time.monotonic()
    frontend.signal(signal.SIGTERM)
    assert frontend.wait_exit() == 1
    assert 4 < time.monotonic() - begin < 8
    assert re.search(r"shutdown goes on.*part=", frontend.log_text())
    peer.close()
