"""GET /health, GET /fruit from the cache, and what a connection costs in memory."""

import socket
from pathlib import Path

from ..ports import HOST
from ..ui import Failure
from .contestants import GO_PEER, FloorHttp, GoService, Nginx, make_tables, started
from .figures import alternate, show, show_contest, show_costs
from .load import redis_get, wrk_on

NEEDS = ("postgres", "redis", "rabbitmq", GO_PEER)
CONNECTIONS = 64
IDLE = 10_000             # connections that ask once and stay
REDIS_EXPECTED = 60_000   # GETs a second: redis-benchmark takes a number of requests, not a time


def run(stack, seconds):
    make_tables(stack)
    stack.start("frontend")
    _memory(stack.frontend)
    nginx, floor, go = started(stack, Nginx, FloorHttp, GoService)
    _health({"ours": stack.frontend, "nginx": nginx, "floor": floor, "go": go}, seconds)
    _fruit_hit(stack, go, seconds)


def _health(services, seconds):
    runs = alternate({name: lambda service=service: wrk_on(service, "/health", seconds, CONNECTIONS)
                      for name, service in services.items()}, seconds)
    show_contest("health", runs, "req/s")
    show_costs("health", runs, "p99", "ms")
    show_costs("health", runs, "cpu", "us/req")


def _fruit_hit(stack, go, seconds):
    script = stack.root / "bench/load/fruit_get.lua"
    runs = alternate({
        "ours": lambda: wrk_on(stack.frontend, "", seconds, CONNECTIONS, script),
        "go": lambda: wrk_on(go, "", seconds, CONNECTIONS, script),
        "redis": lambda: redis_get(stack.redis, REDIS_EXPECTED * seconds, CONNECTIONS),
    }, seconds)
    show_contest("fruit_hit", runs, "req/s")
    show_costs("fruit_hit", runs, "p99", "ms")
    show_costs("fruit_hit", runs, "cpu", "us/req")


def _memory(frontend):
    before = resident(frontend)
    show("memory_idle", before / 1024, "MiB")
    show("memory_idle.own", resident(frontend, "RssAnon") / 1024, "MiB")  # the rest are pages of shared libraries
    peers = [_visitor(frontend.port) for _ in range(IDLE)]
    show("memory_a_connection", (resident(frontend) - before) / IDLE, "KiB")
    for peer in peers:
        peer.close()


def _visitor(port):
    peer = socket.create_connection((HOST, port), 5)
    peer.sendall(b"GET /health HTTP/1.1\r\nHost: bench\r\n\r\n")
    if not peer.recv(4096).startswith(b"HTTP/1.1 200"):
        raise Failure("the frontend refused a connection")
    return peer


def resident(service, kind="VmRSS"):
    """KiB in memory."""
    status = Path(f"/proc/{service.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(kind + ":")).split()[1])
