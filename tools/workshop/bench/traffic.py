"""`traffic` beside wrk, both with one thread, at a server that does nothing else than answer."""

from .contestants import FloorHttp, binary, started
from .figures import alternate, show_contest, show_costs, show_values
from .load import traffic, wrk

NEEDS = ()
CONNECTIONS = 64
ASKED = 1.1   # of wrk's latest rate: more than can be had, so that the rate is traffic's own limit


def run(stack, seconds):
    stack.make_dirs()
    (floor,) = started(stack, FloorHttp)
    program, latest = binary(stack, "traffic"), wrk(floor.url, 1, CONNECTIONS)

    def closed():
        latest.update(wrk(floor.url, seconds, CONNECTIONS))
        return dict(latest)

    runs = alternate({
        "ours": lambda: traffic(program, floor.url, ASKED * latest["rate"], seconds, CONNECTIONS),
        "wrk": closed,
        "half": lambda: traffic(program, floor.url, latest["rate"] / 2, seconds, CONNECTIONS),
    }, seconds)
    half = runs.pop("half")
    show_contest("open_loop", runs, "req/s")
    show_costs("open_loop", runs, "cpu", "cores")
    show_values("open_loop.half", half["rate"], "req/s")
    show_values("open_loop.half.schedule_error_p99", half["late_p99"], "ms")
    show_values("open_loop.half.p99", half["p99"], "ms")
    show_values("open_loop.half.cpu", half["cpu"], "cores")
