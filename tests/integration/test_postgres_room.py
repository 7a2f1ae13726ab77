"""The postgres room against a PostgreSQL of its own, which it may stop, kill and cut off."""

import contextlib
import itertools
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import psycopg2
import pytest

from conftest import ROOT
from proxy import Proxy
from room import Probe
from until import until
from workshop import Stack, free_offset

LAG_LIMIT_MS = 250  # a loop that waits for a server is late by the time-out, 800 ms and more

_ids = itertools.count(1000)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    sockets = Path(tempfile.mkdtemp())  # short: a socket's path has 107 bytes at most
    sockets.chmod(0o777)
    with Stack(ROOT, tmp_path_factory.mktemp("postgres"), port_offset=free_offset(), die_with_parent=True) as stack:
        stack.postgres.settings = stack.postgres.settings | {
            "unix_socket_directories": str(sockets), "listen_addresses": "127.0.0.1,::1"}
        stack.start("postgres")
        with probe(stack.postgres.url) as p:  # its setup makes the tables
            p.wait_up()
        yield stack.postgres
    shutil.rmtree(sockets, ignore_errors=True)


@pytest.fixture
def sql(server):
    """A session beside the probe's: sql("select …") hands rows back. It outlives no restart."""
    sessions = []

    def run(text, *values):
        if not sessions or sessions[-1].closed:
            sessions.append(psycopg2.connect(server.url, application_name="test"))
            sessions[-1].autocommit = True
        with sessions[-1].cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else None

    yield run
    for session in sessions:
        session.close()


@pytest.fixture
def proxy(server):
    made = Proxy(server.port)
    yield made
    made.close()


def through(proxy, server):
    return server.url.replace(f":{server.port}/", f":{proxy.port}/")


def probe(url, connections=1, timeout_ms=5000, *more):
    return Probe("postgres_probe", url, connections, timeout_ms, *more)


@contextlib.contextmanager
def paused(server):
    server.pause()
    try:
        yield
    finally:
        server.resume()


def test_pipelines_a_thousand_units(server):
    with probe(server.url, 2) as p:
        p.wait_up().say("unit many 1000 echo:x,3")
        assert p.statuses("many", 1000) == {"OK": 1000}
        assert p.all_ends("many")[0] == ["OK", "-", "-1", "xxx"]
        assert p.value('postgres_query_seconds_count{query="echo"}') == 1000


def test_a_failing_unit_leaves_its_neighbours_alone(server):
    with probe(server.url) as p:
        p.wait_up().say("unit good 50 echo:x,1\nunit bad 1 divide:0\nunit good 50 echo:x,1")
        assert p.statuses("good", 100) == {"OK": 100}
        assert p.ends("bad", 1) == [["REFUSED", "22012", "0", "-"]]
        assert p.value('postgres_errors_total{class="data"}') == 1


def test_a_unit_commits_as_a_whole_or_not_at_all(server, sql):
    first, second = next(_ids), next(_ids)
    with probe(server.url) as p:
        p.wait_up().say(f"unit undone 1 insert:{first},x insert:{second},x divide:0 insert:0,x")
        p.say(f"unit done 1 insert:{second},y get:{second}")
        assert p.ends("undone", 1) == [["REFUSED", "22012", "2", "-"]]
        assert p.ends("done", 1) == [["OK", "-", "-1", "y"]]
    assert sql("select id, v from probe where id in (%s, %s)", first, second) == [(second, "y")]


def test_a_constraint_that_fails_at_the_commit_fails_the_unit(server, sql):
    new = next(_ids)
    with probe(server.url) as p:
        p.wait_up().say(f"unit orphan 1 insert:{new},x child:-1\nunit next 1 echo:x,1")
        assert p.ends("orphan", 1) == [["REFUSED", "23503", "-1", "-"]]
        assert p.ends("next", 1)[0][0] == "OK"
    assert sql("select 1 from probe where id = %s", new) == []


def test_null_and_large_values_pass(server, sql):
    with probe(server.url) as p:
        p.wait_up().say("unit null 1 insert:1,null")
        assert p.ends("null", 1)[0][:2] == ["REFUSED", "23502"]
        p.say("unit out 3 rows:rows*300000\nunit in 3 echo:x,5000000")
        assert p.statuses("out", 3, 30) == p.statuses("in", 3, 30) == {"OK": 3}
    assert sql("select count(*) >= 900000 from probe_rows") == [(True,)]


def test_a_terminated_session_loses_its_units_once_and_comes_back(server, sql):
    with probe(server.url) as p:
        p.wait_up().say("unit lost 3 sleep:5")
        terminate = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'probe'"
        until(lambda: sql("select 1 from pg_stat_activity where application_name = 'probe' and state = 'active'"))
        sql(terminate)
        assert p.statuses("lost", 3) == {"LOST": 3}
        p.wait_up(2).say("unit after 1 echo:x,1")
        assert p.ends("after", 1)[0][0] == "OK"
        assert len(p.log("terminating connection due to administrator command")) == 1
        assert p.value('postgres_errors_total{class="lost"}') == 3
        sql(terminate)  # idle, now
        until(lambda: p.log("connection lost")[1:])
        p.wait_up(2)


def test_a_server_that_hangs_costs_the_time_out_and_no_more(server):
    with probe(server.url, 2, 300) as p:
        p.wait_up().lag()
        with paused(server):
            p.say("unit stuck 200 echo:x,1")
            begin = time.monotonic()
            ends = p.statuses("stuck", 200, 5)
            assert 0.7 < time.monotonic() - begin < 2.5  # the limit, and the server's head start of 500 ms
            assert ends == {"TIMEOUT": 128, "UNAVAILABLE": 72}  # two full pipelines, and what was never sent
            assert p.lag() < LAG_LIMIT_MS
            until(lambda: not p.up)
            p.say("unit refused 1 echo:x,1")
            assert p.ends("refused", 1) == [["UNAVAILABLE"]]
        p.wait_up(4).say("unit after 1 echo:x,1")
        assert p.ends("after", 1)[0][0] == "OK"


def test_the_server_s_own_limits_come_first(server, sql):
    session = psycopg2.connect(server.url)
    with probe(server.url, 1, 400) as p:
        p.wait_up().say("unit slow 1 sleep:5")
        assert p.ends("slow", 1)[0][:2] == ["REFUSED", "57014"]
        with session, session.cursor() as cursor:
            cursor.execute("lock table probe_rows")
            p.say("unit locked 1 rows:rows*1")
            assert p.ends("locked", 1)[0][:2] == ["REFUSED", "55P03"]
        assert p.value('postgres_errors_total{class="timeout"}') == 2
        assert not p.log("connection lost")
    session.close()


def test_a_server_that_starts_late_is_found(server):
    server.stop()
    with probe(server.url) as p:
        p.say("unit early 1 echo:x,1")
        assert p.ends("early", 1) == [["UNAVAILABLE"]]
        time.sleep(2)
        assert len(p.log("not available")) == 1  # of more than four attempts
        assert p.value('postgres_connections{state="ready"}') == 0
        server.start()
        server.wait_ready()
        p.wait_up(2)
        assert p.value('postgres_connections{state="ready"}') == 1
        assert p.value('postgres_connections{state="backoff"}') == 0


def test_a_server_that_is_killed_is_found_again(server):
    with probe(server.url, 2) as p:
        p.wait_up().say("unit lost 10 sleep:5")
        time.sleep(0.2)
        server.kill()
        assert p.statuses("lost", 10) == {"LOST": 10}
        server.start()
        server.wait_ready()
        p.wait_up(3).say("unit after 10 echo:x,1")
        assert p.statuses("after", 10) == {"OK": 10}


def test_closing_ends_what_is_pending(server):
    with probe(server.url) as p:
        p.wait_up().say("unit pending 200 sleep:5")  # 64 are sent, the others wait
        time.sleep(0.1)
        p.say("close")
        assert p.statuses("pending", 200) == {"CLOSED": 200}


def test_closing_in_the_turn_of_the_submit(server):
    with probe(server.url) as p:
        p.wait_up().say("unit pending 10 sleep:5\nclose")
        assert p.statuses("pending", 10) == {"CLOSED": 10}


def test_a_callback_may_submit_and_close(server):
    with probe(server.url) as p:
        p.wait_up().say("nested first echo:x,1")
        assert p.ends("nested-again", 1)[0][0] == "OK"
        p.say("unit last 5 sleep:5\nclosing it divide:0")
        time.sleep(0.1)
    # One connection: the closing callback never ran before the sleeps were cut off by the end of the probe.
    assert p.statuses("last", 5) == {"CLOSED": 5} and p.ends("it", 1)[0][0] == "CLOSED"
    with probe(server.url) as p:
        p.wait_up().say("closing it divide:0\nunit last 5 sleep:5")
        assert p.ends("it", 1)[0][:2] == ["REFUSED", "22012"]
        assert p.statuses("last", 5) == {"CLOSED": 5}


def test_a_full_queue_says_so(server):
    with probe(server.url) as p:
        p.wait_up().say("unit much 4200 echo:x,1")
        assert p.statuses("much", 4200) == {"OK": 4096, "FULL": 104}


def test_a_peer_that_takes_nothing_neither_blocks_nor_delays_the_close(server, proxy):
    with probe(through(proxy, server)) as p:
        p.wait_up()
        proxy.stall()
        p.say("unit stuck 20 rows:rows*300000")  # 40 MB: far more than all socket buffers hold
        time.sleep(1)
        p.lag()  # copying them took its time; what counts is the wait for the peer
        time.sleep(0.5)
        assert not p.all_ends("stuck")
        assert p.lag() < LAG_LIMIT_MS
        begin = time.monotonic()
        p.say("close")
        assert p.statuses("stuck", 20) == {"CLOSED": 20}
        p.end()
        assert time.monotonic() - begin < 2


def test_a_slow_peer_gets_everything(server, proxy):
    with probe(through(proxy, server)) as p:
        p.wait_up()
        proxy.stall()
        p.say("unit slow 1 echo:rows*5000000,1")  # 39 MB, and not a word from the server before the last of them
        time.sleep(0.5)
        proxy.flow()
        assert p.statuses("slow", 1, 30) == {"OK": 1}


def test_our_own_lateness_is_not_the_server_s(server):
    with probe(server.url, 1, 300) as p:
        p.wait_up().say("unit slow 1 sleep:0.2")
        time.sleep(0.1)
        with p.asleep():
            time.sleep(1)
        assert p.statuses("slow", 1) == {"OK": 1}


def test_a_second_socket_of_the_same_number_is_watched(server):
    """Where TLS fails, libpq goes on without: it closes its socket and opens another, which gets the same number."""
    listener = socket.create_server(("127.0.0.1", 0))

    def lure():
        first = listener.accept()[0]
        first.recv(8)  # SSLRequest
        first.sendall(b"S")
        first.close()
        second, real = listener.accept()[0], socket.create_connection(("127.0.0.1", server.port))
        threading.Thread(target=pour, args=(real, second), daemon=True).start()
        pour(second, real)

    def pour(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    threading.Thread(target=lure, daemon=True).start()
    port = listener.getsockname()[1]
    with probe(f"postgres://demo:demo@127.0.0.1:{port}/demo?sslmode=prefer") as p:
        p.wait_up(2)
        assert not p.log("not available")
    listener.close()


def test_a_cut_wire_and_a_mute_one(server, proxy):
    with probe(through(proxy, server), 1, 300) as p:
        p.wait_up().say("unit cut 2 sleep:5")
        time.sleep(0.1)
        proxy.cut()
        assert p.statuses("cut", 2) == {"LOST": 2}
        p.wait_up(2)
        proxy.mute()
        p.say("unit mute 2 echo:x,1")
        assert p.statuses("mute", 2) == {"TIMEOUT": 2}
        proxy.cut()
        proxy.flow()
        p.wait_up(3)


def test_a_greeting_that_never_comes_ends_the_attempt(server, proxy):
    proxy.stall()
    with probe(through(proxy, server)) as p:
        until(lambda: p.log("no connection in time"), 3)
        assert p.lag() < LAG_LIMIT_MS
        proxy.cut()
        proxy.flow()
        p.wait_up(3)


def test_what_is_missing_is_named_and_waited_for(server, sql):
    sql("alter table probe rename to elsewhere")
    try:
        with probe(server.url, 2, 5000, "nosetup") as p:
            until(lambda: p.log("does not exist (SQLSTATE 42P01)"))
            time.sleep(2)
            assert len(p.log("42P01")) == 1
            assert p.process.poll() is None and not p.up
            sql("alter table elsewhere rename to probe")
            p.wait_up(2)
    finally:
        sql("alter table if exists elsewhere rename to probe")


def test_a_refused_login_is_told_without_the_password(server):
    with probe(server.url.replace("demo:demo", "demo:sesame")) as p:
        until(lambda: p.log("password authentication failed"))
        assert not p.up
    assert not p.log("sesame")


@pytest.mark.parametrize("url, words", [
    ("http://localhost/", "expected postgres://"),
    ("postgres://demo:sesame@a:5432,b:5432/demo", "one host"),
    ("postgres://demo:sesame@localhost:99999/demo", "port"),
    ("postgres://demo:sesame@[::1/demo", "expected postgres://"),
    ("postgres://demo:sesame@localhost/demo?color=red", "expected postgres://"),
])
def test_a_bad_url_is_refused_at_once(url, words):
    p = probe(url)
    assert p.process.wait(5) == 2
    until(lambda: p.log(words))
    assert not p.log("sesame")


def test_every_kind_of_address(server):
    sockets, port = server.settings["unix_socket_directories"], server.port
    for host in (f"localhost:{port}", f"[::1]:{port}", f"127.0.0.1:{port}", f"{sockets.replace('/', '%2F')}:{port}"):
        with probe(f"postgres://demo:demo@{host}/demo") as p:
            p.wait_up().say("unit a 1 echo:x,1")
            assert p.ends("a", 1)[0][0] == "OK"


def test_an_unknown_host_is_told_and_closing_does_not_wait_for_it():
    with probe("postgres://demo:demo@host.invalid/demo") as p:
        until(lambda: p.log("not available"), 15)
        assert p.lag() < LAG_LIMIT_MS
