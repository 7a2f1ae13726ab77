"""Orders without pause while servers vanish, hang and come back: every 2xx is a row, and no row comes twice."""

import time

from orders import Orders
from until import until


def test_through_a_series_of_outages_nothing_is_lost(place, run, wires):
    """It must not pass because nothing happened: a republish, a redelivery and a duplicate are asked for."""
    backend, frontend = run("backend", "--generators", "0", wires=wires), run("frontend", wires=wires)

    def cut_after_hanging(wire):
        wire.cut()
        wire.flow()

    with Orders(frontend) as orders:
        for fault, mend in ((wires.rabbitmq.mute, lambda: cut_after_hanging(wires.rabbitmq)),
                            (wires.postgres.refuse, wires.postgres.accept),
                            (wires.rabbitmq.refuse, wires.rabbitmq.accept),
                            (wires.redis.refuse, wires.redis.accept),
                            (wires.postgres.mute, lambda: cut_after_hanging(wires.postgres)),
                            (wires.rabbitmq.mute, lambda: cut_after_hanging(wires.rabbitmq))):
            time.sleep(0.3)
            fault()
            time.sleep(0.4)
            mend()
        time.sleep(0.3)
    assert len(orders.answered) > 100 and orders.failed == []
    orders.judge(place)
    assert frontend.value("amqp_published_total", result="republished") > 0
    assert backend.value("amqp_delivered_total", redelivered="true") > 0
    assert backend.value("worker_jobs_total", kind="fruit", result="duplicate") > 0
    until(lambda: backend.value("amqp_unacked") == 0 and place.waiting() == 0)


def test_the_broker_itself_restarts(stack, place, run):
    """A real RabbitMQ that is killed and started: 503 meanwhile, and 200 within 2 s of its return."""
    backend, frontend = run("backend", "--generators", "0"), run("frontend")
    with Orders(frontend, 3) as orders:
        until(lambda: len(orders.answered) > 50)
        stack.rabbitmq.kill()
        until(lambda: 503 in orders.codes)
        stack.rabbitmq.start()
        stack.rabbitmq.wait_ready()
        begin = time.monotonic()
        until(lambda: frontend.get("/hello").status_code == 200, 10)
        assert time.monotonic() - begin < 2
        before = len(orders.answered)
        until(lambda: len(orders.answered) > before + 50)
    assert orders.codes == {200, 503} and orders.failed == []
    orders.judge(place)
    until(lambda: "down" not in backend.get("/ready").text)
