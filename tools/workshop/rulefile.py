"""prometheus/rules/ from the specification in rules.py: what `./workshop rules` does.

    rules/SCALE/slo.yml      error ratios, burn rates and budgets recorded, and the alerts on them
    rules/SCALE/alerts.yml   all other alerts, with what they share
    rules/SCALE/labs.yml     those of the labs, which are silent where no lab runs

An objective's series, each with the label `slo`:

    slo:objective                        0.99
    slo:error_ratio:rate5m               bad / all, over that window; 0 where nobody asked anything
    slo:burn_rate:rate5m                 how many times as fast as allowed the budget is used up
    slo:error_budget_remaining:ratio     1: untouched, 0: used up, below: the promise is broken
"""

import re
from dataclasses import dataclass

from .labs import LABS
from .rulecheck import complaints
from .rules import ALERTS, BUDGET, BURN_NAMES, BURNS, OBJECTIVES, RECORDS, SCALES, Alert
from .ui import Failure

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DIRECT = 6 * 3600  # seconds; over longer windows a ratio is made of recorded rates, as raw series would be too many
HEAD = "# Written by ./workshop rules from tools/workshop/rules.py. Change that file, not this one.\n"


def seconds(text):
    """Of a duration such as 30s, 24m or 3d."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if not found:
        raise Failure(f"'{text}' is no duration such as 30s, 5m, 6h, 3d")
    return int(found[1]) * UNITS[found[2]]


def filled(text, values, of):
    """The text with <name> and <name.seconds> replaced; Failure where there is no such value."""
    def value(found):
        name, _, unit = found[1].partition(".")
        if name not in values or unit not in ("", "seconds"):
            raise Failure(f"{of}: nothing says what <{found[1]}> is")
        return str(seconds(values[name])) if unit else values[name]

    return re.sub(r"<([a-z]+(?:\.[a-z]+)?)>", value, text)


@dataclass
class Group:
    """A group of rules; each rule is a dictionary in the order in which it is written."""
    name: str
    rules: list
    interval: str = ""


def record(name, expr, **labels):
    return {"record": name, "expr": expr} | ({"labels": labels} if labels else {})


def alert(spec, scale):
    """A rule of one of ALERTS."""
    at = SCALES.index(scale)
    values = {name: pair[at] for name, pair in spec.values.items()}
    wait = {"for": spec.wait[at]} if seconds(spec.wait[at]) else {}
    return {"alert": spec.name, "expr": filled(spec.expr, values, spec.name), **wait,
            "labels": {"severity": spec.severity, "service": spec.service},
            "annotations": {"summary": spec.summary, "description": filled(spec.description, values, spec.name),
                            "dashboard": f"/d/{spec.dashboard}", "runbook_url": f"docs/runbooks/{spec.name}.md"}}


# Objectives.

def windows(scale):
    """All over which ratios are needed, the shortest first. 5m is always there: dashboards ask for it."""
    burns = {window for burn in BURNS[scale] for window in (burn.long, burn.short)}
    return sorted(burns | {"5m", BUDGET[SCALES.index(scale)]}, key=seconds)


def ratio(bad, all_):
    """0 where there was no request at all: 0/0 would be no number. Where all is 0, bad is."""
    return f"({bad})\n/ clamp_min({all_}, 1e-9)"


def ratios(objective, window):
    values = {"window": window}
    return record(f"slo:error_ratio:rate{window}",
                  ratio(*(filled(text, values, objective.slo) for text in (objective.bad, objective.all))),
                  slo=objective.slo)


def rates(objective):
    """What long windows are made of."""
    values = {"window": "5m"}
    return [record("slo:errors:rate5m", filled(objective.bad, values, objective.slo), slo=objective.slo),
            record("slo:requests:rate5m", filled(objective.all, values, objective.slo), slo=objective.slo)]


def long_ratio(window):
    """Of all objectives at once, each weighed by how many requests there were when."""
    return record(f"slo:error_ratio:rate{window}",
                  ratio(f"avg_over_time(slo:errors:rate5m[{window}])", f"avg_over_time(slo:requests:rate5m[{window}])"))


def burn_rate(window):
    return record(f"slo:burn_rate:rate{window}", f"slo:error_ratio:rate{window} / on (slo) (1 - slo:objective)")


def check_burns(objectives, burns, scale):
    """A burn that not even a total outage reaches would never alert."""
    for objective in objectives:
        for burn in burns:
            needed = burn.rate * (1 - objective.objective)
            if needed >= 1:
                raise Failure(f"{scale}, {objective.slo}: a burn of {burn.rate:g} would take an error ratio of "
                              f"{needed:.3g}, and there is none of 1 or more; so it would never alert",
                              "lower the burn or the objective in tools/workshop/rules.py")
            if seconds(burn.short) >= seconds(burn.long):
                raise Failure(f"{scale}: the short window {burn.short} is not shorter than the long one, {burn.long}")


def burn_alert(objective, severity, scale):
    """One alert for all burns of that severity."""
    burns = [burn for burn in BURNS[scale] if burn.severity == severity]
    pairs = [" and ".join(f'slo:burn_rate:rate{window}{{slo="{objective.slo}"}} > {burn.rate:g}'
                          for window in (burn.long, burn.short)) for burn in burns]
    spec = Alert(BURN_NAMES[objective.slo, severity], "frontend", severity, "slo", "\nor ".join(pairs), ("0s", "0s"),
                 f"The {objective.slo} budget is used up {'too fast' if severity == 'page' else 'slowly but surely'}",
                 f"The promise: {objective.promise}. Errors use up the budget {{{{ $value | printf \"%.1f\" }}}} times as "
                 f"fast as it may be.")
    return alert(spec, scale)


def slo_groups(scale):
    check_burns(OBJECTIVES, BURNS[scale], scale)
    budget = BUDGET[SCALES.index(scale)]
    short = [window for window in windows(scale) if seconds(window) <= DIRECT]
    long = [window for window in windows(scale) if seconds(window) > DIRECT]
    objectives = [record("slo:objective", f"vector({each.objective})", slo=each.slo) for each in OBJECTIVES]
    recorded = [rule for each in OBJECTIVES for rule in [*(ratios(each, window) for window in short),
                                                         *(rates(each) if long else [])]]
    remaining = record("slo:error_budget_remaining:ratio",
                       f"1 - slo:error_ratio:rate{budget} / on (slo) (1 - slo:objective)")
    alerts = [burn_alert(each, severity, scale) for each in OBJECTIVES for severity in ("page", "ticket")]
    slow = [Group("slo_long", [*map(long_ratio, long)], "1m")] if long else []
    # One group, since the rules of one are evaluated in their order, and the alerts see what was just recorded.
    return [*slow, Group("slo", [*objectives, *recorded, *map(burn_rate, windows(scale)), remaining, *alerts])]


def alert_groups(scale):
    at = SCALES.index(scale)
    records = [record(each.name, filled(each.expr, {name: pair[at] for name, pair in each.values.items()}, each.name))
               for each in RECORDS]
    return [Group("alerts", [*records, *(alert(each, scale) for each in ALERTS if each.service not in LABS)])]


def lab_groups(scale):
    return [Group("labs", [alert(each, scale) for each in ALERTS if each.service in LABS])]


# YAML, as far as rules need it.

def yaml(groups):
    lines = ["groups:"]
    for group in groups:
        lines += [f"  - name: {group.name}", *([f"    interval: {group.interval}"] if group.interval else []), "    rules:"]
        for rule in group.rules:
            lines += _rule(rule)
    return HEAD + "\n".join(lines) + "\n"


def _rule(rule):
    lines = []
    for key, value in rule.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"  {name}: {_scalar(text)}" for name, text in value.items())]
        elif "\n" in value:
            lines += [f"{key}: |-", *("  " + line for line in value.splitlines())]
        else:
            lines.append(f"{key}: {_scalar(value)}")
    return ["      - " + lines[0], *("        " + line for line in lines[1:])]


def _scalar(text):
    """As it is where YAML takes it for a string, else in quotes."""
    if re.fullmatch(r"[A-Za-z/][\w:/. -]*[\w)]|\d+[smhd]", text) and ": " not in text:
        return text
    return "'" + text.replace("'", "''") + "'"


def groups(scale):
    """All of the scale's."""
    return slo_groups(scale) + alert_groups(scale) + lab_groups(scale)


def files():
    """Path below prometheus/rules/ → text, of all of them."""
    return {f"{scale}/{name}.yml": yaml(made(scale)) for scale in SCALES
            for name, made in (("slo", slo_groups), ("alerts", alert_groups), ("labs", lab_groups))}


def write(root):
    """Writes them. Returns the paths of those that changed; Failure, and nothing written, where one has a fault."""
    faults = dict.fromkeys(fault for scale in SCALES for fault in complaints(root, groups(scale)))
    if faults:
        raise Failure("\n  ".join(faults), "correct tools/workshop/rules.py, or what it names, then ./workshop rules")
    directory = root / "prometheus/rules"
    changed = [name for name, text in files().items()
               if not (directory / name).exists() or (directory / name).read_text() != text]
    for name in changed:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(files()[name])
    return [str((directory / name).relative_to(root)) for name in changed]
