"""The game day's part of the command line."""

import os
import time

from ..docker import Docker
from ..stack import Stack
from ..ui import Failure, say
from . import faults
from .playing import Round, choices, pair
from .record import Record

WORDS = ("answer", "seen", "choices", "give-up")
PATIENCE = 90  # seconds until the round has mended what it broke


def add(command, root, lock_of):
    """`command(name, function, summary)` makes a word; see cli.parser."""
    added = command("gameday", lambda options: gameday(root, options, lock_of(options.port_offset)),
                    "the course: something breaks in secret, or nothing does; find out what")
    added.usage = ("./workshop gameday [--seed N] [--within SECONDS]\n       ./workshop gameday answer COMPONENT CAUSE | "
                   "answer none | seen | choices | give-up")
    added.add_argument("words", nargs="*", metavar="WORD", help="to a round that is played in another terminal: your answer; "
                       "`seen`: something looks wrong; `give-up`. `choices` lists components and causes")
    added.add_argument("--seed", type=int, metavar="N", help="the same round for everybody; without it, any")
    added.add_argument("--within", type=float, default=faults.WITHIN, metavar="SECONDS",
                       help=f"when at the latest it breaks ({faults.WITHIN})")


def gameday(root, options, lock):
    stack = Stack(root, port_offset=options.port_offset)
    if options.words:
        return _say_to_round(stack, options.words)
    if not 1 <= options.within <= 3600:
        raise Failure("--within: a number of seconds from 1 to 3600", status=2)
    if Docker(root, options.port_offset).runs:
        raise Failure("the workshop runs in containers, and a game day breaks the native one alone",
                      f"./workshop down{stack.option}, then ./workshop up --native{stack.option}")
    if Record(stack.dir).player:
        raise Failure("a game day is being played already", f"./workshop gameday answer{stack.option} …, or give-up, ends it")
    seed = int.from_bytes(os.urandom(3), "big") if options.seed is None else options.seed
    return Round(stack, lock, faults.plan(seed, options.within), options.within).play()


def _say_to_round(stack, words):
    if words == ["choices"]:
        for line in choices():
            say(line)
        return 0
    if words[0] not in WORDS or words[0] == "choices" or (words[0] != "answer" and len(words) > 1):
        raise Failure(f"gameday {' '.join(words)}: not understood", "./workshop gameday --help", status=2)
    if words[0] == "answer":
        _refuse_unknown(words[1:])
    record = Record(stack.dir)
    if not record.player:
        raise Failure("no game day is being played", f"./workshop gameday{stack.option} begins one, in another terminal")
    record.tell(" ".join(words))
    return _reply(record)


def _refuse_unknown(words):
    if not words:
        raise Failure("gameday answer: say COMPONENT and CAUSE, or none", "./workshop gameday choices lists them", status=2)
    if problem := faults.unknown(pair([word.lower() for word in words])):
        raise Failure(problem, "./workshop gameday choices lists components and causes", status=2)


def _reply(record):
    """Says what the player says. After an answer that is the debrief, once all is mended."""
    end, player = time.monotonic() + PATIENCE, record.player
    while time.monotonic() < end:
        alive = player is not None and player.alive  # before the look: its last words come before its end
        if found := record.read_reply():
            say(found["text"])
            return found["status"]
        if not alive:
            break
        time.sleep(0.1)
    raise Failure("the round did not say anything to that", "its own terminal says why")
