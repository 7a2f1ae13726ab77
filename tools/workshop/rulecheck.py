"""Finds what is wrong with the rules before Prometheus follows them without a word.

    complaints(root, groups)   ["alert QueueStalled: no series is called worker_job_total in docs/metrics.md", ...]
"""

import re

from .promql import catalogue, metrics

SEVERITIES = ("page", "ticket", "none")


def complaints(root, groups):
    """One sentence for each fault, naming the rule and the culprit. `groups` as rulefile.py makes them."""
    rules = [rule for group in groups for rule in group.rules]
    known = catalogue(root) | {rule["record"] for rule in rules if "record" in rule}
    dashboards = {file.stem for file in (root / "grafana/dashboards").glob("*.json")}
    found = []
    for rule in rules:
        name = f"record {rule['record']}" if "record" in rule else f"alert {rule['alert']}"
        faults = [f"no series is called {metric} in docs/metrics.md" for metric in sorted(metrics(rule["expr"]) - known)]
        faults += _alert_faults(root, rule, dashboards) if "alert" in rule else ()
        found += [f"{name}: {fault}" for fault in faults]
    return found


def _alert_faults(root, rule, dashboards):
    labels, notes = rule.get("labels", {}), rule.get("annotations", {})
    if labels.get("severity") not in SEVERITIES:
        yield f"its severity is '{labels.get('severity')}', and must be one of {', '.join(SEVERITIES)}"
    if not labels.get("service"):
        yield "has no label service"
    yield from (f"has no {note}" for note in ("summary", "description", "dashboard", "runbook_url") if not notes.get(note))
    runbook = notes.get("runbook_url", "")
    if runbook and not (root / runbook).is_file():
        yield f"its runbook {runbook} does not exist"
    elif runbook and not re.match(rf"# {rule['alert']}\n", (root / runbook).read_text()):
        yield f"its runbook {runbook} does not begin with '# {rule['alert']}'"
    uid = notes.get("dashboard", "").removeprefix("/d/")
    if uid and uid not in dashboards:
        yield f"there is no dashboard '{uid}' in grafana/dashboards"
