"""`./workshop bench`: the workshop's speed, side by side with what else does the same job.

    figures.py      alternating runs, medians, spreads, ratios; the lines that are printed
    calm.py          waits until nothing else is running
    contestants.py  the programs that are measured: ours, nginx, the floors, the Go service, gRPC in C++
    load.py         wrk, redis-benchmark, h2load and traffic as functions that return figures
    http.py pipeline.py traffic.py metrics.py echo.py person.py growth.py      one bench each
    bench.py        the command
"""

from .bench import NAMES, run_bench

__all__ = ["NAMES", "run_bench"]
