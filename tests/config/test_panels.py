"""The value of every panel of every dashboard, compared with what is known about the load: the table in expected.py.

A panel without an entry there fails by its name, and so does an entry without a panel.
"""

import time

import pytest

import expected
from shown import PANELS, check
from truth import Truth

WINDOW = 20  # s: over which rates are taken, by Prometheus and by us


@pytest.fixture(scope="module")
def truth(workshop, ready):
    """The truth over a window in which the load was the known one, from its beginning on."""
    made = Truth(workshop)
    made.begin()
    time.sleep(WINDOW)  # nothing to wait for but time: rates need it
    made.end()
    return made


@pytest.fixture(scope="module")
def table(truth):
    return expected.table(truth)


@pytest.mark.parametrize("uid, title", PANELS, ids=[f"{uid}: {title}" for uid, title in PANELS])
def test_a_panel_shows_what_is_true(uid, title, request, api):
    if uid in expected.NOT_CHECKED:
        pytest.skip(expected.NOT_CHECKED[uid])
    entry = request.getfixturevalue("table").get(uid, {}).get(title)
    assert entry is not None, f"say in tests/config/expected.py what panel '{title}' of dashboard {uid} must show"
    check(api, uid, title, request.getfixturevalue("truth"), entry)


def test_every_expectation_is_of_a_panel(table):
    assert {(uid, title) for uid, page in table.items() for title in page} <= set(PANELS)
