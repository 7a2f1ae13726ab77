"""The redis room against a Redis of its own, which it may stop, kill and cut off."""

import contextlib
import socket
import threading
import time

import pytest
import redis

from conftest import ROOT
from proxy import Proxy
from room import Probe
from until import until
from workshop import Stack, free_offset

LAG_LIMIT_MS = 250  # a loop that waits for a server is late by much more


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Stack(ROOT, tmp_path_factory.mktemp("redis"), port_offset=free_offset(), die_with_parent=True) as stack:
        stack.start("redis")
        yield stack.redis


@pytest.fixture
def proxy(server):
    made = Proxy(server.port)
    yield made
    made.close()


@pytest.fixture
def direct(server):
    with redis.Redis("127.0.0.1", server.port) as client:
        yield client


def through(proxy):
    return f"redis://127.0.0.1:{proxy.port}"


def probe(url, deadline_ms=200):
    return Probe("redis_probe", url, deadline_ms)


@contextlib.contextmanager
def paused(server):
    server.pause()
    try:
        yield
    finally:
        server.resume()


@contextlib.contextmanager
def fake(answer):
    """A server that says `answer` to whatever it hears, and nothing at all where it is empty; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(peer):
        with contextlib.suppress(OSError):
            while peer.recv(4096):
                if answer:
                    peer.sendall(answer)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"redis://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def test_commands_and_their_replies(server):
    with probe(server.url) as p:
        p.wait_up().say("cmd a 1 SET key value\ncmd b 2 GET key\ncmd c 1 GET none\ncmd d 1 INCR key\ncmd e 1 DEL key")
        assert p.ends("a", 1) == [["OK", "OK"]]
        assert p.ends("b", 2) == [["OK", "value"]] * 2
        assert p.ends("c", 1) == [["OK", "nil"]]
        assert p.ends("d", 1)[0][:2] == ["REFUSED", "ERR"]
        assert p.ends("e", 1) == [["OK", "1"]]
        assert p.value('redis_commands_total{result="ok"}') == 5
        assert p.value('redis_commands_total{result="error"}') == 1
        assert p.value("redis_command_seconds_count") == 6
        assert p.value("redis_connected") == 1


def test_ten_thousand_in_flight_and_no_more(server):
    with probe(server.url, 2000) as p:
        p.wait_up().say("cmd many 10100 PING")
        assert p.statuses("many", 10100) == {"OK": 10000, "FULL": 100}
        p.say("cmd again 10000 PING")
        assert p.statuses("again", 10000) == {"OK": 10000}
        assert p.value('redis_commands_total{result="refused"}') == 100


def test_a_server_that_hangs_costs_the_deadline_and_no_more(server):
    with probe(server.url, 50) as p:
        p.wait_up().lag()
        with paused(server):
            begin = time.monotonic()
            p.say("cmd late 500 GET key")
            assert p.statuses("late", 500) == {"TIMEOUT": 500}
            assert time.monotonic() - begin < 0.5
            p.say("cmd refused 1 GET key")
            assert p.ends("refused", 1) == [["UNAVAILABLE"]]
            time.sleep(1.3)  # an attempt reaches the kernel's queue, and is given up
            assert p.lag() < LAG_LIMIT_MS and not p.up
            assert p.value("redis_connected") == 0
        p.wait_up(3).say("cmd after 1 PING")
        assert p.ends("after", 1) == [["OK", "PONG"]]


def test_a_server_that_is_killed_is_found_again(server, proxy):
    with probe(server.url, 2000) as p:
        p.wait_up()
        with paused(server):
            p.say("cmd lost 10 GET key")
            time.sleep(0.1)
            server.kill()
        assert p.statuses("lost", 10) == {"LOST": 10}
        time.sleep(1.5)
        assert len(p.log("not available")) <= 2  # it was lost, then it was not there; of some five attempts
        server.start()
        server.wait_ready()
        p.wait_up(2).say("cmd after 1 PING")
        assert p.ends("after", 1) == [["OK", "PONG"]]


def test_a_server_that_starts_late_is_found(server):
    server.stop()
    with probe(server.url) as p:
        p.say("cmd early 1 PING")
        assert p.ends("early", 1) == [["UNAVAILABLE"]]
        until(lambda: p.log("Connection refused"))
        server.start()
        server.wait_ready()
        p.wait_up(2)


def test_a_cut_wire_and_a_mute_one(server, proxy):
    with probe(through(proxy), 100) as p:
        p.wait_up()
        proxy.mute()
        p.say("cmd mute 2 GET key")
        assert p.statuses("mute", 2) == {"TIMEOUT": 2}
        proxy.cut()
        proxy.flow()
        p.wait_up(3)
        proxy.cut()
        until(lambda: len(p.log("redis connected")) == 3)
        p.say("cmd after 1 PING")
        assert p.ends("after", 1) == [["OK", "PONG"]]


def test_our_own_lateness_is_not_the_server_s(server):
    with probe(server.url, 300) as p:
        p.wait_up()
        with paused(server):
            p.say("cmd slow 10000 GET key")  # whose replies take more than one read
            time.sleep(0.1)
            with p.asleep():
                server.resume()
                time.sleep(1)
        assert p.statuses("slow", 10000) == {"OK": 10000}


def test_steady_traffic_lives_longer_than_the_deadline(server):
    with probe(server.url, 250) as p:
        p.wait_up()
        assert p.ask("flood 300000 100 GET key", 60)[3] == "0"


def test_logins_and_databases(server, direct):
    direct.acl_setuser("worker", enabled=True, passwords=["+pa:ss@w/d"], keys=["*"], commands=["+@all"])
    port = server.port
    try:
        with probe(f"redis://worker:pa%3Ass%40w%2Fd@localhost:{port}/5") as p:
            p.wait_up().say("cmd a 1 SET who worker")
            p.ends("a", 1)
        with redis.Redis("127.0.0.1", port, db=5) as other:
            assert other.get("who") == b"worker"
        with probe(f"redis://worker:sesame@localhost:{port}") as p:
            until(lambda: p.log("WRONGPASS"))
            time.sleep(1.2)
            assert not p.up and len(p.log("WRONGPASS")) == 1 and not p.log("sesame")
        with probe(f"redis://localhost:{port}/99") as p:
            until(lambda: p.log("DB index is out of range"))
            assert not p.up
        direct.config_set("requirepass", "open")
        with probe(f"redis://localhost:{port}") as p:
            until(lambda: p.log("NOAUTH"))
        with probe(f"redis://:open@localhost:{port}") as p:
            p.wait_up()
    finally:
        direct.config_set("requirepass", "")
        direct.acl_deluser("worker")


def test_a_replica_refuses_to_write(server, direct):
    with probe(server.url) as p:
        p.wait_up()
        direct.replicaof("127.0.0.1", 1)
        try:
            p.say("cmd write 1 SET key value\ncmd read 1 GET none")
            assert p.ends("write", 1)[0][:2] == ["REFUSED", "READONLY"]
            assert p.ends("read", 1) == [["OK", "nil"]]
        finally:
            direct.replicaof("NO", "ONE")
        assert p.up


@pytest.mark.parametrize("answer, words", [
    (b"-LOADING Redis is loading the dataset in memory\r\n", "LOADING"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "Protocol error"),
    (b"", "no answer to the greeting in time"),
])
def test_up_means_that_redis_answers(answer, words):
    with fake(answer) as url, probe(url) as p:
        until(lambda: p.log(words))
        assert not p.up


def test_closing_ends_what_is_pending(server):
    with probe(server.url, 5000) as p:
        p.wait_up()
        with paused(server):
            p.say("cmd pending 100 PING")
            time.sleep(0.1)
            p.say("close")
            assert p.statuses("pending", 100) == {"CLOSED": 100}


def test_closing_in_the_turn_of_the_command(server):
    with probe(server.url) as p:
        p.wait_up().say("cmd pending 10 PING\nclose")
        assert sum(p.statuses("pending", 10).values()) == 10


def test_a_callback_may_send_and_close(server, proxy):
    with probe(server.url) as p:
        p.wait_up().say("nested first PING")
        assert p.ends("nested-again", 1) == [["OK", "PONG"]]
        p.say("closing it PING\ncmd last 5 PING")
        assert p.ends("it", 1) == [["OK", "PONG"]] and sum(p.statuses("last", 5).values()) == 5
    with probe(through(proxy), 5000) as p:  # and in the callback of a lost command
        p.wait_up()
        proxy.mute()
        p.say("nested first PING\nclosing it PING\ncmd last 5 PING")
        time.sleep(0.1)
        proxy.cut()
        assert p.statuses("it", 1) == {"LOST": 1} and p.statuses("last", 5) == {"LOST": 5}
        assert p.ends("nested-again", 1) == [["UNAVAILABLE"]]
        p.end()


@pytest.mark.parametrize("url, words", [
    ("http://localhost/", "redis://"),
    ("redis://localhost:0", "expected redis://"),
    ("redis://localhost/one", "number"),
    ("redis://:%zz@localhost", "user:password"),
])
def test_a_bad_url_is_refused_at_once(url, words):
    p = probe(url)
    assert p.process.wait(5) == 2
    until(lambda: p.log(words))


def test_an_unknown_host_is_told_and_closing_does_not_wait_for_it():
    with probe("redis://host.invalid") as p:
        until(lambda: p.log("not available"), 15)
        assert p.lag() < LAG_LIMIT_MS
