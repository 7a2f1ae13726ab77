"""The judge himself: each anomaly is found, and what is legal is not called one."""

import pytest

from ledger import Ledger

A, B, C = ("a", "pears", 1), ("b", "grapes", 2), ("c", "apples", 3)


@pytest.fixture
def ledger(tmp_path):
    """A was promised, B refused, C never answered."""
    path = tmp_path / "ledger"
    path.write_text("attempt a pears 1\nattempt b grapes 2\nack a 200\nattempt c apples 3\nack b 503\nack c 2")
    return Ledger.read(path)


def test_what_it_reads(ledger):
    assert ledger.promised == {"a"} and set(ledger.attempted) == {"a", "b", "c"}
    assert ledger.codes == {200: 1, 503: 1}


@pytest.mark.parametrize("rows, dead", [([A], []), ([A, B], []), ([C, A, B], []), ([], [("a", "why", b"")])])
def test_what_is_legal(ledger, rows, dead):
    assert ledger.anomalies(rows, dead) == {}


def test_recovered(ledger):
    assert ledger.recovered([A, C]) == {"c"}


@pytest.mark.parametrize("rows, dead, kind, identity", [
    ([B, C], [], "lost", "a"),
    ([A, B, B], [], "doubled", "b"),
    ([A], [("a", "why", b"")], "doubled", "a"),
    ([A, ("x", "pears", 1)], [], "unexpected", "x"),
    ([A, (None, "pears", 1)], [], "unexpected", None),
    ([A], [("x", "why", b"")], "unexpected", "x"),
    ([("a", "pears", 2)], [], "altered", "a"),
])
def test_what_is_not(ledger, rows, dead, kind, identity):
    assert ledger.anomalies(rows, dead) == {kind: {identity}}


def test_what_the_generator_made_is_expected(ledger):
    rows = [A, ("x", "oranges", 7), ("y", "oranges", 11)]
    found = ledger.anomalies(rows, [], generated=lambda row: row[1] == "oranges" and 1 <= row[2] <= 10)
    assert found == {"unexpected": {"y"}}
