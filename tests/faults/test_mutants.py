"""The checker is worth something: programs with one line wrong, each a patch in mutants/, are found out.

A patch says in its first line what is wrong. It is applied to a copy of the tree, which is built once; a mutant then
costs the compilation of a file or two. The tree's own programs pass the same run in test_gauntlet.py.
"""

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest

import program
from form import LONG
from gauntlet import gauntlet
from observer import Observer
from place import ROOT

MUTANTS = Path(__file__).parent / "mutants"
ROUNDS = 4  # a mutant's own confusion, such as channels closed over its acks, may spoil a moment for one round

# What gives each of them away. The first two are run in the short form, too.
EXPECTED = {
    "ack_before_commit": "lost",
    "republish_with_new_id": "unexpected",
    "answer_before_confirm": "lost",
    "no_unique_key": "doubled",
    "multiple_ack_too_high": "lost",
}
BLOCKS = "waits_in_a_handler"  # loses nothing; the observer of the loops must see it


def call(*argv, cwd):
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the tree in which frontend, backend and traffic are built."""
    tree = tmp_path_factory.mktemp("mutant") / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build", ".*", "__pycache__"))
    call("cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=", cwd=tree)
    build(tree)
    return tree


def build(tree):
    call("ninja", "-C", "build", "frontend", "backend", "traffic", cwd=tree)


@pytest.fixture
def mutant(copy, request, monkeypatch):
    """The programs that `run` and `wired` start are those with the patch in them."""
    patch = ["patch", "-p1", "-F3", "--no-backup-if-mismatch", "-i", str(MUTANTS / f"{request.param}.patch")]
    call(*patch, cwd=copy)
    try:
        build(copy)
        monkeypatch.setattr(program, "BIN", copy / "build/bin")
        yield request.param
    finally:
        call(*patch, "-R", cwd=copy)


def test_every_mutant_is_expected():
    assert {patch.stem for patch in MUTANTS.glob("*.patch")} == {*EXPECTED, BLOCKS}


@pytest.mark.parametrize("mutant", list(EXPECTED) if LONG else list(EXPECTED)[:2], indirect=True)
def test_it_is_found_out(mutant, wired):
    """By the judge: that it stumbles on its way through proves nothing."""
    found = {}
    for _ in range(ROUNDS):
        with contextlib.suppress(AssertionError):
            gauntlet(wired)
        found = wired.anomalies()
        if EXPECTED[mutant] in found:
            return
    pytest.fail(f"{mutant} passed: {found}, with {dict(wired.events())}")


@pytest.mark.skipif(not LONG, reason="in the long form")
@pytest.mark.parametrize("mutant", [BLOCKS], indirect=True)
def test_a_loop_that_waits_is_found_out(mutant, system):
    with system.load(rate=15) as load, Observer(system) as observer:
        load.flows()
    with pytest.raises(AssertionError):
        observer.judge(1 << 40)
    assert observer.lags["frontend"] > observer.lags["backend"]
