"""What becomes of a message: a row, a dead letter or nothing twice. The messages come from the other implementation."""

import datetime
import uuid

import pytest

from place import FRUITS, Place
from program import running
from until import stays, until

MIB = 1 << 20


@pytest.fixture(scope="module")
def shared(stack):
    with Place(stack) as place:
        with running(stack, place, "backend", "--generators", "0") as backend:
            until(lambda: '"redis":"up"' in backend.get("/ready").text)
            yield place, backend


@pytest.fixture
def backend(shared):
    return shared[1]


@pytest.fixture
def place(shared):
    place, backend = shared
    place.sql("truncate fruits, dead_letter")
    return place


def new_id():
    return str(uuid.uuid4())


def jobs(backend):
    return {(labels["kind"], labels["result"]): value for (name, of), value in backend.samples().items()
            if name == "worker_jobs_total" for labels in [dict(of)]}


def rise(before, after):
    return {key: after[key] - before[key] for key in after if after[key] != before[key]}


# Rows

def test_an_order_becomes_a_row(backend, place):
    before, identity = jobs(backend), new_id()
    place.publish({"fruit": "pears", "quantity": 3}, message_id=identity, content_type="application/json")
    until(lambda: place.rows() == [(identity, "pears", 3)])
    [(created,)] = place.sql("select created_at from fruits")
    assert abs(datetime.datetime.now(datetime.timezone.utc) - created).total_seconds() < 5
    assert until(lambda: rise(before, jobs(backend))) == {("fruit", "stored"): 1}
    assert place.waiting() == 0 and place.dead_letters() == []


@pytest.mark.parametrize("identity", [None, "", "17", "not-a-uuid", "x" * 255, "{0190163d-8694-739b-aea5-966c26f8ad91}"])
def test_without_an_id_that_is_a_uuid_it_is_stored_without(backend, place, identity):
    for quantity in (1, 2):
        place.publish({"fruit": "pears", "quantity": quantity}, message_id=identity)
    until(lambda: place.rows() == [(None, "pears", 1), (None, "pears", 2)])


def test_an_id_in_upper_case_is_the_same_id(backend, place):
    identity = new_id()
    place.publish_orders([(identity.upper(), "pears", 1), (identity, "pears", 1)])
    place.publish_orders([(None, "grapes", 1)])
    until(lambda: place.count() == 2)
    assert place.rows() == [(identity, "pears", 1), (None, "grapes", 1)]


@pytest.mark.parametrize("body, row", [
    (b'{"fruit":"pears","quantity":3,"price":1.5,"more":{"deep":[null]}}', ("pears", 3)),
    (b'{"quantity": 3, "fruit": "PEARS"}', ("pears", 3)),
    (b'\n\t{"fruit":"p\\u0065ars","quantity":3}\n', ("pears", 3)),
    (b'{"fruit":"grapes","quantity":2147483647}', ("grapes", 2147483647)),
])
def test_bodies_as_others_write_them(backend, place, body, row):
    place.publish(body)
    until(lambda: place.rows() == [(None, *row)])


@pytest.mark.parametrize("properties", [
    {"delivery_mode": 1}, {"content_type": "text/plain"}, {"priority": 5, "app_id": "someone", "type": "order"},
    {"headers": {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "n": 7, "deep": {"a": [1, None]}}},
    {"timestamp": 1, "expiration": "60000", "correlation_id": "c", "reply_to": "r", "user_id": "guest"},
])
def test_properties_as_others_set_them(backend, place, properties):
    place.publish({"fruit": "pears", "quantity": 3}, **properties)
    until(lambda: place.count() == 1)


def test_hello_is_done_and_stored_nowhere(backend, place):
    before = jobs(backend)
    place.publish("hello", message_id=new_id())
    place.publish(b' "hello" ')
    assert until(lambda: rise(before, jobs(backend)).get(("hello", "done")) == 2)
    assert place.count() == 0 and place.dead_letters() == [] and place.waiting() == 0


def test_the_other_implementation_reads_and_writes_the_table(backend, place):
    """The statements are SQLAlchemy's, for a model of id, name, quantity and created_at."""
    place.publish({"fruit": "pears", "quantity": 3}, message_id=new_id())
    until(lambda: place.count() == 1)
    [(identity, name, quantity, created)] = place.sql(
        "SELECT fruits.id AS fruits_id, fruits.name AS fruits_name, fruits.quantity AS fruits_quantity, "
        "fruits.created_at AS fruits_created_at FROM fruits WHERE fruits.name = %s", "pears")
    assert isinstance(identity, int) and (name, quantity) == ("pears", 3) and created.tzinfo
    [(second,)] = place.sql("INSERT INTO fruits (name, quantity) VALUES (%s, %s) RETURNING fruits.id", "apples", 4)
    assert second > identity
    assert place.rows()[1] == (None, "apples", 4)


def test_a_thousand_at_once(backend, place):
    orders = [(new_id(), FRUITS[n % 5], n + 1) for n in range(1000)]
    batches = backend.value("store_batch_size_count")
    place.publish_orders(orders)
    until(lambda: place.count() == 1000)
    assert sorted(place.rows()) == sorted(orders)
    assert backend.value("store_batch_size_count") - batches < 500  # they were batched
    until(lambda: backend.value("amqp_unacked") == 0)


# Twice

def test_an_id_is_stored_once(backend, place):
    before, identity = jobs(backend), new_id()
    place.publish_orders([(identity, "pears", 3)] * 3)
    until(lambda: rise(before, jobs(backend)) == {("fruit", "stored"): 1, ("fruit", "duplicate"): 2})
    place.publish_orders([(identity, "apples", 9)])  # much later, and not the same: the first one holds
    until(lambda: rise(before, jobs(backend)).get(("fruit", "duplicate")) == 3)
    assert place.rows() == [(identity, "pears", 3)]
    assert place.waiting() == 0


# Dead letters

@pytest.mark.parametrize("body, reason", [
    (b"nonsense", "not JSON"), (b"", "not JSON"), (b"\x00\x01\xfe\xff", "not JSON"),
    (b'{"fruit":"pears","quantity":3', "not JSON"),
    (b"{'fruit': 'pears', 'quantity': 3}", "not JSON"), (b'{"fruit":"\xff\xfe","quantity":3}', "not JSON"),
    (b'"hello" "hello"', "not JSON"), (b"[" * 3000, "not JSON"), ("nonsense über €uro".encode(), "not JSON"),
    (b"17", "neither"), (b"null", "neither"), (b'"goodbye"', "neither"), (b'["fruit"]', "neither"),
    (b"{}", "no fruit"), (b'{"fruit":"pears"}', "no quantity"), (b'{"quantity":3}', "no fruit"),
    (b'{"fruit":"kiwi","quantity":3}', 'unknown fruit "kiwi"'), (b'{"fruit":"all","quantity":3}', "unknown fruit"),
    (b'{"fruit":3,"quantity":3}', "fruit"),
    (('{"fruit":"' + "€" * 100 + '","quantity":3}').encode(), "unknown fruit"),
    (('{"fruit":"x' + "😀" * 30 + '","quantity":3}').encode(), "unknown fruit"),
    (b'{"fruit":"it\'s \\"quoted\\" \\\\ {1,2} \\n NULL","quantity":3}', "unknown fruit"),
    (b'{"fruit":"pears","quantity":0}', "quantity"), (b'{"fruit":"pears","quantity":-3}', "quantity"),
    (b'{"fruit":"pears","quantity":"3"}', "quantity"), (b'{"fruit":"pears","quantity":3.5}', "quantity"),
    (b'{"fruit":"pears","quantity":2147483648}', "quantity"), (b'{"fruit":"pears","quantity":1e999}', "too big"),
], ids=lambda value: repr(value[:30]))
def test_what_cannot_be_understood_is_a_dead_letter(backend, place, body, reason):
    before, identity = jobs(backend), new_id()
    place.publish(body, message_id=identity)
    [(letter_id, told, kept)] = until(place.dead_letters)
    assert letter_id == identity and kept == body and reason in told
    assert until(lambda: rise(before, jobs(backend))) == {("unknown", "dead_letter"): 1}
    assert place.count() == 0 and place.waiting() == 0


def test_a_dead_letter_without_an_id(backend, place):
    place.publish(b"nonsense", b"nonsense")
    until(lambda: place.count("dead_letter") == 2)
    assert [(identity, body) for identity, _, body in place.dead_letters()] == [(None, b"nonsense")] * 2


def test_a_dead_letter_comes_once(backend, place):
    before, identity = jobs(backend), new_id()
    place.publish(b"nonsense", b"nonsense", message_id=identity)
    until(lambda: rise(before, jobs(backend)) == {("unknown", "dead_letter"): 1, ("unknown", "duplicate"): 1})
    assert place.count("dead_letter") == 1


def test_good_and_bad_in_one_batch(backend, place):
    orders = [(new_id(), "pears", n + 1) for n in range(300)]
    for n, order in enumerate(orders):
        place.publish_orders([order])
        if n % 3 == 0:
            place.publish(b"nonsense %d" % n)
    until(lambda: place.count() == 300 and place.count("dead_letter") == 100)
    assert sorted(place.rows()) == sorted(orders)
    assert {body for _, _, body in place.dead_letters()} == {b"nonsense %d" % n for n in range(0, 300, 3)}


def test_a_large_body_is_kept_whole_up_to_a_mebibyte(backend, place):
    body = b"\x00\xff'\\{}" * (MIB // 6)
    place.publish(body)
    [(_, reason, kept)] = until(place.dead_letters)
    assert kept == body and "many" in reason


def test_a_body_of_10_mb_is_cut_off_and_says_so(backend, place):
    body = bytes(range(256)) * 40000
    place.publish(body, message_id=(identity := new_id()))
    place.publish({"fruit": "pears", "quantity": 3})
    [(letter_id, reason, kept)] = until(place.dead_letters, 20)
    assert letter_id == identity and kept == body[:MIB] and "cut off" in reason
    until(lambda: place.count() == 1)
    assert backend.value("process_resident_memory_bytes") < 400e6


def test_fifty_large_ones_do_not_jam_it(backend, place):
    """Together they are more than one transaction may carry, and more than it should hold in memory at once."""
    for n in range(50):
        place.publish(b"%03d" % n + b"\xff" * (MIB - 3))
    place.publish({"fruit": "pears", "quantity": 3})
    until(lambda: place.count("dead_letter") == 50 and place.count() == 1, 60, every=0.2)
    assert place.sql("select count(distinct substr(body, 1, 3)) from dead_letter") == [(50,)]


# The cache

def cached(place, **values):
    place.redis.flushdb()
    for name, value in values.items():
        place.redis.set(f"fruit_{name}", value)


def keys(place):
    return {key.decode() for key in place.redis.keys()}


def test_the_sums_of_a_batch_are_deleted(backend, place):
    cached(place, pears=1, apples=2, grapes=3, all=6)
    place.publish_orders([(None, "pears", 3), (None, "grapes", 3)])
    until(lambda: keys(place) == {"fruit_apples"})


def test_for_a_duplicate_too(backend, place):
    """A backend that died between its commit and its delete left them."""
    identity = new_id()
    place.publish_orders([(identity, "pears", 3)])
    until(lambda: place.count() == 1)
    cached(place, pears=1, apples=2, all=3)
    place.publish_orders([(identity, "pears", 3)])
    until(lambda: keys(place) == {"fruit_apples"})


def test_not_for_hello_and_dead_letters(backend, place):
    cached(place, pears=1, all=3)
    place.publish("hello", b"nonsense")
    until(lambda: place.count("dead_letter") == 1 and backend.value("amqp_unacked") == 0)
    stays(lambda: keys(place) == {"fruit_pears", "fruit_all"}, 0.2)


def test_after_the_commit_and_not_before(backend, place):
    cached(place, pears=1, all=3)
    with place.transaction() as lock:
        lock.cursor().execute("lock table fruits")
        place.publish_orders([(new_id(), "pears", 3)])
        stays(lambda: keys(place) == {"fruit_pears", "fruit_all"}, 0.3)
    lock.close()
    until(lambda: keys(place) == set())
    assert place.count() == 1


# What it says of itself

def test_its_metrics_add_up(backend, place):
    before, delivered, acked = jobs(backend), backend.value("amqp_delivered_total"), backend.value("amqp_acked_total")
    durations = {kind: backend.value("worker_job_duration_seconds_count", kind=kind) for kind in ("hello", "fruit")}
    sizes = backend.value("store_batch_size_sum")
    identity = new_id()
    place.publish_orders([(identity, "pears", 1), (identity, "pears", 1), (new_id(), "apples", 2)])
    place.publish("hello", "hello", b"nonsense")
    expected = {("fruit", "stored"): 2, ("fruit", "duplicate"): 1, ("hello", "done"): 2, ("unknown", "dead_letter"): 1}
    until(lambda: rise(before, jobs(backend)) == expected)
    until(lambda: backend.value("amqp_acked_total") == acked + 6)
    assert backend.value("amqp_delivered_total") == delivered + 6
    assert backend.value("amqp_unacked") == 0 and backend.value("worker_busy") == 0
    assert backend.value("worker_job_duration_seconds_count", kind="fruit") == durations["fruit"] + 3
    assert backend.value("worker_job_duration_seconds_count", kind="hello") == durations["hello"] + 2
    assert backend.value("store_batch_size_sum") == sizes + 4
    for quantile in ("0.5", "0.9", "0.99"):
        assert 0 < backend.value("worker_job_duration_seconds", kind="fruit", quantile=quantile) < 60


def test_its_pages(backend):
    assert backend.get("/health").status_code == 200
    ready = backend.get("/ready")
    assert ready.status_code == 200
    assert ready.json() == {"ready": True,
                            "dependencies": {"consumer": "up", "publisher": "up", "postgres": "up", "redis": "up"}}
    assert backend.get("/hello").status_code == 404
    assert backend.request("POST", "/health").status_code == 405
