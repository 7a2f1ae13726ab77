"""From runs to lines `NAME VALUE UNIT`.

Contestants run in turn, and in the opposite order every other round, so that a machine that slows down or is busy
for a while slows all of them alike. A contestant's figure is the median of its runs; a ratio is the median of the
ratios of each round, which is steadier than the ratio of the medians. A spread is largest less smallest, as a
share of the median. `others` says how much of the machine other programs had as the runs began: where that is
more than a few percent, believe ratios rather than rates, and costs (CPU) rather than either.
"""

import statistics
import time

from ..ui import say
from .calm import Calm

ROUNDS = 5
LONGEST = 30      # a contest begins no further round after so many times the seconds of a run
_calm = Calm()


def alternate(contestants, seconds, rounds=ROUNDS):
    """{name: function → {figure: value}} → {name: {figure: [value of each round]}}; at least one round, in whole rounds."""
    runs, end = {name: {} for name in contestants}, time.monotonic() + LONGEST * seconds
    for turn in range(rounds):
        if turn and time.monotonic() > end:
            break
        names = list(contestants) if turn % 2 == 0 else list(reversed(contestants))
        for name in names:
            _calm.wait()
            for figure, value in contestants[name]().items():
                runs[name].setdefault(figure, []).append(value)
    return runs


def show(name, value, unit):
    digits = 0 if abs(value) >= 100 or isinstance(value, int) else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 3
    say(f"{name} {value:.{digits}f} {unit}")


def show_values(name, values, unit):
    """Median and spread."""
    show(name, statistics.median(values), unit)
    show(f"{name}.spread", spread(values), "%")


def show_ratio(name, ours, theirs):
    """Of the runs of each round; a contestant that ran at nothing has no ratio."""
    ratios = [own / peer for own, peer in zip(ours, theirs) if peer]
    if ratios:
        show_values(name, ratios, "ratio")


def show_circumstances(name, rounds):
    show(f"{name}.rounds", rounds, "rounds")
    show(f"{name}.others", statistics.median(_calm.busy), "%")
    _calm.busy.clear()


def show_contest(name, runs, unit, figure="rate"):
    """The first contestant is ours and bears the bench's name; the others stand behind a dot, ratios behind a slash."""
    ours, *peers = runs
    show_circumstances(name, len(runs[ours]["rate"]))
    show_values(name, runs[ours][figure], unit)
    for peer in peers:
        show_values(f"{name}.{peer}", runs[peer][figure], unit)
    for peer in peers:
        show_ratio(f"{name}/{peer}", runs[ours][figure], runs[peer][figure])


def show_costs(name, runs, figure, unit):
    """A second figure of those contestants that have it, under the name NAME[.PEER].FIGURE."""
    ours = next(iter(runs))
    for contestant, figures in runs.items():
        if figure in figures:
            label = name if contestant == ours else f"{name}.{contestant}"
            show(f"{label}.{figure}", statistics.median(figures[figure]), unit)


def spread(values):
    middle = statistics.median(values)
    return 100 * (max(values) - min(values)) / middle if middle else 0
