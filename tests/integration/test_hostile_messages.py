"""Messages that no program of ours would send: what test_backend_jobs.py has not asked yet.

After each of them the backend holds no message, its connection to the broker is the same, and an order that comes
next is stored.
"""

import uuid

import pytest

from place import Place
from program import running
from until import until

ORDER = b'{"fruit":"pears","quantity":4}'
KIB = 1024


@pytest.fixture(scope="module")
def shared(stack):
    with Place(stack) as place:
        with running(stack, place, "backend", "--generators", "0") as backend:
            yield place, backend


@pytest.fixture
def place(shared):
    place, backend = shared
    place.sql("truncate fruits, dead_letter")
    connections = backend.value("amqp_connects_total")
    yield place
    marker = str(uuid.uuid4())
    place.publish_orders([(marker, "grapes", 1)])
    until(lambda: marker in [identity for identity, *_ in place.rows()])
    until(lambda: backend.value("amqp_unacked") == 0 and place.waiting() == 0)
    assert backend.value("amqp_connects_total") == connections


def new_id():
    return str(uuid.uuid4())


@pytest.mark.parametrize("body, reason", [
    (b"[" * 60000, "not JSON"), (b'{"fruit":' * 6000, "not JSON"),
    (b'{"x":' + b"[" * 2100 + b"]" * 2100 + b',"fruit":"pears","quantity":4}', "not JSON"),
    (b"\xef\xbb\xbf" + ORDER, "not JSON"), (ORDER.decode().encode("utf-16"), "not JSON"), (ORDER + b"\x00", "not JSON"),
    (b'"hello', "not JSON"), (b"'hello'", "not JSON"), (b'"Hello"', "neither"), (b'"hello\\u0000"', "neither"),
    (b'"' + b"h" * 60000 + b'"', "neither"), (b'["hello"]', "neither"),
    (b'{"fruit":"pears","quantity":1e309}', "too big"), (b'{"fruit":"pears","quantity":-1e309}', "too big"),
    (b'{"fruit":"pears","quantity":9223372036854775808}', "too big"),
    (b'{"fruit":"pears","quantity":9223372036854775807}', "quantity"),
    (b'{"fruit":"pears","quantity":-1}', "quantity"), (b'{"fruit":"pears","quantity":4.0}', "quantity"),
    (b'{"fruit":"pears","quantity":[4]}', "quantity"), (b'{"fruit":"pears","quantity":true}', "quantity"),
    (b'{"fruit":"","quantity":4}', "unknown fruit"), (b'{"fruit":"' + b"p" * 10240 + b'","quantity":4}', "unknown fruit"),
    (b'{"fruit":"pears\\u0000","quantity":4}', "unknown fruit"), (b'{"fruit":"\\u0000","quantity":4}', "unknown fruit"),
    (b'{"fruit":"\\ud800","quantity":4}', "not JSON"), (b'{"fruit":"\xed\xa0\x80","quantity":4}', "not JSON"),
    (b'{"fruit":"' + b"\\u20ac" * 30 + b'\\n","quantity":4}', "unknown fruit"),
    (b'{"FRUIT":"pears","QUANTITY":4}', "no fruit"), (b'{"fruit":["pears"],"quantity":4}', "fruit"),
], ids=lambda value: repr(value[:36]))
def test_a_body_that_is_no_order(place, body, reason):
    identity = new_id()
    place.publish(body, message_id=identity)
    [(letter, told, kept)] = until(place.dead_letters)
    assert (letter, kept) == (identity, body) and reason in told
    assert place.count() == 0


def deep(levels):
    table = {}
    for _ in range(levels):
        table = {"x": table}
    return table


@pytest.mark.parametrize("properties", [
    {"message_id": "\x00" * 255}, {"message_id": "€" * 85}, {"message_id": "'; drop table fruits; --"},
    {"headers": {"traceparent": 7}}, {"headers": {"traceparent": "x" * 60000}}, {"headers": {"traceparent": {"x": []}}},
    {"headers": {"x" * 255: None}}, {"headers": {str(n): n for n in range(3000)}}, {"headers": deep(50)},
    {"headers": {"x": [[[[[[]]]]]]}}, {"headers": {"x": b"\xff" * 60000}}, {"headers": {}}, {"timestamp": 2 ** 63 - 1},
    {"content_type": "application/json; charset=utf-16", "content_encoding": "gzip"}, {"content_type": "\x00\x01"},
    {"delivery_mode": 1, "priority": 255}, {"reply_to": "task_queue", "correlation_id": "€"},
], ids=lambda value: repr(value)[:40])
def test_properties_do_no_harm(place, properties):
    """What an order's properties say otherwise, it is stored for its body; an id that is no UUID is none."""
    place.publish(ORDER, **properties)
    until(lambda: place.rows() == [(None, "pears", 4)])


@pytest.mark.parametrize("size", [128 * KIB - 9, 128 * KIB - 8, 128 * KIB - 7, 256 * KIB - 16, 64 * KIB, 64 * KIB + 1])
def test_bodies_about_as_long_as_a_frame(place, size):
    body = ORDER.ljust(size)
    place.publish(body)
    if size <= 64 * KIB:
        until(lambda: place.rows() == [(None, "pears", 4)])
    else:
        [(_, reason, kept)] = until(place.dead_letters)
        assert kept == body and "too many" in reason


def test_one_id_with_different_bodies(place):
    """The first one holds, in one batch and in another."""
    identity = new_id()
    place.publish_orders([(identity, "pears", 1), (identity, "apples", 2), (identity.upper(), "grapes", 3)])
    until(lambda: place.count() == 1)
    place.publish_orders([(identity, "bananas", 4), (None, "oranges", 5)])
    until(lambda: place.count() == 2)
    assert sorted(place.rows(), key=str) == sorted([(identity, "pears", 1), (None, "oranges", 5)], key=str)


def test_ten_thousand_poisonous_ones_before_an_order(place):
    place.publish(*[b"{%d" % n for n in range(10000)])
    place.publish({"fruit": "pears", "quantity": 4})
    until(lambda: place.count() == 1, 30)
    until(lambda: place.count("dead_letter") == 10000, 30)
    assert place.sql("select count(distinct body) from dead_letter") == [(10000,)]
