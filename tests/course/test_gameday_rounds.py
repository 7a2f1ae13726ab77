"""The game day's choice, verdict and debrief, without a workshop: which round a seed makes, what an answer is worth."""

import json
import os
import subprocess
import sys
import types

import pytest

from copy_of_tree import ROOT
from workshop import rules
from workshop.gameday import debrief, faults, injecting, playing
from workshop.gameday.record import Record, put_back

SEEDS = range(1, 31)


def other(names, right):
    """A word that is wrong, and no `none`."""
    return next(name for name in names if name not in (right, faults.NOTHING))


# The choice.

def test_thirty_seeds_bring_every_fault_and_rounds_without_one():
    names = [plan.fault.name if plan.fault else None for plan in map(faults.plan, SEEDS)]
    assert set(names) == {*faults.BY_NAME, None}
    assert names.count(None) >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_always_makes_the_same_round(seed):
    assert faults.plan(seed) == faults.plan(seed)
    assert faults.plan(seed, 90).fault == faults.plan(seed, 5).fault
    for within in (1, 90, 3600):
        assert 0.2 * within <= faults.plan(seed, within).moment <= within
    words = [sys.executable, "-c", f"from workshop.gameday.faults import plan; print(plan({seed}).fault and plan({seed}).fault.name)"]
    done = subprocess.run(words, env=os.environ | {"PYTHONPATH": str(ROOT / "tools"), "PYTHONHASHSEED": str(seed)},
                          capture_output=True, text=True, check=True)
    fault = faults.plan(seed).fault
    assert done.stdout.strip() == str(fault and fault.name)


def test_recorded_rounds_keep_their_meaning():
    """Seeds stand in files of students: a change of the choice would turn right answers into wrong ones."""
    known = {1: "stalled-consumer", 5: "cardinality", 6: "lost-messages", 7: "slow-endpoint", 9: "leaked-connections",
             10: "slow-database", 15: "useless-cache", 24: "broker-alarm"}
    assert {seed: faults.plan(seed).fault.name for seed in known} == known
    assert faults.plan(17).fault is None


def test_the_faults_are_what_they_are_said_to_be():
    alerts = {alert.name for alert in rules.ALERTS} | set(rules.BURN_NAMES.values())
    assert len(faults.FAULTS) >= 8
    assert len({(fault.component, fault.cause) for fault in faults.FAULTS}) == len(faults.FAULTS)
    for fault in faults.FAULTS:
        assert fault.component in faults.COMPONENTS and fault.cause in faults.CAUSES
        assert fault.alert is None or fault.alert in alerts
        assert fault.runbook is None or (ROOT / f"docs/runbooks/{fault.runbook}.md").exists()
    assert injecting.KINDS.keys() == faults.BY_NAME.keys()
    assert {fault.cause for fault in faults.FAULTS} < set(faults.CAUSES) - {faults.NOTHING}, "some causes are only bait"


# The verdict.

@pytest.mark.parametrize("seed", SEEDS)
def test_each_answer_gets_the_verdict_that_it_deserves(seed):
    fault = faults.plan(seed).fault
    every = [(component, cause) for component in faults.COMPONENTS for cause in faults.CAUSES
             if not faults.unknown((component, cause))]
    right = [answer for answer in every if faults.verdict(fault, answer) == faults.RIGHT]
    assert right == [(fault.component, fault.cause) if fault else (faults.NOTHING, faults.NOTHING)]
    assert faults.verdict(fault, None) == faults.NO_ANSWER
    if fault is None:
        others = {faults.verdict(fault, answer) for answer in every if answer not in right}
        assert others == {faults.FALSE_ALARM}
        return
    assert faults.verdict(fault, (other(faults.COMPONENTS, fault.component), fault.cause)) == faults.ELSEWHERE
    assert faults.verdict(fault, (fault.component, other(faults.CAUSES, fault.cause))) == faults.OTHER_CAUSE
    assert faults.verdict(fault, (faults.NOTHING, faults.NOTHING)) == faults.MISSED


@pytest.mark.parametrize("words, says", [
    (["disk", "slow"], "there is no component 'disk'"), (["redis", "tired"], "there is no cause 'tired'"),
    (["redis"], "there is no cause ''"), (["none", "slow"], "both"), (["redis", "none"], "both"),
    (["redis", "slow", "too"], "no cause 'slow too'")])
def test_words_that_are_no_answer(words, says):
    assert says in faults.unknown(playing.pair(words))


# The debrief.

EVIDENCE = debrief.Evidence((("BrokerAlarm", 1160.0), ("AvailabilityBurnsFast", 1230.0)), {"availability": 0.25, "latency": 0.0},
                            (("up == 0", 3.0), ("down", None)))


def told(seed, answer, seen=1150.0, evidence=EVIDENCE):
    plan = faults.plan(seed)
    times = debrief.Times(1000.0, 1100.0 if plan.fault else None, seen, 1290.0)
    return debrief.text(plan, times, answer, evidence)


def test_the_debrief_tells_when_what_and_how_much():
    fault = faults.plan(24).fault
    said = told(24, (fault.component, fault.cause))
    for words in ("That is right.", "broken        1 min 40 s after the beginning", "detected      50 s after it broke",
                  "localised     3 min 10 s after it broke", "first alert   BrokerAlarm, after 1 min 0 s; then AvailabilityBurnsFast",
                  "availability 25.0%, latency 0.0% of what 4h may cost", "up == 0\n        3 when you answered", "empty just then",
                  "docs/runbooks/BrokerAlarm.md", "--seed 24"):
        assert words in said, said


def test_the_debrief_of_other_answers():
    assert "detected      3 min 10 s after it broke, as nobody said it sooner" in told(24, ("rabbitmq", "memory-limit"), seen=None)
    wrong = told(24, ("redis", "memory-limit"))
    assert "It was somewhere else." in wrong and "localised" not in wrong and "It was rabbitmq, memory-limit" in wrong
    assert "The component is right, the cause is another." in told(24, ("rabbitmq", "slow"))
    assert "Something was broken." in told(24, ("none", "none"))
    assert "You gave up." in told(24, None) and "detected" not in told(24, None)
    none = told(17, ("none", "none"), evidence=debrief.Evidence((), {"availability": 0.0}, ()))
    assert "That is right." in none and "Nothing was broken." in none and "none had fired" in none
    assert "a false alarm" in told(17, ("redis", "slow"))


class Remembering:
    """A Prometheus with two alerts, one of which is older than the round, and one request in ten bad."""

    def __init__(self):
        self.asked = []

    def query(self, promql):
        if "ALERTS" not in promql:
            return [({}, 5.0), ({}, float("nan")), ({}, 7.0)]
        moments = {"Late": 1270.0, "Old": 1100.0, "Watchdog": 1100.0, "Early": 1150.0}
        return [({"alertname": name}, moment) for name, moment in moments.items()]

    def value(self, promql):
        self.asked.append(promql)
        return 0.1


def test_the_evidence():
    api, fault = Remembering(), faults.BY_NAME["useless-cache"]
    found = debrief.gather(api, debrief.Times(1000.0, 1100.0, None, 1244.0, before={"Old"}), fault)
    assert found.alerts == (("Early", 1150.0), ("Late", 1270.0))
    assert found.burnt == pytest.approx({"availability": 0.1, "latency": 0.1})  # ten times too many, a hundredth of four hours
    assert found.shown == tuple((query, 7.0) for query in fault.shows)
    assert all("[144s]" in asked and "<" not in asked for asked in api.asked)


# What is left behind.

def test_what_a_dead_player_broke_is_mended_once(tmp_path, monkeypatch, capsys):
    stack, mended = types.SimpleNamespace(dir=tmp_path), []
    monkeypatch.setattr("workshop.gameday.record.undo", lambda *words: mended.append(words))
    record = Record(tmp_path)
    put_back(stack)
    record.write(fault="useless-cache", note={"maxmemory": "7"})
    put_back(stack)
    assert mended == [] and record.player.pid == os.getpid(), "the player lives"
    record.file.write_text(json.dumps(record.read() | {"start": 1}))
    put_back(stack)
    put_back(stack)
    assert mended == [("useless-cache", stack, {"maxmemory": "7"})] and not record.file.exists()
    assert "cut off" in capsys.readouterr().out


def test_a_failed_mending_is_tried_again(tmp_path, monkeypatch):
    stack, record = types.SimpleNamespace(dir=tmp_path), Record(tmp_path)
    record.file.write_text(json.dumps({"pid": os.getpid(), "start": 1, "fault": "useless-cache", "note": {}}))

    def refuse(*words):
        raise OSError("no")

    monkeypatch.setattr("workshop.gameday.record.undo", refuse)
    with pytest.raises(OSError):
        put_back(stack)
    assert record.file.exists()


def test_words_through_the_inbox_are_heard_once(tmp_path):
    record = Record(tmp_path)
    assert record.heard() is None
    record.put_reply(1, "old")
    record.tell("answer redis slow")
    assert record.read_reply() is None and record.heard() == "answer redis slow" and record.heard() is None
