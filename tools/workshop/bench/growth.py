"""What things cost as there is more of them: connections, bytes in a body, prefetch, rows a statement, rows in the table.

One run a size, growing, so the figures show a trend and no more.
"""

import time
import urllib.request

from .contestants import make_tables, psql
from .figures import show
from .load import output_of, wrk_on
from .pipeline import drained, inserted, purge

NEEDS = ("postgres", "redis", "rabbitmq")
CONNECTIONS = (1, 10, 100, 1000, 10_000)
BODIES = (32, 256, 1024, 8 << 10, 64 << 10)          # bytes
POSTERS = 64
PREFETCHES = (1, 10, 100, 500, 2000, 10_000)
TURNS = 100                                          # a drain takes so many prefetches, or DRAINED
DRAINED = 40_000
BATCHES = (1, 10, 100, 500, 2000)
ROWS = (0, 10_000, 100_000, 1_000_000, 10_000_000)   # older than the minute that is summed
AT_ONCE = 500_000
RECENT = 1000
MISSES = 50
LONGEST = 180                                        # seconds after which the table grows no further


def run(stack, seconds):
    make_tables(stack)
    stack.start("frontend")
    for connections in CONNECTIONS:
        longer = 1 + connections // 1000  # to connect them all is in the time
        _show(f"connections.{connections}", wrk_on(stack.frontend, "/health", seconds * longer, connections), "req/s")
    script = stack.root / "bench/load/fruit_post.lua"
    for size in BODIES:
        purge(stack)
        _show(f"body.{size}", wrk_on(stack.frontend, "/fruit", seconds, POSTERS, script, size), "req/s")
    for prefetch in PREFETCHES:
        figures = drained(stack, min(prefetch * TURNS, DRAINED), "--prefetch", str(prefetch))
        show(f"prefetch.{prefetch}", figures["rate"], "rows/s")
    for batch in BATCHES:
        show(f"batch.{batch}", inserted(stack, min(batch * 500, DRAINED), batch)["rate"], "rows/s")
    _rows(stack)


def _show(name, figures, unit):
    show(name, figures["rate"], unit)
    show(f"{name}.p99", figures["p99"], "ms")
    show(f"{name}.cpu", figures["cpu"], "us/req")


def _rows(stack):
    """The time of a GET /fruit that finds nothing in the cache, client and HTTP included."""
    psql(stack, "-c", "truncate fruits")
    begin, old = time.monotonic(), 0
    for rows in ROWS:
        while old < rows and time.monotonic() - begin < LONGEST:
            psql(stack, "-c", _insert(min(rows - old, AT_ONCE), "2 minutes"))
            old = min(rows, old + AT_ONCE)
        psql(stack, "-c", "vacuum analyze fruits")
        psql(stack, "-c", _insert(RECENT, "0 minutes"))
        show(f"rows.{old}.miss", _miss(stack) * 1e3, "ms")
        if old < rows:
            break
        psql(stack, "-c", "delete from fruits where created_at > now() - interval '90 seconds'")


def _insert(rows, age):
    """Rows without ids, spread over the hour before `age` ago where that is not now."""
    spread = "random() * interval '1 hour'" if age != "0 minutes" else "interval '0'"
    return ("insert into fruits (name, quantity, created_at)"
            f" select (array['apples','oranges','bananas','grapes','pears'])[1 + n % 5], 1 + n % 10,"
            f" now() - interval '{age}' - {spread} from generate_series(1, {rows}) as n")


def _miss(stack):
    """Median of many."""
    times = []
    for _ in range(MISSES):
        output_of(["redis-cli", "-p", stack.redis.port, "del", "fruit_pears"])
        begin = time.perf_counter()
        urllib.request.urlopen(stack.frontend.url + "/fruit?name=pears", timeout=30).read()
        times.append(time.perf_counter() - begin)
    return sorted(times)[MISSES // 2]
