"""What an update of a metric costs, and a scrape: the program bench/metrics.c, several times."""

from .contestants import binary
from .figures import alternate, show_values
from .load import output_of

NEEDS = ()
ROUNDS = 3


def run(stack, seconds):
    """The program does a fixed number of operations; `seconds` only bounds how often it runs."""
    units = {}

    def once():
        lines = [line.split() for line in output_of([binary(stack, "bench_metrics")]).splitlines()]
        units.update({name: unit for name, _, unit in lines})
        return {name: float(value) for name, value, _ in lines}

    for name, values in alternate({"ours": once}, seconds, ROUNDS)["ours"].items():
        show_values(name, values, units[name])
