"""The backend's memory: the prefetch counts messages, and somebody's messages are a mebibyte each."""

import contextlib
import hashlib
import os
import re
import signal
import uuid

import pytest

from program import sanitized
from until import stays, until

MIB = 1 << 20
COUNT = 300

PEAK_BYTES = 96 * MIB  # three quarters of what docker-compose.yml gives the backend
HELD_BYTES = 8 * MIB   # STORE_BYTES_MAX


def publish_poison(place):
    """{id: digest} of so many messages that are no orders, each of a mebibyte."""
    digests = {}
    for _ in range(COUNT):
        identity, body = str(uuid.uuid4()), os.urandom(256) * (MIB // 256)
        digests[identity] = hashlib.md5(body).hexdigest()
        place.publish(body, message_id=identity)
    return digests


@contextlib.contextmanager
def locked(place):
    """Nobody writes a dead letter meanwhile."""
    with contextlib.closing(place.transaction()) as lock:
        lock.cursor().execute("lock table dead_letter in share mode")
        yield
        lock.rollback()


def all_kept(place, poison):
    """Once each, with every byte. The digests are PostgreSQL's: the bodies are too much to fetch."""
    until(lambda: place.count("dead_letter") >= COUNT, 90, every=0.2)
    until(lambda: place.waiting() == 0)
    assert sorted(place.sql("select message_id::text, md5(body) from dead_letter")) == sorted(poison.items())


def bounded(backend):
    """The most memory that the process ever had, and not only when somebody asked."""
    with open(f"/proc/{backend.process.popen.pid}/status") as status:
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) * 1024
    print(f"peak {peak / MIB:.0f} MiB")
    return sanitized() or peak < PEAK_BYTES


def full(backend):
    return HELD_BYTES < backend.value("store_held_bytes") < HELD_BYTES + 2 * MIB


@pytest.mark.parametrize("prefetch", ["2000", "200"])
def test_a_flood(place, run, prefetch):
    poison = publish_poison(place)
    backend = run("backend", "--generators", "0", "--prefetch", prefetch)
    all_kept(place, poison)
    until(lambda: backend.value("amqp_unacked") == 0)
    assert backend.value("store_held_bytes") == 0
    assert backend.value("amqp_connects_total", role="consumer", result="ok") == 1
    assert bounded(backend)


def test_a_flood_that_the_database_does_not_take(place, run):
    """The backend waits, and does not spin. What it did not read is in the queue when it has ended."""
    backend = run("backend", "--generators", "0")
    with locked(place):
        poison = publish_poison(place)
        until(lambda: full(backend))
        turns, delivered = (backend.value(name) for name in ("libuv_loop_iterations_total", "amqp_delivered_total"))
        stays(lambda: full(backend) and backend.value("amqp_delivered_total") == delivered, 2, every=0.2)
        assert backend.value("libuv_loop_iterations_total") - turns < 500
        assert backend.get("/health").status_code == 200 and bounded(backend)
        backend.signal(signal.SIGTERM)
        stays(lambda: backend.running, 0.3)
    assert backend.wait_exit() == 0
    assert place.count("dead_letter") < 20
    run("backend", "--generators", "0")
    all_kept(place, poison)


def test_a_flood_without_a_database(place, run, wires):
    backend = run("backend", "--generators", "0", wires=wires)
    wires.postgres.refuse()
    publish_poison(place)
    until(lambda: full(backend))
    assert bounded(backend)
    backend.signal(signal.SIGTERM)
    assert backend.wait_exit() == 0
    until(lambda: place.waiting() == COUNT)
    assert place.count("dead_letter") == 0


def test_a_connection_that_ends_in_a_flood(place, run, wires):
    """The backend finds out by its heartbeats. What it holds still counts: it does not take as much once more."""
    backend = run("backend", "--generators", "0", wires=wires)
    wires.postgres.refuse()
    poison = publish_poison(place)
    until(lambda: full(backend))
    wires.rabbitmq.cut()
    until(lambda: backend.value("amqp_connects_total", role="consumer", result="ok") == 2, 30, every=0.2)
    until(lambda: backend.value("amqp_delivered_total", redelivered="true") > 0 and full(backend))
    wires.postgres.accept()
    all_kept(place, poison)
    assert bounded(backend)
