"""What the broker and the cache may do to us while they run.

One poison message among 500: ../integration/test_backend_faults.py has it, with the batch that is split around it.
"""

import time
import uuid

from place import QUEUE
from system import control
from until import stays, until

RECOVERY_S = 2


def test_the_broker_closes_all_connections(system, stack):
    with system.load() as load:
        for _ in range(3):
            load.flows()
            connects = system.backend.value("amqp_connects_total", result="ok")
            control(stack.rabbitmq, "close_all_connections", "--vhost", system.place.name, "maintenance")
            until(lambda: system.backend.value("amqp_connects_total", result="ok") >= connects + 2, RECOVERY_S)
            assert load.flows() < RECOVERY_S
    system.judge()


def test_the_queue_is_deleted_while_it_is_empty(system):
    """Nothing is in it that could be lost, so nothing is."""
    with system.load(rate=100) as load:
        load.flows()
    system.settle()
    for _ in range(5):
        system.place.channel.queue_delete(QUEUE)
        some = [str(uuid.uuid4()) for _ in range(5)]
        assert [system.order(identity) for identity in some] == [200] * 5
        until(lambda: set(some) <= {row[0] for row in system.place.rows()}, RECOVERY_S)
    system.judge("returned", "republished")


def test_the_queue_is_deleted_under_load(system):
    """What lay in it went with it, by whoever deleted it; all that was promised after the return is there."""
    with system.load() as load:
        load.flows()
        system.place.channel.queue_delete(QUEUE)
        time.sleep(RECOVERY_S)
        early = load.ledger.promised
        load.flows(more=100)
    found = system.anomalies()
    assert set(found) <= {"lost"} and found.get("lost", set()) <= early, found
    assert len(found.get("lost", ())) < 100  # not all that came while it was away, either


def test_a_memory_alarm(system, stack):
    """Publishers are blocked: 503, not silence. What needs no broker answers; then all goes on."""
    with system.load() as load:
        load.flows()
        control(stack.rabbitmq, "set_vm_memory_high_watermark", "0.0001")
        try:
            until(lambda: load.ledger.codes[503] > 20, 20)
            for path in ("/health", "/metrics", "/fruit"):
                assert system.frontend.get(path).status_code == 200
            stays(lambda: system.backend.get("/health").status_code == 200, 1)
        finally:
            control(stack.rabbitmq, "set_vm_memory_high_watermark", "0.4")
        assert load.flows(more=1) < RECOVERY_S
        load.flows()
    system.judge()


def test_flushall(system, stack):
    """The cache forgets all, again and again; sums come from the database then, and are right."""
    with system.load(only="fruit_post,fruit_get") as load:
        for _ in range(20):
            load.flows(more=5)
            assert system.redis().flushall()
    system.judge()
    assert set(system.ledger.codes) == {200}
    pears = sum(quantity for name, quantity in system.ledger.attempted.values() if name == "pears")
    assert system.frontend.get("/fruit?name=pears").json()["total_quantity"] == pears
