"""One run through all that can come between a 2xx and its row, each at the worst moment (gauntlet.py).

What the checker is worth, test_mutants.py shows."""

from gauntlet import gauntlet


def test_nothing_is_lost_and_nothing_is_doubled(wired):
    gauntlet(wired)
    wired.judge("redelivered", "duplicate", "republished", "retried")
    assert {200, 503} == set(wired.ledger.codes)
