"""The proof: each exercise's check fails on the tree before it, passes with its solution, and fails with a message of
its own on every mutant. All of it through `./workshop check N`. The short form takes one mutant of each exercise."""

import pytest

from copy_of_tree import ROOT, form
from mutants import mutants
from workshop.course import catalogue

EXERCISES = catalogue.exercises(ROOT)
MUTANTS = [(number, mutant) for number, entry in EXERCISES.items()
           for mutant in (mutants(entry)[:1] if form() == "short" else mutants(entry))]
LEAST = {0: 3}  # mutants of an exercise; four of the others


def check(copy, number):
    return copy.run("check", str(number))


@pytest.mark.parametrize("number", EXERCISES)
def test_it_fails_before_and_passes_with_the_solution(servers, number):
    servers.set_tree(servers.solved_up_to(number))
    status, said = check(servers, number)
    assert status == 1 and "not yet" in said, f"the check passes although nothing is done:\n{said}"
    status, said = servers.run("solve", str(number))
    assert status == 0, said
    status, said = check(servers, number)
    assert status == 0 and f"passed  exercise {number}, " in said, f"the check does not pass with the solution:\n{said}"
    wanted = servers.solved_up_to(number + 1)
    assert {path: servers.tree.read(path) for path in wanted} == \
        {path: text if isinstance(text, str) else text.decode() for path, text in wanted.items()}


@pytest.mark.parametrize("number", [number for number, entry in EXERCISES.items() if entry.needs and form() == "long"])
def test_it_needs_those_that_it_names_and_no_others(servers, number):
    needs = EXERCISES[number].needs
    files = servers.solved_up_to(0)
    servers.set_tree(files)
    for other in needs:
        assert servers.run("solve", str(other))[0] == 0
    status, said = servers.run("solve", str(number))
    assert status == 0 and "builds on" not in said, said
    status, said = check(servers, number)
    assert status == 0, said
    servers.set_tree(files)
    status, said = servers.run("solve", str(number))
    assert all(f"builds on exercise {other}, which" in said for other in needs), said
    status, said = check(servers, number)
    assert status == 1 and all(f"first     exercise {number} builds on exercise {other}, which" in said for other in needs), said


@pytest.mark.parametrize("number, mutant", MUTANTS, ids=[f"{number}-{mutant.name}" for number, mutant in MUTANTS])
def test_a_wrong_answer_is_told_what_is_wrong(servers, number, mutant):
    files = servers.solved_up_to(number if mutant.base == "before" else number + 1)
    changes = mutant.changes(lambda path: _text(files[path]))
    servers.set_tree({path: text for path, text in (files | changes).items() if text is not None})
    status, said = check(servers, number)
    assert status == 1 and "not yet" in said, f"{mutant.mistake} passes:\n{said}"
    assert mutant.says in said, f"{mutant.mistake}: not '{mutant.says}', but\n{said}"
    for other in mutants(EXERCISES[number]):
        assert other.name == mutant.name or other.says not in said, f"{mutant.mistake}: as to {other.name}\n{said}"


def _text(content):
    return content.decode() if isinstance(content, bytes) else content


@pytest.mark.parametrize("number", EXERCISES)
def test_there_are_mutants_and_hints(number):
    found = mutants(EXERCISES[number])
    assert len(found) >= LEAST.get(number, 4)
    assert len({mutant.says for mutant in found}) == len(found)
    assert len(EXERCISES[number].hints) >= 2
