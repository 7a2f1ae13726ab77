"""POST /fruit until the broker's confirm, and the way from the queue into committed rows."""

import base64
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from ..ui import Failure
from .contestants import GO_PEER, FloorGateway, GoService, binary, make_tables, psql, started
from .figures import alternate, show_contest, show_costs, show_ratio
from .load import cpu_seconds, line_value, output_of, with_cpu, wrk_on

NEEDS = ("postgres", "redis", "rabbitmq", GO_PEER)
CONNECTIONS = 1024   # and as wide a window for the bare publishers
BATCH = 500          # rows, as the backend's
PREFETCH = 2000      # as the backend's default
A_SECOND = 25_000    # messages drained for each second that a run shall take


def run(stack, seconds):
    make_tables(stack)
    _fruit_post(stack, seconds)
    _drain(stack, seconds)


def _fruit_post(stack, seconds):
    stack.start("frontend")
    gateway, go = started(stack, FloorGateway, GoService)
    runs = alternate({
        "ours": lambda: _posted(stack, stack.frontend, seconds),
        "floor": lambda: _published(stack, "own", seconds),
        "library": lambda: _published(stack, "library", seconds),
        "gateway": lambda: _posted(stack, gateway, seconds),
        "go": lambda: _posted(stack, go, seconds),
    }, seconds)
    show_contest("fruit_post", runs, "req/s")
    for cost, unit in (("p99", "ms"), ("cpu", "us/req"), ("broker_cpu", "us/req")):
        show_costs("fruit_post", runs, cost, unit)
    stack.down(["frontend", "gateway", "go"])


def _posted(stack, service, seconds):
    purge(stack)
    before = cpu_seconds(stack.rabbitmq)
    figures = wrk_on(service, "/fruit", seconds, CONNECTIONS, stack.root / "bench/load/fruit_post.lua")
    return with_cpu(figures, before, cpu_seconds(stack.rabbitmq), seconds, "broker_cpu")


def _published(stack, how, seconds):
    purge(stack)
    before = cpu_seconds(stack.rabbitmq)
    figures = {"rate": publish(stack, how, seconds=seconds)}
    return with_cpu(figures, before, cpu_seconds(stack.rabbitmq), seconds, "broker_cpu")


def _drain(stack, seconds):
    messages = A_SECOND * seconds
    runs = alternate({
        "ours": lambda: drained(stack, messages),
        "consume": lambda: _consumed(stack, messages),
        "insert": lambda: inserted(stack, messages),
        "together": lambda: _together(stack, messages),
    }, seconds)
    show_contest("drain", runs, "rows/s")
    for cost in ("cpu", "broker_cpu", "postgres_cpu"):
        show_costs("drain", runs, cost, "us/row")
    slower = [min(pair) for pair in zip(runs["consume"]["rate"], runs["insert"]["rate"])]
    show_ratio("drain/slower", runs["ours"]["rate"], slower)


def drained(stack, messages, *flags):
    """The backend finds a full queue when it starts. The rows tell how long it took from the first batch to the last."""
    _fill(stack, messages)
    costs = _Costs(stack)
    backend = stack.program("backend", "--generators", "0", *flags)
    backend.start()
    _await_rows(stack, backend, messages)
    figures = costs.of(messages) | {"cpu": cpu_seconds(backend) * 1e6 / messages}
    backend.stop()
    rate = float(psql(stack, "-c", "select count(*) filter (where created_at > first)"
                      " / extract(epoch from max(created_at) - first)"
                      " from fruits, (select min(created_at) as first from fruits) as f group by first"))
    return figures | {"rate": rate}


def _await_rows(stack, backend, messages, limit=120):
    backend.wait_ready()
    end = time.monotonic() + limit
    while (backend.sample('worker_jobs_total{job="fruit",result="stored"}') or 0) < messages:
        if time.monotonic() > end:
            raise Failure(f"the backend did not store {messages} messages within {limit} s", f"its log: {backend.log}")
        time.sleep(0.1)


def _consumed(stack, messages):
    _fill(stack, messages)
    costs = _Costs(stack)
    rate = line_value(output_of(_consumer(stack, messages)))
    return {"rate": rate, "broker_cpu": costs.of(messages)["broker_cpu"]}


def inserted(stack, rows, batch=BATCH):
    _empty_tables(stack)
    costs = _Costs(stack)
    rate = line_value(output_of(_inserter(stack, rows, batch)))
    return {"rate": rate, "postgres_cpu": costs.of(rows)["postgres_cpu"]}


def _together(stack, messages):
    """Both at once, each on its own: what is left for the backend where they all share the machine."""
    _fill(stack, messages)
    begin = time.monotonic()
    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(output_of, argv(stack, messages)) for argv in (_consumer, _inserter)]:
            done.result()
    return {"rate": messages / (time.monotonic() - begin)}


def _consumer(stack, messages):
    return [binary(stack, "floor_consume"), stack.rabbitmq.port, PREFETCH, messages]


def _inserter(stack, rows, batch=BATCH):
    return [binary(stack, "floor_insert"), stack.postgres.url, rows, batch]


class _Costs:
    """What the servers spend from now on."""

    def __init__(self, stack):
        self.services = {"broker_cpu": stack.rabbitmq, "postgres_cpu": stack.postgres}
        self.before = self._now()

    def _now(self):
        return {name: cpu_seconds(service) for name, service in self.services.items()}

    def of(self, messages):
        """Microseconds a message."""
        return {name: (now - self.before[name]) * 1e6 / messages for name, now in self._now().items()}


def _fill(stack, messages):
    _empty_tables(stack)
    purge(stack)
    publish(stack, "own", count=messages)


def _empty_tables(stack):
    psql(stack, "-c", "truncate fruits")


def publish(stack, how, seconds=0, count=0):
    """Messages a second of a bare publisher."""
    return line_value(output_of([binary(stack, "floor_publish"), how, stack.rabbitmq.port, CONNECTIONS, seconds, count]))


def purge(stack):
    """Empties the queue, if there is one."""
    request = urllib.request.Request(f"{stack.rabbitmq.ui_url}/api/queues/%2F/task_queue/contents", method="DELETE")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise Failure(f"cannot empty the queue: {error}") from None
