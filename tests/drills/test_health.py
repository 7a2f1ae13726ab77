"""A workshop in which nothing is wrong: no alert but the watchdog, from the start on, and whatever is restarted."""

import os
import time

import pytest

pytestmark = pytest.mark.skipif(os.environ.get("WORKSHOP_DRILLS") != "long", reason="only in the long form")
QUIET = {"Watchdog"}


def test_three_minutes_of_health(drill):
    begin = time.time()
    drill.begin()
    time.sleep(180)
    assert drill.fired_since(begin) == QUIET


@pytest.mark.parametrize("program", ["backend", "frontend", "traffic"])
def test_a_restarted_program(drill, program):
    begin = time.time()
    getattr(drill.stack, program).restart()
    time.sleep(30)
    assert drill.fired_since(begin) == QUIET


def test_after_all_of_it(drill):
    """What the restarts did shows late where an alert looks back over minutes."""
    begin = time.time()
    time.sleep(150)
    assert drill.fired_since(begin) == QUIET
    assert drill.received().keys() == {("Watchdog", "prometheus")}
