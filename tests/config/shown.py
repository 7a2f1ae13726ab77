"""What a panel shows: its queries put to Prometheus at the end of a window, as Grafana would, its series by their legends.

    PANELS                          (uid, title) of every panel of every dashboard that asks something
    shown(api, uid, title, truth)   legend → value
    check(..., entry)               fails where that is not what an entry of expected.py says
"""

import json
import re

import expected
from conftest import ROOT
from queries import concrete
from workshop.complaints import SILENT

STEP = 5  # s: the scrape interval

PAGES = {file.stem: json.loads(file.read_text()) for file in sorted((ROOT / "grafana/dashboards").glob("*.json"))}
PANELS = [(uid, panel["title"]) for uid, page in PAGES.items() for panel in page["panels"] if panel["type"] not in SILENT]


def legend(text, labels):
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), text)


def shown(api, uid, title, truth, by_mean=()):
    """legend → value, of all the panel's queries; those legends that `by_mean` names by their mean over the window."""
    values = {}
    for target in next(panel for panel in PAGES[uid]["panels"] if panel["title"] == title)["targets"]:
        expression = concrete(target["expr"], truth.seconds)
        for labels, value in api.query(expression, time=truth.ended):
            name = legend(target["legendFormat"], labels)
            assert name not in values, f"two series are called '{name}'"
            values[name] = value
            if name in by_mean:
                values[name] = _mean(api, f"avg_over_time(({expression})[{round(truth.seconds)}s:{STEP}s])", labels, truth)
    return values


def _mean(api, expression, labels, truth):
    """The mean of the series with these labels."""
    return next(value for found, value in api.query(expression, time=truth.ended) if _bare(found) == _bare(labels))


def _bare(labels):
    return {name: value for name, value in labels.items() if name != "__name__"}


def check(api, uid, title, truth, entry):
    """Fails where the panel does not show what the entry says."""
    by_mean = {name for name, value in entry.items() if isinstance(value, expected.mean)}
    values = shown(api, uid, title, truth, by_mean)
    assert values and values == _wanted(entry, values)


def _wanted(entry, values):
    """The entry with its wildcard spelt out."""
    entry = {name: getattr(value, "expected", value) if isinstance(value, expected.mean) else value
             for name, value in entry.items()}
    rest = entry.pop(expected.OTHERS, None)
    return entry if rest is None else dict.fromkeys(values, rest) | entry
