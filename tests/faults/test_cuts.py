"""A connection cut after its Nth byte, for N from the first to the last of a whole exchange, in either direction.

An order travels from the frontend to RabbitMQ (publish, confirm), to the backend (deliver, ack), to PostgreSQL (insert,
commit). At each N one order, or eight at once, are made while one of these connections breaks there: they are answered
with 200 all the same, and stored once, within seconds.
"""

import uuid

import pytest

from cutter import Cutter
from form import pick
from place import Ports
from program import parallel
from system import System
from until import until

STRIDES = {1: pick(13, 1), 8: pick(301, 11)}  # by the number of orders in the exchange
LIMIT_S = 3


class Cutters(Ports):
    """A cutter before each server."""

    def __init__(self, stack):
        super().__init__(*(Cutter(server.port) for server in (stack.rabbitmq, stack.postgres, stack.redis)))

    def close(self):
        for cutter in (self.rabbitmq, self.postgres, self.redis):
            cutter.close()


@pytest.fixture
def cut(stack, place, tmp_path):
    with System(stack, place, tmp_path, wires=Cutters) as made:
        yield made


def orders_are_stored(system, count):
    some = [str(uuid.uuid4()) for _ in range(count)]
    assert parallel(count, lambda n: system.order(some[n])) == [200] * count
    until(lambda: len(system.place.sql("select 1 from fruits where message_id = any(%s::uuid[])", some)) == count,
          LIMIT_S, every=0.005)
    until(lambda: system.backend.value("amqp_unacked") == 0, LIMIT_S)


def exchange_length(system, cutter, way, count):
    """Bytes that the orders take, the acks behind them included."""
    orders_are_stored(system, count)
    cutter.count()
    orders_are_stored(system, count)
    return cutter.passed[way]


@pytest.mark.parametrize("count", [1, 8], ids=["one", "eight"])
@pytest.mark.parametrize("program, server, way, happens", [
    ("frontend", "rabbitmq", "up", "republished"),
    ("frontend", "rabbitmq", "down", "republished"),
    ("backend", "rabbitmq", "down", "redelivered"),
    ("backend", "rabbitmq", "up", "redelivered"),
    ("backend", "postgres", "up", "retried"),
    ("backend", "postgres", "down", "duplicate"),
], ids=["publish", "confirm", "deliver", "ack", "insert", "commit"])
def test_cut_after_each_byte(cut, program, server, way, happens, count):
    cutter = getattr(cut.wires[program], server)
    length = exchange_length(cut, cutter, way, count)
    points = sorted({*range(0, length, min(STRIDES[count], max(1, length // 4))), length - 1})
    met = 0
    for point in points:
        cutter.after(way, point)
        orders_are_stored(cut, count)
        met += cutter.cut_done
        cutter.disarm()
        until(cut.ready, LIMIT_S)
    assert met >= len(points) // 2, f"only {met} of {len(points)} cuts fell into their exchange"
    assert set(cut.ledger.codes) == {200}
    cut.judge(happens)
