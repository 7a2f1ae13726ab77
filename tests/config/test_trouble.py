"""The panels that are at 0 in health show trouble, and as much as there is: see trouble.py and the table in troubled.py.

It is the last file, by its name, for the workshop is not itself afterwards: its alerts have been woken.
"""

import time

import pytest

import troubled
from shown import PANELS, check
from trouble import Trouble
from truth import Truth
from until import until

WINDOW = 20  # s


@pytest.fixture(scope="module")
def truth(workshop, ready):
    with Trouble(workshop) as trouble:
        began = time.time()
        new = "min(sum_over_time(up{job=~'frontend|backend|traffic'}[1m]) > 0)"
        until(lambda: ready.value("count(up{job='frontend'})") == 3 and ready.value(new) >= 2, 30, every=0.2)
        made = Truth(workshop, trouble.counts)
        made.locked = began
        made.begin()
        time.sleep(WINDOW)  # nothing to wait for but time: rates need it
        made.end()
        made.table = troubled.table(made)
        assert trouble.failed == []
    return made


TITLES = [(uid, title) for uid, title in PANELS if uid not in ("host", "logs")]


@pytest.mark.parametrize("uid, title", TITLES, ids=[f"{uid}: {title}" for uid, title in TITLES])
def test_a_panel_shows_the_trouble(uid, title, truth, ready):
    entry = truth.table.get(uid, {}).get(title)
    if entry is not None:
        check(ready, uid, title, truth, entry)


def test_every_expectation_is_of_a_panel(truth):
    assert {(uid, title) for uid, page in truth.table.items() for title in page} <= set(PANELS)
