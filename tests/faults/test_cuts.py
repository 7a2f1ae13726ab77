"""A connection cut after its Nth byte, for N from the first to the last of a whole exchange, in either direction.

An order travels from the frontend to RabbitMQ (publish, confirm), to the backend (deliver, ack), to PostgreSQL (insert,
commit). At each N one order is made while one of these connections breaks there: it is answered with 200 all the same,
and stored once, within seconds.
"""

import uuid

import pytest

from cutter import Cutter
from form import pick
from place import Ports
from system import System
from until import until

STRIDE = pick(13, 1)
RECOVERY_S = 2


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


def order_is_stored(system):
    identity = str(uuid.uuid4())
    assert system.order(identity) == 200
    until(lambda: system.place.sql("select 1 from fruits where message_id = %s", identity), RECOVERY_S + 1, every=0.005)
    until(lambda: system.backend.value("amqp_unacked") == 0, RECOVERY_S + 1)


def exchange_length(system, cutter, way):
    """Bytes that an order takes, the acks behind it included."""
    order_is_stored(system)
    cutter.count()
    order_is_stored(system)
    return cutter.passed[way]


@pytest.mark.parametrize("program, server, way, happens", [
    ("frontend", "rabbitmq", "up", "republished"),
    ("frontend", "rabbitmq", "down", "republished"),
    ("backend", "rabbitmq", "down", "redelivered"),
    ("backend", "rabbitmq", "up", "redelivered"),
    ("backend", "postgres", "up", "retried"),
    ("backend", "postgres", "down", "duplicate"),
], ids=["publish", "confirm", "deliver", "ack", "insert", "commit"])
def test_cut_after_each_byte(cut, program, server, way, happens):
    cutter = getattr(cut.wires[program], server)
    length = exchange_length(cut, cutter, way)
    points = sorted({*range(0, length, min(STRIDE, max(1, length // 4))), length - 1})
    met = 0
    for point in points:
        cutter.after(way, point)
        order_is_stored(cut)
        met += cutter.cut_done
        cutter.disarm()
        until(cut.ready, RECOVERY_S)
    assert met >= len(points) * 3 // 4, f"only {met} of {len(points)} cuts fell into their exchange"
    assert set(cut.ledger.codes) == {200}
    cut.judge(happens)
