"""Backend and frontend killed at random moments, again and again, while orders come in."""

import time

import pytest

from form import dice, pick
from until import until

CRASHES = pick(8, 50)


@pytest.mark.parametrize("program", ["backend", "frontend"])
def test_killed_at_random_moments(system, program):
    """Whether a republish or a duplicate is among them is left to chance; gauntlet.py forces both."""
    random = dice(program)
    with system.load(rate=400, connections=100) as load:
        load.flows()
        for _ in range(CRASHES):
            time.sleep(random.uniform(0, 0.3))
            system.crash(program)
        load.flows()
    system.judge(*(["redelivered"] if program == "backend" else []))
    if program == "frontend":
        assert len(system.ledger.attempted) > len(system.ledger.promised), "no request was in flight in any crash"


@pytest.mark.parametrize("system", [{"generators": 2}], indirect=True, ids=["2 generators"])
def test_both_by_turns_with_a_generator(system):
    """The generator's rows are expected, too; none of them may come twice."""
    random = dice("both")
    with system.load(rate=200, connections=100) as load:
        load.flows()
        for _ in range(CRASHES // 2):
            time.sleep(random.uniform(0, 0.4))
            system.crash(random.choice(["backend", "frontend"]))
        load.flows()
        until(lambda: system.backend.value("generator_messages_total") > 0)
    system.judge(generated=lambda row: row[0] is not None and row[1] == "oranges" and 1 <= row[2] <= 10)
    assert len(system.place.rows()) > len(set(system.ledger.attempted) & {row[0] for row in system.place.rows()})

