"""What is said when a round is over: what it was, what Prometheus remembers of it, and how long it took."""

import textwrap
import time
from dataclasses import dataclass, field

from ..rulefile import seconds
from ..rules import BUDGET, OBJECTIVES
from . import faults

QUIET = "Watchdog"
WIDTH = 105  # of what is told; a query is longer, but is not cut
VERDICTS = {
    faults.RIGHT: "That is right.",
    faults.OTHER_CAUSE: "The component is right, the cause is another.",
    faults.ELSEWHERE: "It was somewhere else.",
    faults.MISSED: "Something was broken.",
    faults.FALSE_ALARM: "Nothing was broken: a false alarm.",
    faults.NO_ANSWER: "There was no answer.",
}


@dataclass
class Times:
    """Seconds since 1970; `broken` is None in a round in which nothing breaks, `seen` where nobody said so."""
    began: float
    broken: float | None = None
    seen: float | None = None
    answered: float | None = None
    before: set = field(default_factory=set)  # alerts that fired already when the round began

    @property
    def since(self):
        return self.broken or self.began

    @property
    def detect(self):
        """Who does not say when, noticed at the latest when answering."""
        return (self.seen or self.answered) - self.since

    @property
    def localise(self):
        return self.answered - self.since


@dataclass(frozen=True)
class Evidence:
    alerts: tuple   # (name, second at which it fired first), in order of time
    burnt: dict     # objective → share of its budget
    shown: tuple    # (query, value or None)


def firing(api):
    return {labels["alertname"] for labels, _ in api.query('ALERTS{alertstate="firing"}')} - {QUIET}


def gather(api, times, fault):
    """While the fault still lasts."""
    window = max(1, round(times.answered - times.since))
    firing = 'ALERTS{alertstate="firing"}'
    found = api.query(f"min by (alertname) (min_over_time(timestamp({firing})[{max(1, round(time.time() - times.since))}s:1s]) "
                      f"or timestamp({firing}))")  # one that fires since this very second is on no step of the first
    alerts = sorted((moment, labels["alertname"]) for labels, moment in found)
    return Evidence(tuple((name, moment) for moment, name in alerts if name not in times.before | {QUIET}),
                    {objective.slo: _burnt(api, objective, window) for objective in OBJECTIVES},
                    tuple((query, _value(api, query)) for query in (fault.shows if fault else ())))


def _burnt(api, objective, window):
    """Share of the budget that so many seconds used up, where the load is the same all the time."""
    bad, every = (text.replace("<window>", f"{window}s") for text in (objective.bad, objective.all))
    ratio = api.value(f"({bad}) / clamp_min({every}, 1e-9)") or 0
    return max(0, ratio) / (1 - objective.objective) * window / seconds(BUDGET[0])


def _value(api, query):
    rows = [value for _, value in api.query(query) if value == value]
    return max(rows) if rows else None


# Words.

def text(plan, times, answer, evidence):
    """The lines of it."""
    fault, result = plan.fault, faults.verdict(plan.fault, answer)
    lines = [_said(answer), VERDICTS[result], "", _was(fault), ""]
    rows = [("broken", f"{_span(times.since - times.began)} after the beginning")] if fault else []
    rows += _reached(times, result, fault)
    rows += [("first alert", _first(evidence, times)), ("budget burnt", _budget(evidence))]
    lines += [f"  {name:13} {what}" for name, what in rows]
    lines += _look(fault, evidence)
    lines += ["", f"  This was the game day with --seed {plan.seed}."]
    return "\n".join(lines)


def _said(answer):
    if answer is None:
        return "You gave up."
    return "You said: nothing is broken." if answer[0] == faults.NOTHING else f"You said: {answer[0]}, {answer[1]}."


def _was(fault):
    if fault is None:
        return "Nothing was broken. Who answers that, after a look at the right places, is as good as who finds a fault."
    return textwrap.fill(f"It was {fault.component}, {fault.cause}: {fault.story}.", WIDTH, break_on_hyphens=False)


def _reached(times, result, fault):
    if fault is None or result == faults.NO_ANSWER:
        return []
    rows = [("detected", f"{_span(times.detect)} after it broke" + ("" if times.seen else ", as nobody said it sooner"))]
    return rows + ([("localised", f"{_span(times.localise)} after it broke")] if result == faults.RIGHT else [])


def _first(evidence, times):
    if not evidence.alerts:
        return "none had fired by the time of the answer"
    name, moment = evidence.alerts[0]
    rest = [name for name, _ in evidence.alerts[1:]]
    return f"{name}, after {_span(moment - times.since)}" + (f"; then {', '.join(rest)}" if rest else "")


def _budget(evidence):
    return ", ".join(f"{slo} {share:.1%}" for slo, share in evidence.burnt.items()) + f" of what {BUDGET[0]} may cost"


def _look(fault, evidence):
    if fault is None:
        return []
    lines = ["", "  These queries show it:"]
    for query, value in evidence.shown:
        lines += [f"    {query}", f"        {'empty just then' if value is None else f'{value:.4g} when you answered'}"]
    return lines + ([f"  What to do about it: docs/runbooks/{fault.runbook}.md"] if fault.runbook else [])


def _span(length):
    length = max(0, round(length))
    return f"{length} s" if length < 60 else f"{length // 60} min {length % 60} s"
