"""POST /fruit until the broker's confirm, and the way from the queue into committed rows."""

import base64
import time
import urllib.error
import urllib.request

from ..ui import Failure
from .contestants import GO_PEER, GoService, binary, make_tables, psql, started
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
    _drain(stack, A_SECOND * seconds)


def _fruit_post(stack, seconds):
    stack.start("frontend")
    (go,) = started(stack, GoService)
    runs = alternate({
        "ours": lambda: _posted(stack, stack.frontend, seconds),
        "floor": lambda: _published(stack, "own", seconds),
        "library": lambda: _published(stack, "library", seconds),
        "go": lambda: _posted(stack, go, seconds),
    })
    show_contest("fruit_post", runs, "req/s")
    for cost, unit in (("p99", "ms"), ("cpu", "us/req"), ("broker_cpu", "us/req")):
        show_costs("fruit_post", runs, cost, unit)
    stack.down(["frontend", "go"])


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


def _drain(stack, messages):
    runs = alternate({
        "ours": lambda: _drained(stack, messages),
        "consume": lambda: _consumed(stack, messages),
        "insert": lambda: _inserted(stack, messages),
    })
    show_contest("drain", runs, "rows/s")
    show_costs("drain", runs, "cpu", "us/row")
    slower = [min(pair) for pair in zip(runs["consume"]["rate"], runs["insert"]["rate"])]
    show_ratio("drain/slower", runs["ours"]["rate"], slower)


def _drained(stack, messages):
    """The backend finds a full queue when it starts. The rows tell how long it took from the first batch to the last."""
    _fill(stack, messages)
    backend = stack.program("backend", "--generators", "0")
    backend.start()
    _await_rows(stack, backend, messages)
    cpu = cpu_seconds(backend)
    backend.stop()
    rate = float(psql(stack, "-c", "select count(*) filter (where created_at > first)"
                      " / extract(epoch from max(created_at) - first)"
                      " from fruits, (select min(created_at) as first from fruits) as f group by first"))
    return {"rate": rate, "cpu": cpu * 1e6 / messages}


def _await_rows(stack, backend, messages, limit=120):
    backend.wait_ready()
    end = time.monotonic() + limit
    while (backend.sample('worker_jobs_total{job="fruit",result="stored"}') or 0) < messages:
        if time.monotonic() > end:
            raise Failure(f"the backend did not store {messages} messages within {limit} s", f"its log: {backend.log}")
        time.sleep(0.1)


def _consumed(stack, messages):
    _fill(stack, messages)
    return {"rate": line_value(output_of([binary(stack, "floor_consume"), stack.rabbitmq.port, PREFETCH, messages]))}


def _inserted(stack, rows):
    _empty_tables(stack)
    return {"rate": line_value(output_of([binary(stack, "floor_insert"), stack.postgres.url, rows, BATCH]))}


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
