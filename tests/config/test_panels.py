"""The value of every panel of every dashboard, compared with what is known about the load: the table in expected.py.

A panel without an entry there fails by its name, and so does an entry without a panel.
"""

import json
import re
import time

import pytest

import expected
from conftest import ROOT
from queries import concrete
from truth import Truth
from workshop.complaints import SILENT

WINDOW = 25  # s: over which rates are taken, by Prometheus and by us
STEP = 5     # s: the scrape interval

PAGES = {file.stem: json.loads(file.read_text()) for file in sorted((ROOT / "grafana/dashboards").glob("*.json"))}
PANELS = [(uid, panel["title"]) for uid, page in PAGES.items() for panel in page["panels"] if panel["type"] not in SILENT]


@pytest.fixture(scope="session")
def truth(workshop, ready):
    """The truth over a window in which the load was the known one, from its beginning on."""
    made = Truth(workshop)
    made.begin()
    time.sleep(WINDOW)  # nothing to wait for but time: rates need it
    made.end()
    return made


@pytest.fixture(scope="session")
def table(truth):
    return expected.table(truth)


def legend(text, labels):
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), text)


def shown(api, panel, truth, by_mean):
    """legend → value, of all the panel's queries; those legends that `by_mean` names by their mean over the window."""
    values = {}
    for target in panel["targets"]:
        expression = concrete(target["expr"], truth.seconds)
        for labels, value in api.query(expression, time=truth.ended):
            name = legend(target["legendFormat"], labels)
            assert name not in values, f"two series are called '{name}'"
            values[name] = value
            if name in by_mean:
                values[name] = _mean(api, f"avg_over_time(({expression})[{WINDOW}s:{STEP}s])", labels, truth)
    return values


def _mean(api, expression, labels, truth):
    """The mean of the series with these labels."""
    return next(value for found, value in api.query(expression, time=truth.ended) if _bare(found) == _bare(labels))


def _bare(labels):
    return {name: value for name, value in labels.items() if name != "__name__"}


def wanted(entry, values):
    """The entry with its wildcard spelt out."""
    entry = {name: getattr(value, "expected", value) if isinstance(value, expected.mean) else value
             for name, value in entry.items()}
    rest = entry.pop(expected.OTHERS, None)
    return entry if rest is None else dict.fromkeys(values, rest) | entry


@pytest.mark.parametrize("uid, title", PANELS, ids=[f"{uid}: {title}" for uid, title in PANELS])
def test_a_panel_shows_what_is_true(uid, title, request, api):
    if uid in expected.NOT_CHECKED:
        pytest.skip(expected.NOT_CHECKED[uid])
    entry = request.getfixturevalue("table").get(uid, {}).get(title)
    assert entry is not None, f"say in tests/config/expected.py what panel '{title}' of dashboard {uid} must show"
    by_mean = {name for name, value in entry.items() if isinstance(value, expected.mean)}
    panel = next(panel for panel in PAGES[uid]["panels"] if panel["title"] == title)
    values = shown(api, panel, request.getfixturevalue("truth"), by_mean)
    assert values and values == wanted(entry, values)


def test_every_expectation_is_of_a_panel(table):
    assert {(uid, title) for uid, page in table.items() for title in page} <= set(PANELS)
