"""What an update of a metric costs, and a scrape: the metrics library, client_golang and prometheus-cpp in turn.

All three programs print lines of the same names; what a peer cannot do, it leaves out. These are costs, so a ratio
below 1 says how much less than the peer's ours is.
"""

from .contestants import METRICS_PEERS, binary
from .figures import alternate, show_circumstances, show_ratio, show_values
from .load import output_of

NEEDS = (METRICS_PEERS,)
PROGRAMS = {"ours": "bench_metrics", "go": "peer_metrics_go", "cpp": "peer_metrics_cpp"}


def run(stack, seconds):
    """Each figure in a program is the best of several short runs; `seconds` only bounds how often all is done."""
    units = {}
    runs = alternate({name: lambda program=program: _figures(binary(stack, program), units)
                      for name, program in PROGRAMS.items()}, seconds)
    show_circumstances("metrics", len(runs["ours"]["counter_inc"]))
    for figure, values in runs["ours"].items():
        show_values(figure, values, units[figure])
        peers = [name for name in PROGRAMS if name != "ours" and figure in runs[name]]
        for peer in peers:
            show_values(f"{figure}.{peer}", runs[peer][figure], units[figure])
        for peer in peers:
            show_ratio(f"{figure}/{peer}", values, runs[peer][figure])


def _figures(program, units):
    lines = [line.split() for line in output_of([program]).splitlines()]
    units.update({name: unit for name, _, unit in lines})
    return {name: float(value) for name, value, _ in lines}
