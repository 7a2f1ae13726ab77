"""The frontend while the broker is away, hangs or loses a confirm: a 2xx is a promise, everything else is a 503."""

import threading
import time
import uuid

from program import parallel
from until import until


def wired(place, run, wires, *flags):
    place.make_schema()
    return run("frontend", *flags, wires=wires)


def test_503_while_the_broker_is_down_and_back_within_2_s(place, run, wires):
    frontend = wired(place, run, wires)
    wires.rabbitmq.refuse()
    until(lambda: frontend.get("/ready").status_code == 503)
    for answer in (frontend.get("/hello"), frontend.order()):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1 and answer.json()["error"]
    time.sleep(1)
    assert frontend.get("/fruit").status_code == 200
    wires.rabbitmq.accept()
    begin = time.monotonic()
    until(lambda: frontend.get("/hello").status_code == 200, 5)
    assert time.monotonic() - begin < 2
    assert frontend.order().status_code == 200
    place.take(2)


def test_a_short_outage_is_not_seen(place, run, wires):
    """What the broker cannot take within the deadline of 2 s is published when it is back."""
    frontend = wired(place, run, wires)
    wires.rabbitmq.refuse()
    until(lambda: frontend.get("/ready").status_code == 503)
    back = threading.Timer(0.5, wires.rabbitmq.accept)
    back.start()
    key = str(uuid.uuid4())
    assert frontend.order(Idempotency_Key=key).status_code == 200
    assert place.take(1)[0][1].message_id == key


def test_a_long_outage_is_told_at_once(place, run, wires):
    frontend = wired(place, run, wires)
    wires.rabbitmq.refuse()
    begin = time.monotonic()
    assert frontend.order().status_code == 503
    assert 0.5 < time.monotonic() - begin < 4  # the deadline
    until(lambda: frontend.order().elapsed.total_seconds() < 0.2, 5)
    assert parallel(20, lambda n: frontend.order().status_code) == [503] * 20
    assert frontend.value("amqp_connected", role="publisher") == 0


def test_a_lost_confirm_means_the_same_message_again(place, run, wires):
    frontend = wired(place, run, wires)
    keys = [str(uuid.uuid4()) for _ in range(5)]
    wires.rabbitmq.mute()  # the broker gets the message, its confirm gets lost
    answers = []
    threads = [threading.Thread(target=lambda key=key: answers.append(frontend.order(Idempotency_Key=key)))
               for key in keys]
    for thread in threads:
        thread.start()
    until(lambda: place.waiting() == 5)
    assert answers == []
    wires.rabbitmq.cut()
    wires.rabbitmq.flow()
    for thread in threads:
        thread.join(10)
    assert [answer.status_code for answer in answers] == [200] * 5
    assert sorted(answer.json()["id"] for answer in answers) == sorted(keys)
    published = [properties.message_id for _, properties in place.take(10)]
    assert sorted(published) == sorted(keys + keys)
    assert frontend.value("amqp_published_total", result="republished") >= 5
    assert frontend.value("amqp_published_total", result="confirmed") == 5


def test_a_broker_that_hangs_ends_in_503_and_delays_nothing_else(place, run, wires):
    frontend = wired(place, run, wires, "--publish-deadline", "1000")
    wires.rabbitmq.stall()
    begin = time.monotonic()
    slow, fast = parallel(2, lambda n: (frontend.order() if n == 0 else frontend.get("/fruit"), time.monotonic() - begin))
    assert slow[0].status_code == 503 and 0.9 < slow[1] < 3
    assert fast[0].status_code == 200 and fast[1] < 0.5
    wires.rabbitmq.flow()
    until(lambda: frontend.get("/hello").status_code == 200, 5)


def test_a_full_window_is_a_503(place, run, wires):
    frontend = wired(place, run, wires, "--publish-window", "4", "--publish-deadline", "400")
    wires.rabbitmq.mute()
    codes = parallel(12, lambda n: frontend.order().status_code)
    assert codes == [503] * 12
    assert len(place.take()) <= 4
    wires.rabbitmq.flow()
    until(lambda: frontend.order().status_code == 200, 5)


def test_a_deleted_queue_is_made_again(place, run):
    place.make_schema()
    frontend = run("frontend")
    assert frontend.get("/hello").status_code == 200
    place.channel.queue_delete("task_queue")
    until(lambda: frontend.order(Idempotency_Key=(key := str(uuid.uuid4()))).status_code == 200, 5)
    place.take(1)


def test_quorum_queues(place, run):
    run("backend", "--queue-type", "quorum")
    frontend = run("frontend", "--queue-type", "quorum")
    identity = frontend.order("pears", 2).json()["id"]
    until(lambda: (identity, "pears", 2) in place.rows())


def test_a_queue_of_the_wrong_type_is_named(place, run):
    """406: it does not go away by itself, so the log has to say what it is about."""
    place.make_schema()
    place.channel  # declares it, as a classic one
    frontend = run("frontend", "--queue-type", "quorum", "--publish-deadline", "100", ready=False)
    frontend.may_complain = True
    until(lambda: "task_queue" in frontend.log_text(), 5)
    assert frontend.get("/hello").status_code == 503
