"""The amqp room against a RabbitMQ of its own, which it may stop, kill, fill and cut off; pika stands on the other side."""

import contextlib
import re
import subprocess
import time
from collections import Counter

import pika
import pytest

from conftest import ROOT
from proxy import Proxy
from room import Probe
from until import stays, until
from workshop import Stack, free_offset

LAG_LIMIT_MS = 300  # a loop that waits for a server is late by a second; a busy machine by less
RABBITMQCTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Stack(ROOT, tmp_path_factory.mktemp("rabbitmq"), port_offset=free_offset(), die_with_parent=True) as stack:
        stack.start("rabbitmq")
        yield stack.rabbitmq


@pytest.fixture
def proxy(server):
    made = Proxy(server.port)
    yield made
    made.close()


@pytest.fixture
def queue(server, request):
    """The name of a queue of the test's own, which is deleted behind it."""
    name = re.sub(r"\W", "_", request.node.name)
    yield name
    with channel(server) as direct:
        direct.queue_delete(name)


@contextlib.contextmanager
def channel(server):
    connection = pika.BlockingConnection(pika.URLParameters(server.url))
    try:
        yield connection.channel()
    finally:
        with contextlib.suppress(pika.exceptions.AMQPError):
            connection.close()


def control(server, *words):
    done = subprocess.run([RABBITMQCTL, "--quiet", *words], env=server._full_environment(), capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def publisher(url, queue, deadline_ms=2000, *more):
    return Probe("amqp_probe", "publish", url, queue, deadline_ms, *more)


def consumer(url, queue, prefetch=100, *more):
    return Probe("amqp_probe", "consume", url, queue, prefetch, *more)


def through(proxy):
    return f"amqp://127.0.0.1:{proxy.port}"


def drained(server, queue):
    """All messages of the queue, taken out of it: [(properties, body)]."""
    with channel(server) as direct:
        found = []
        for method, properties, body in direct.consume(queue, auto_ack=True, inactivity_timeout=0.5):
            if method is None:
                return found
            found.append((properties, body))


def ids(messages):
    return [properties.message_id for properties, _ in messages]


def got(probe):
    return [line.split()[1:] for line in list(probe.lines) if line.startswith("got ")]


def depth(server, queue):
    with channel(server) as direct:
        return direct.queue_declare(queue, passive=True).method.message_count


@contextlib.contextmanager
def paused(server):
    server.pause()
    try:
        yield
    finally:
        server.resume()


@contextlib.contextmanager
def alarm(server):
    """RabbitMQ low on memory: it blocks whoever publishes."""
    control(server, "set_vm_memory_high_watermark", "0.0001")
    try:
        yield
    finally:
        control(server, "set_vm_memory_high_watermark", "0.4")


# ---- Publishing ---------------------------------------------------------------------------------


def test_what_is_confirmed_is_in_the_queue(server, queue):
    with publisher(server.url, queue) as p:
        p.wait_up().say("send m 1000 128")
        assert p.statuses("m", 1000) == {"OK": 1000}
        assert p.value('amqp_published_total{result="confirmed"}') == 1000
        assert p.value("amqp_confirm_seconds_count") == 1000
        assert p.value("amqp_unconfirmed") == 0
        assert p.value('amqp_connected{role="publisher"}') == 1
    messages = drained(server, queue)
    assert ids(messages) == [f"m-{i}" for i in range(1000)]
    properties, body = messages[0]
    assert body == b"x" * 128 and properties.delivery_mode == 2
    assert properties.content_type == "application/json"
    assert abs(properties.timestamp - time.time()) < 60
    assert properties.headers["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")


def test_bodies_of_all_sizes(server, queue):
    sizes = [0, 1, 131064, 131065, 262129, 1024 * 1024]  # about frame_max, which is 131072
    with publisher(server.url, queue) as p:
        p.wait_up()
        for size in sizes:
            p.say(f"send s{size} 1 {size}")
            assert p.statuses(f"s{size}", 1) == {"OK": 1}
        p.say(f"send large 1 {1024 * 1024 + 1}")
        assert p.statuses("large", 1) == {"TOO_LARGE": 1}
    assert [len(body) for _, body in drained(server, queue)] == sizes


def test_a_quorum_queue(server, queue):
    with publisher(server.url, queue, 2000, "quorum") as p:
        p.wait_up(10).say("send m 100 128")
        assert p.statuses("m", 100) == {"OK": 100}
    assert ids(drained(server, queue)) == [f"m-{i}" for i in range(100)]


def test_another_type_of_queue_is_told_and_tried_again(server, queue):
    with channel(server) as direct:
        direct.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        with publisher(server.url, queue) as p:
            until(lambda: p.log(f"declaring queue {queue} as classic refused"))
            assert p.log("setting for its type") and not p.up
            time.sleep(1)
            assert len(p.log("refused")) == 1  # of several attempts
            direct.queue_delete(queue)
            p.wait_up().say("send m 1 1")
            assert p.statuses("m", 1) == {"OK": 1}


@pytest.mark.parametrize("login, words", [
    ("guest:sesame@127.0.0.1:{port}/", "check user and password"),
    ("guest:guest@127.0.0.1:{port}/nowhere", "check the vhost"),
    ("guest:guest@127.0.0.1:1/", "Connection refused"),
    ("guest:guest@host.invalid/", "cannot resolve host.invalid"),
])
def test_what_is_wrong_with_the_url_is_told_once(server, login, words):
    with publisher(f"amqp://{login.format(port=server.port)}", "none") as p:
        until(lambda: p.log(words), 15)
        time.sleep(1)
        assert len(p.log(words)) == 1 and not p.log("sesame") and not p.up
        assert p.lag() < LAG_LIMIT_MS


# ---- A broker that goes away --------------------------------------------------------------------


def test_a_cut_wire_costs_nothing(server, proxy, queue):
    with publisher(through(proxy), queue) as p:
        connects = lambda: p.value('amqp_connects_total{role="publisher",result="ok"}')
        p.wait_up().lag()
        for i in range(20):
            p.say(f"send part{i} 100 128")
            if i % 4 == 1:  # each cut meets the connection that was made after the one before
                until(lambda: connects() == 1 + i // 4)
                proxy.cut()
            time.sleep(0.05)
        for i in range(20):
            assert p.statuses(f"part{i}", 100) == {"OK": 100}
        assert connects() == 6
        assert p.lag() < LAG_LIMIT_MS
    assert len(set(ids(drained(server, queue)))) == 2000


def test_unanswered_messages_go_again_with_the_same_id(server, proxy, queue):
    with publisher(through(proxy), queue) as p:
        p.wait_up()
        proxy.mute()  # the broker takes them, but its confirms are held back …
        p.say("send m 50 128")
        time.sleep(0.3)
        proxy.cut()  # … and lost
        proxy.flow()
        assert p.statuses("m", 50) == {"OK": 50}
        assert p.value('amqp_published_total{result="republished"}') == 50
    counts = Counter(ids(drained(server, queue)))
    assert set(counts) == {f"m-{i}" for i in range(50)} and set(counts.values()) == {2}


def test_a_restart_in_the_middle_loses_nothing(server, queue):
    with publisher(server.url, queue) as p:
        p.wait_up().lag()

        def part(names):
            for name in names:
                p.say(f"send {name} 20 128")
                time.sleep(0.02)
            return names

        names = part([f"before{i}" for i in range(20)])
        server.kill()
        names += part([f"while{i}" for i in range(150)])  # for longer than the deadline
        server.start()
        server.wait_ready()
        p.wait_up(10)
        names += part([f"after{i}" for i in range(20)])
        outcomes = {name: p.statuses(name, 20) for name in names}
        assert p.lag() < LAG_LIMIT_MS
    total = sum(outcomes.values(), Counter())
    assert total.total() == 3800 and set(total) == {"OK", "TIMEOUT", "UNAVAILABLE"}
    assert all(outcomes[f"after{i}"] == {"OK": 20} for i in range(20)) and total["OK"] >= 780
    confirmed = {line.split()[3] for line in p.lines if line.startswith("end ") and line.split()[2] == "OK"}
    assert confirmed <= set(ids(drained(server, queue)))


def test_a_broker_that_hangs_does_not_hold_the_loop(server, queue):
    with publisher(server.url, queue, 1000) as p:
        p.wait_up().lag()
        with paused(server):
            p.say("send late 500 128")
            assert p.statuses("late", 500, 3) == {"TIMEOUT": 500}
            p.say("send large 40 1000000")  # more than the kernel's buffers take
            assert set(p.statuses("large", 40, 3)) <= {"TIMEOUT", "FULL"}
            assert p.lag() < LAG_LIMIT_MS
        p.say("send after 10 128")
        assert p.statuses("after", 10) == {"OK": 10}


def test_attempts_at_a_broker_that_hangs(server, queue):
    with paused(server), publisher(server.url, queue, 300) as p:
        p.say("send early 10 128")
        assert p.statuses("early", 10) == {"TIMEOUT": 10}
        p.say("send refused 1 128")
        assert p.statuses("refused", 1) == {"UNAVAILABLE": 1}
        time.sleep(2.5)  # two attempts and a half
        assert 1 <= p.value('amqp_connects_total{role="publisher",result="failed"}') <= 3
        assert p.lag() < LAG_LIMIT_MS
        begin = time.monotonic()
        p.end()
        assert time.monotonic() - begin < 1  # an attempt in flight does not hold up the close


def test_a_publisher_that_starts_first(server, proxy, queue):
    proxy.refuse()
    with publisher(through(proxy), queue, 5000) as p:
        p.say("send early 10 128")
        time.sleep(1)
        proxy.accept()
        assert p.statuses("early", 10) == {"OK": 10}


# ---- A broker that takes nothing ----------------------------------------------------------------


def test_blocked_messages_are_held_then_refused(server, queue):
    with publisher(server.url, queue, 1000) as p, consumer(server.url, f"{queue}_2") as c:
        p.wait_up()
        c.wait_up()
        with alarm(server):
            p.say("send first 5 128")  # RabbitMQ blocks a connection when it publishes
            until(lambda: p.log("takes no messages"))
            assert p.statuses("first", 5) == {"TIMEOUT": 5}
            p.say("send held 5 128")
            assert p.statuses("held", 5) in ({"TIMEOUT": 5}, {"UNAVAILABLE": 5})
            p.say("send refused 5 128")
            assert p.statuses("refused", 5) == {"UNAVAILABLE": 5}
            assert not p.up and c.up
        p.wait_up(10).say("send after 5 128")
        assert p.statuses("after", 5) == {"OK": 5}
        assert p.value('amqp_connects_total{role="publisher",result="ok"}') == 1


def test_messages_held_while_blocked_go_out(server, queue):
    with publisher(server.url, queue, 20000) as p:
        p.wait_up()
        with alarm(server):
            p.say("send first 5 128")
            until(lambda: p.log("takes no messages"))
            p.say("send held 100 128")
            stays(lambda: not p.all_ends("held"))
        assert p.statuses("held", 100) == {"OK": 100}
        assert p.statuses("first", 5) == {"OK": 5}


def test_a_deleted_queue_is_declared_again(server, queue):
    with publisher(server.url, queue) as p, channel(server) as direct:
        p.wait_up()
        for i in range(5):
            direct.queue_delete(queue)
            p.say(f"send gone{i} 20 128")
            assert p.statuses(f"gone{i}", 20) == {"OK": 20}
            assert depth(server, queue) >= 20
        assert p.value('amqp_published_total{result="returned"}') >= 100
        assert p.value('amqp_connects_total{role="publisher",result="ok"}') == 1


def test_rejected_messages_are_tried_until_the_deadline(server, queue):
    control(server, "set_policy", "full", f"^{queue}$", '{"max-length": 10, "overflow": "reject-publish"}')
    try:
        with publisher(server.url, queue, 500) as p:
            p.wait_up().say("send m 50 128")
            outcomes = p.statuses("m", 50)
            assert outcomes["OK"] in (10, 11) and outcomes["TIMEOUT"] == 50 - outcomes["OK"]
            assert 39 <= p.value('amqp_published_total{result="republished"}') <= 40 * 500 / 50  # no busy loop
    finally:
        control(server, "clear_policy", "full")


# ---- Ends ---------------------------------------------------------------------------------------


def test_drain_and_close(server, proxy, queue):
    with publisher(through(proxy), queue) as p:
        p.wait_up()
        proxy.mute()
        p.say("send m 100 128")
        p.say("drain")
        stays(lambda: "drained" not in p.lines, 0.3)
        proxy.flow()
        until(lambda: "drained" in p.lines)
        assert p.statuses("m", 100) == {"OK": 100}
        proxy.mute()
        p.say("send pending 100 128")
        time.sleep(0.1)
        p.say("close")
        assert p.statuses("pending", 100) == {"CLOSED": 100}


def test_closing_in_a_callback(server, queue):
    with publisher(server.url, queue) as p:
        p.wait_up().say("closing it 128\nsend last 5 128")
        assert p.statuses("it", 1) == {"OK": 1}
        assert set(p.statuses("last", 5)) <= {"OK", "CLOSED"}


# ---- Consuming ----------------------------------------------------------------------------------


def publish(server, queue, count, body=b"x" * 100, first=0):
    with channel(server) as direct:
        direct.queue_declare(queue, durable=True)
        for i in range(first, first + count):
            direct.basic_publish("", queue, body, pika.BasicProperties(
                message_id=f"m-{i}", headers={"x-nested": {"list": [1, "two", None]}, "n": i}))


def test_each_message_is_delivered_once_in_order(server, queue):
    publish(server, queue, 1000)
    with consumer(server.url, queue) as c:
        until(lambda: len(got(c)) == 1000)
        assert [words[0] for words in got(c)] == [f"m-{i}" for i in range(1000)]
        assert {words[1] for words in got(c)} == {"100"}
        assert c.value('amqp_delivered_total{redelivered="false"}') == 1000
        until(lambda: c.value("amqp_acked_total") == 1000)
        assert c.value("amqp_unacked") == 0
    assert depth(server, queue) == 0


def test_the_prefetch_bounds_what_is_unfinished(server, queue):
    publish(server, queue, 300)
    with consumer(server.url, queue, 50) as c:
        c.say("hold 1")  # may come too late for the first ones
        until(lambda: c.value("amqp_unacked") == 50)
        stays(lambda: c.value("amqp_unacked") == 50)
        c.say("hold 0")
        c.say("finish")
        until(lambda: len(got(c)) == 300)
        until(lambda: c.value("amqp_acked_total") == 300)
    assert depth(server, queue) == 0


def test_what_was_not_finished_comes_again_and_nothing_else(server, queue):
    with consumer(server.url, queue, 400) as c:
        c.wait_up().say("hold 5")
        publish(server, queue, 1000)  # 200 are held, all around them are finished
        until(lambda: len(got(c)) == 1000)
        until(lambda: c.value("amqp_acked_total") == 800)
    held = [words[0] for i, words in enumerate(got(c), 1) if i % 5 == 0]
    messages = drained(server, queue)
    assert ids(messages) == held


def test_a_lost_connection_brings_again_what_was_not_finished(server, proxy, queue):
    with consumer(through(proxy), queue, 100) as c:
        c.wait_up().say("hold 2")
        publish(server, queue, 100)
        until(lambda: len(got(c)) == 100)
        until(lambda: c.value("amqp_acked_total") == 50)
        c.say("hold 0")
        proxy.cut()
        until(lambda: len(got(c)) == 150)
        again = got(c)[100:]
        assert [words[0] for words in again] == [f"m-{i}" for i in range(1, 100, 2)]
        assert all("redelivered" in words for words in again)
        c.say("finish")  # of the old connection: must not touch the new one's tags
        until(lambda: c.value("amqp_acked_total") == 100)
        assert c.value("amqp_unacked") == 0
    assert depth(server, queue) == 0


def test_a_consumer_survives_a_restart(server, queue):
    publish(server, queue, 10)
    with channel(server) as direct:
        direct.queue_declare(queue, durable=True)
    with consumer(server.url, queue) as c, publisher(server.url, queue) as p:
        until(lambda: len(got(c)) == 10)
        server.kill()
        server.start()
        server.wait_ready()
        c.wait_up(10)
        p.wait_up(10).say("send after 10 100")
        assert p.statuses("after", 10) == {"OK": 10}
        until(lambda: {words[0] for words in got(c)} >= {f"after-{i}" for i in range(10)})
        assert all("traced" in words for words in got(c) if words[0].startswith("after"))


def test_a_consumer_of_a_deleted_queue_subscribes_again(server, queue):
    with consumer(server.url, queue) as c, channel(server) as direct:
        c.wait_up()
        direct.queue_delete(queue)
        until(lambda: c.log("the queue is gone"))
        c.wait_up()
        publish(server, queue, 10)
        until(lambda: len(got(c)) == 10)


def test_large_bodies_are_cut(server, queue):
    publish(server, queue, 1, b"y" * 1024 * 1024)
    publish(server, queue, 1, b"y" * 5 * 1024 * 1024, first=1)
    publish(server, queue, 1, b"", first=2)
    with consumer(server.url, queue) as c:
        until(lambda: len(got(c)) == 3)
        assert got(c) == [["m-0", "1048576"], ["m-1", "1048576", "large"], ["m-2", "0"]]


def test_a_flood_does_not_hold_the_loop(server, queue):
    with publisher(server.url, queue) as p:
        p.wait_up()
        assert p.ask("flood 20000 2000 128", 60)[3] == "0"
    with consumer(server.url, queue, 2000) as c:
        c.say("quiet\nuntil 20000")
        until(lambda: [line for line in c.lines if line.startswith("until ")], 30)
        until(lambda: c.value("amqp_acked_total") == 20000)
        assert c.lag() < LAG_LIMIT_MS
    assert depth(server, queue) == 0


def test_a_cancel_stops_deliveries_and_leaves_acks(server, queue):
    publish(server, queue, 50)
    with consumer(server.url, queue, 10) as c:
        c.wait_up().say("hold 1\ncancel")
        until(lambda: "cancelled" in c.lines)
        seen = len(got(c))
        publish(server, queue, 10, first=50)
        stays(lambda: len(got(c)) == seen)
        c.say("finish")
        until(lambda: c.value("amqp_acked_total") == seen)
    assert depth(server, queue) == 60 - seen
