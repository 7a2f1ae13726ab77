"""The game day played through ./workshop, with each fault broken for real: seen by its query, told by its alert, mended after it.

The short form breaks two, without waiting for alerts, and plays what needs no fault. The workshop has a checkout of its own, made
of links, so that a mine/ of somebody's is left alone.
"""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import ROOT
from drill import Drill
from until import until
from workshop import Stack, free_offset
from workshop.gameday import faults
from workshop.gameday.injecting import redis
from workshop.gameday.record import Record

LONG = os.environ.get("WORKSHOP_DRILLS") == "long"
SHORT = ("useless-cache", "broker-alarm")
QUIET = next(seed for seed in range(100) if faults.plan(seed).fault is None)
ALERT_S = {"lost-messages": 240, "slow-endpoint": 150}


def seed_of(name):
    return next(seed for seed in range(1000) if faults.plan(seed).fault == faults.BY_NAME[name])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    tree = tmp_path_factory.mktemp("checkout")
    for entry in ROOT.iterdir():
        if entry.name not in ("tools", "workshop", ".workshop", "mine", ".git"):
            (tree / entry.name).symlink_to(entry)
    shutil.copytree(ROOT / "tools", tree / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "workshop", tree / "workshop")
    (tree / "mine/frontend").mkdir(parents=True)
    return tree


class Game:
    def __init__(self, checkout, offset):
        self.checkout, self.offset = checkout, offset

    def words(self, *words):
        return [str(self.checkout / "workshop"), *words, "--port-offset", str(self.offset)]

    def run(self, *words):
        """(exit status, what was said)"""
        done = subprocess.run(self.words(*words), text=True, timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        assert "Traceback" not in done.stdout, done.stdout
        return done.returncode, done.stdout

    def begin(self, seed, within=2):
        self.round = subprocess.Popen(self.words("gameday", "--seed", str(seed), "--within", str(within)), text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return self.round

    def broken(self, name, within=2):
        """A round in which it has broken already."""
        process = self.begin(seed_of(name), within)
        until(lambda: (self.record.read() or {}).get("fault") == name or self._refuse_dead(process), 30)
        return process

    @staticmethod
    def _refuse_dead(process):
        assert process.poll() is None, process.stdout.read()

    @property
    def record(self):
        return Record(self.stack().dir)

    def stack(self):
        """As it is now: a round may have started a program anew."""
        return Stack(self.checkout, port_offset=self.offset)

    def rounds(self):
        file = self.checkout / "mine/answers/14/rounds.json"
        return json.loads(file.read_text()) if file.exists() else []


@pytest.fixture(scope="module")
def game(checkout):
    game = Game(checkout, free_offset())
    assert "the workshop does not run" in game.run("gameday")[1]
    stack = Stack(checkout, port_offset=game.offset, die_with_parent=True)
    try:
        game.drill = Drill(stack)
        game.drill.begin(history=24 if LONG else 3)
        game.api = stack.prometheus.api
        yield game
    finally:
        game.stack().down()


@pytest.fixture(autouse=True)
def over(game):
    """A round that a failed test left is no other test's: its end mends what it broke."""
    game.round = None
    yield
    if game.round and game.round.poll() is None:
        game.round.terminate()
        ended(game.round)


def ended(process, text=""):
    """(exit status, what was said)"""
    said = process.communicate(text, timeout=90)[0]
    assert "Traceback" not in said, said
    return process.returncode, said


def maxmemory(game):
    return redis(game.stack(), "CONFIG GET maxmemory")[-1]


@pytest.mark.parametrize("fault", faults.FAULTS, ids=[fault.name for fault in faults.FAULTS])
def test_a_fault_is_seen_told_and_mended(game, fault):
    if not LONG and fault.name not in SHORT:
        pytest.skip("in the long form")
    before = mended_marks(game)
    until(lambda: not game.api.query(fault.shows[0]), 90, every=0.5)
    process = game.broken(fault.name)
    until(lambda: game.api.query(fault.shows[0]), 90, every=0.25)
    process.stdin.write("\n")
    process.stdin.flush()
    if LONG and fault.alert:
        until(lambda: fault.alert in {name for name, _ in game.drill.firing()}, ALERT_S.get(fault.name, 100), every=0.5)
    status, said = game.run("gameday", "answer", fault.component, fault.cause)
    assert status == 0 and "That is right." in said, said
    assert "when you answered" in said.split("These queries show it:")[1].splitlines()[2], said
    assert not (LONG and fault.alert) or fault.alert in said, said
    assert ended(process)[0] == 0
    assert mended_marks(game) == before
    until(lambda: not game.api.query(fault.shows[0]), 90, every=0.5)
    if LONG and fault.alert:
        until(lambda: fault.alert not in {name for name, _ in game.drill.firing()}, 150, every=0.5)
    last = game.rounds()[-1]
    assert last["seed"] == seed_of(fault.name) and last["answer"] == [fault.component, fault.cause]
    assert 0 < last["detected"] <= last["localised"] and not game.record.file.exists()


def mended_marks(game):
    """What faults change and must put back, as far as it can be read at once."""
    stack = game.stack()
    flags = open(f"/proc/{stack.frontend.pid}/cmdline").read().split("\0")[1:]
    state = open(f"/proc/{stack.backend.pid}/stat").read().rsplit(")")[1].split()[0]
    return maxmemory(game), flags, state == "T", (stack.dir / "prometheus-config/targets/traffic.json").read_text().split()


def test_wrong_answers(game):
    """The right component with a wrong cause, a wrong component, and that there is nothing."""
    for answer, says in (("redis full-disk", "The component is right, the cause is another."), ("none", "Something was broken."),
                         ("postgres memory-limit", "It was somewhere else."), ("quit", "You gave up.")):
        process = game.broken("useless-cache", within=1)
        time.sleep(1)  # `none` before the time is over is refused
        status, said = ended(process, f"\nredis sad\n{answer}\n")  # in one piece
        assert "noted: " in said and "no cause 'sad'" in said
        assert status == 1 and says in said and "It was redis, memory-limit" in said, said
        assert maxmemory(game) == str(256 << 20)


def test_a_round_without_a_fault(game):
    process = game.begin(QUIET, within=4)
    until(lambda: game.record.player, 20)
    status, said = game.run("gameday", "answer", "none")
    assert status == 1 and "too early" in said
    assert game.run("gameday", "seen") == (0, "noted: you have seen something. Where is it, and why?\n")
    assert "is being played already" in game.run("gameday")[1]
    until(lambda: game.run("gameday", "answer", "none")[0] == 0, 20)
    status, said = ended(process)
    assert status == 0 and "That is right." in said and "Nothing was broken." in said
    assert game.rounds()[-1]["answer"] == ["none", "none"]


def test_an_answer_before_anything_broke_is_no_round(game):
    count = len(game.rounds())
    status, said = ended(game.begin(seed_of("useless-cache"), within=600), "redis memory-limit\n")
    assert status == 1 and "before anything was broken" in said and len(game.rounds()) == count


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_round_mends_what_it_broke(game, number):
    process = game.broken("useless-cache")
    until(lambda: maxmemory(game) == "1", 5)
    process.send_signal(number)
    status, said = ended(process)
    assert status == 130 and "the game day is over" in said, said
    assert maxmemory(game) == str(256 << 20) and not game.record.file.exists()


def test_a_killed_round_is_mended_by_the_next(game):
    process = game.broken("useless-cache")
    until(lambda: maxmemory(game) == "1", 5)
    process.kill()
    process.wait()
    assert "no game day is being played" in game.run("gameday", "answer", "redis", "slow")[1]
    status, said = ended(game.begin(QUIET, within=1), "quit\n")
    assert "mending what a game day that was cut off had broken" in said, said
    assert maxmemory(game) == str(256 << 20)


def test_words_that_are_not_understood(game):
    for words, says in ((["answer"], "say COMPONENT and CAUSE"), (["answer", "disk", "slow"], "no component 'disk'"),
                        (["answer", "redis", "sad"], "no cause 'sad'"), (["solve"], "not understood"),
                        (["seen", "it"], "not understood"), (["--within", "0"], "--within")):
        status, said = game.run("gameday", *words)
        assert status == 2 and says in said and len(said.splitlines()) <= 2, said


def test_down_ends_a_round_and_everything(game):
    """The last, for nothing runs after it."""
    process = game.broken("stalled-consumer")
    status, said = game.run("down")
    assert status == 0 and "ending the game day" in said, said
    assert "the game day is over" in ended(process)[1]
    assert game.stack().state.all() == {} and not game.record.file.exists()
    assert "the workshop does not run" in game.run("gameday")[1]
