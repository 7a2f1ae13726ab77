"""A round of the game day that was played to its end, with the right answer. The check plays none itself: that would take
minutes, and prove that the game works and not that the student can find a fault. So it reads the rounds that were noted,
makes each anew from its seed, and judges the answers itself. A round whose seed was played before counts for nothing,
since its debrief told the answer; and one in which nothing was broken is good, but not enough.
"""

import json

from workshop.course import Wrong
from workshop.gameday import faults

FILE = "answers/14/rounds.json"
PLAY = "./workshop up, then ./workshop gameday, and take your time"
ADVICE = {
    faults.OTHER_CAUSE: ("the component was right, and the cause another",
                         "that a thing is slow or idle says where to look; why it is so stands in its own metrics, and in what "
                         "it was told"),
    faults.ELSEWHERE: ("the fault was elsewhere", "what complains is rarely what is broken: go on, from there to whatever it waits for"),
    faults.MISSED: ("you said that nothing is broken, and something was",
                    "not every fault has an alert. Look at each page of the board once, and compare with how it was before the round"),
    faults.FALSE_ALARM: ("you named a fault, and nothing was broken", "look at the same panel before the round, and ask what is different"),
    faults.NO_ANSWER: ("you gave up", "the debrief said which queries show it: try them in the next round, before you look elsewhere"),
}


def check(t):
    rounds = noted(t.answer(FILE))
    played, found, last = set(), None, None
    for each in rounds:
        fault, answer = faults.plan(each["seed"]).fault, tuple(each["answer"]) or None
        result = faults.verdict(fault, answer)
        again, last = each["seed"] in played, (each, fault, result)
        played.add(each["seed"])
        if result == faults.RIGHT and fault and not again:
            found = (each, fault)
    if found is None:
        refuse(*last, again)
    each, fault = found
    t.saw(f"{fault.component}, {fault.cause}: found after {each['localised']:g} s (--seed {each['seed']})")
    t.saw(f"{len(rounds)} rounds played" if len(rounds) != 1 else "in the first round")


def noted(text):
    try:
        rounds = json.loads(text)
    except ValueError as error:
        raise Wrong(f"{FILE} is no JSON: {error}", expected="what ./workshop gameday wrote", likely="put [] there, and play") from None
    if not isinstance(rounds, list) or not all(map(is_round, rounds)):
        raise Wrong(f"{FILE} is not what ./workshop gameday writes", expected="a list of rounds, each with seed, answer, localised",
                    likely="put [] there, and play")
    if not rounds:
        raise Wrong("you have not played a round", expected="one in which you found what was broken", likely=PLAY)
    return rounds


def is_round(each):
    return (isinstance(each, dict) and isinstance(each.get("seed"), int) and isinstance(each.get("answer"), list)
            and all(isinstance(word, str) for word in each["answer"]) and len(each["answer"]) in (0, 2)
            and isinstance(each.get("localised"), int | float | None))


def refuse(each, fault, result, again):
    if result == faults.RIGHT and fault is None:
        raise Wrong("in the rounds that you got right, nothing was broken", expected="one in which you found what was broken",
                    likely="well seen all the same: play on, most rounds have a fault")
    if result == faults.RIGHT and again:
        raise Wrong(f"your right answer was to a round that you knew: --seed {each['seed']} was played before",
                    expected="a round that is new to you", likely="./workshop gameday without --seed")
    saw, likely = ADVICE[result]
    raise Wrong(f"in your last round, {saw}", expected="a round with component and cause right", likely=f"{likely}. Then play again")
