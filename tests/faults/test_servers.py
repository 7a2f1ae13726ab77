"""RabbitMQ, PostgreSQL and Redis themselves killed, and stopped, under load.

Meanwhile no loop waits for them, what does not need them answers, and memory stays bounded. When they are back
everything goes on by itself. What each of them means to a request, `NEEDED_BY` says.
"""

import threading
import time

import pytest

from form import pick
from observer import MIB, Observer
from until import until

STOPPED_S = pick(4, 10)
RECOVERY_S = 2
SOON_S = 1  # on a busy machine; an answer that waits for a server's return comes later
MEMORY = 48 * MIB  # that a program may grow by during an outage: the publisher's window and its answers, and no more

SERVERS = ("rabbitmq", "postgres", "redis")
PAGES = {"/health": 200, "/metrics": 200, "/stats": 200}
NEEDED_BY = {"rabbitmq": PAGES | {"/fruit": 200, "/fruit?name=pears": 200, "/hello": 503},
             "postgres": PAGES | {"/hello": 200},
             "redis": PAGES | {"/hello": 200, "/fruit": 200, "/fruit?name=pears": 200}}


@pytest.mark.parametrize("server", SERVERS)
def test_killed_and_started_again(system, stack, server):
    service = getattr(stack, server)
    with system.load() as load, Observer(system) as observer:
        load.flows()
        service.pause()
        time.sleep(0.3)  # so that it dies with orders in its hands
        service.kill()
        time.sleep(1)
        answers_meanwhile(system, server)
        service.start()
        service.wait_ready()
        assert recovers(system, load) < RECOVERY_S * observer.slowness()
        load.flows()
    observer.judge(MEMORY)
    system.judge(*{"rabbitmq": ("redelivered",), "postgres": ("retried",), "redis": ()}[server])


@pytest.mark.parametrize("server", SERVERS)
def test_stopped_and_continued(system, stack, server):
    service = getattr(stack, server)
    with system.load() as load, Observer(system) as observer:
        load.flows()
        service.pause()
        try:
            stopped = time.monotonic()
            answers_meanwhile(system, server)
            time.sleep(max(0, STOPPED_S - (time.monotonic() - stopped)))
            observer.stop()
        finally:
            service.resume()
        assert recovers(system, load) < RECOVERY_S * observer.slowness()
        load.flows()
    observer.judge(MEMORY)
    system.judge()


def answers_meanwhile(system, server):
    """All at once, and each soon: what waits for the server must not hold up a page that does not need it."""
    answers, seconds = {}, {}

    def ask(path):
        answer = system.frontend.get(path)
        answers[path], seconds[path] = answer.status_code, answer.elapsed.total_seconds()

    threads = [threading.Thread(target=ask, args=(path,)) for path in NEEDED_BY[server]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert answers == NEEDED_BY[server]
    assert all(taken < SOON_S for path, taken in seconds.items() if answers[path] == 200), seconds
    assert system.backend.get("/health").status_code == 200


def recovers(system, load):
    """Seconds until both programs are ready, an order is promised, and the latest row is younger than the return."""
    begin, rows = time.monotonic(), system.place.count()
    before = load.promised()
    until(lambda: load.promised() > before and system.ready() and system.place.count() > rows, 20)
    return time.monotonic() - begin
