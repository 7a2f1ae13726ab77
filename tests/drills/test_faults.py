"""Each fault for real, until its alerts fire in the classroom's scale; and its end, until they are gone.

The short form breaks two things at once. The long one goes on: faults that do not hide each other share a round.
"""

import contextlib
import http.server
import json
import os
import threading
import time

import psycopg2
import pytest

from until import until

LONG = os.environ.get("WORKSHOP_DRILLS") == "long"
long_form = pytest.mark.skipif(not LONG, reason="only in the long form")


@pytest.fixture(scope="module", autouse=True)
def begun(drill):
    drill.begin(history=24 if LONG else 3)


@contextlib.contextmanager
def a_page_of(series):
    """A server whose /metrics has so many of them."""
    body = "".join(f'guests_total{{name="guest {number}"}} 1\n' for number in range(series)).encode()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def another_target(stack, job, port):
    """One more that Prometheus finds in the job's file."""
    file = stack.dir / f"prometheus-config/targets/{job}.json"
    before = file.read_text()
    file.write_text(json.dumps(json.loads(before) + [{"targets": [f"127.0.0.1:{port}"]}]))
    try:
        yield
    finally:
        file.write_text(before)


def test_a_dead_backend_and_a_dead_cache(drill):
    stack = drill.stack
    with drill.fault("QueueHasNoConsumers", "QueueStalled", "CacheUseless", "ServerDown"):
        stack.backend.kill()
        stack.redis.stop()
        drill.fires("QueueHasNoConsumers")
        drill.fires("ServerDown", service="redis")
        if LONG:
            drill.fires("QueueStalled")
            drill.fires("CacheUseless")
        stack.redis.start().wait_ready()
        stack.backend.start().wait_ready()
    drill.clears("QueueHasNoConsumers")
    drill.clears("ServerDown")
    if LONG:
        drill.clears("QueueStalled")
        drill.clears("CacheUseless")


@long_form
def test_slow_answers(drill):
    with drill.fault("LatencyBurnsFast", "LatencyBurnsSlowly"):
        drill.replace("frontend", "--hello-delay", "1000-1500")
        drill.fires("LatencyBurnsFast", within=120)
        drill.fires("LatencyBurnsSlowly", within=200, inhibited=True)
        drill.replace("frontend", "--hello-delay", "100-500")
    drill.clears("LatencyBurnsFast")
    drill.clears("LatencyBurnsSlowly", within=240)


@long_form
def test_a_broker_that_takes_nothing(drill):
    with drill.fault("BrokerAlarm", "AvailabilityBurnsFast", "AvailabilityBurnsSlowly"):
        drill.control("set_vm_memory_high_watermark", "0.0001")
        drill.fires("BrokerAlarm")
        drill.fires("AvailabilityBurnsFast", within=150)
        drill.fires("AvailabilityBurnsSlowly", within=200, inhibited=True)
        drill.control("set_vm_memory_high_watermark", "0.4")
    drill.clears("BrokerAlarm")
    drill.clears("AvailabilityBurnsFast")
    drill.clears("AvailabilityBurnsSlowly", within=240)


@long_form
def test_more_than_the_backend_can_do_and_a_queue_that_somebody_empties(drill):
    with drill.fault("BacklogGrowing"):
        drill.replace("backend", "--job-delay", "2000-2000", "--workers", "2", "--prefetch", "10")
        started = time.time()
        drill.fires("BacklogGrowing", within=120)
    until(lambda: time.time() - started > 125, 130, every=0.5)  # MessagesLost says nothing of a backend younger than 2 min
    with drill.fault("MessagesLost"):
        drill.control("purge_queue", "task_queue")
        drill.fires("MessagesLost")
        drill.replace("backend", "--job-delay", "100-500")
    drill.clears("MessagesLost")
    drill.clears("BacklogGrowing")


@long_form
def test_an_unreachable_frontend_and_causes_that_only_want_a_ticket(drill):
    stack = drill.stack
    with a_page_of(2000) as port, contextlib.ExitStack() as connections, \
            drill.fault("FrontendUnreachable", "TargetDown", "ConnectionsHigh", "CardinalityHigh"):
        with another_target(stack, "backend", port):
            stack.frontend.pause()  # and what it then answers late uses up the latency's budget: no round follows on that
            stack.node.kill()
            for _ in range(170):
                connections.callback(psycopg2.connect(stack.postgres.url).close)
            drill.fires("FrontendUnreachable")
            drill.fires("ConnectionsHigh")
            drill.fires("CardinalityHigh", service="backend")
            drill.fires("TargetDown", service="node")
            drill.fires("TargetDown", service="frontend", inhibited=True)  # the page says it already
        stack.frontend.resume()
        stack.node.start().wait_ready()
    for name in ("FrontendUnreachable", "ConnectionsHigh", "CardinalityHigh", "TargetDown"):
        drill.clears(name)


@long_form
def test_the_receiver_misses_the_watchdog(drill):
    stack = drill.stack
    log = stack.notifications.log_text
    until(lambda: "WATCHDOG heard" in log(), 30)
    before = len(log())
    stack.alertmanager.stop()
    until(lambda: "WATCHDOG silent" in log()[before:], 130, every=0.5)
    stack.alertmanager.start().wait_ready()
    until(lambda: "WATCHDOG heard again" in log()[before:], 120, every=0.5)
