"""One round of the game day, in the foreground: waits, breaks, hears, mends, tells."""

import json
import os
import select
import sys
import time

from ..course.tree import Tree
from ..programs import NAMES
from ..state import locked
from ..ui import Failure, put_back_undisturbed, say, step
from . import debrief, faults
from .injecting import injection_of, undo
from .record import Record, put_back

TICK = 0.2           # seconds
LIMIT = 30 * 60      # seconds after which a round ends by itself
ROUNDS = "answers/14/rounds.json"
GIVE_UP = ("quit", "give-up")
NOTED = "noted: you have seen something. Where is it, and why?"
EARLY = "You answered before anything was broken, so this was no round."


class Terminal:
    """Lines typed into this process. There may be nobody: then others come through the inbox alone."""

    def __init__(self):
        self._buffer, self._open = b"", True

    def line(self):
        """The next line; after TICK seconds, None."""
        if b"\n" not in self._buffer and self._readable():
            data = os.read(sys.stdin.fileno(), 4096)
            self._open = bool(data)
            self._buffer += data
        return self._first()

    def _first(self):
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            return None
        self._buffer = rest
        return line.decode(errors="replace")

    def _readable(self):
        if self._open and self._in_foreground():
            return bool(select.select([sys.stdin], [], [], TICK)[0])
        time.sleep(TICK)
        return False

    @staticmethod
    def _in_foreground():
        """A process in the background that reads from its terminal would be stopped."""
        try:
            return not sys.stdin.isatty() or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        except (OSError, ValueError):
            return False


class Round:
    def __init__(self, stack, lock, plan, within):
        self.stack, self.lock, self.plan, self.within = stack, lock, plan, within
        self.record, self.terminal = Record(stack.dir), Terminal()
        self.injection = self.answer = None
        self.times = debrief.Times(time.time())

    def play(self):
        """Exit status: 0 where the answer is right."""
        self._begin()
        try:
            self._hear_until_answered()
            self.times.answered = time.time()
            evidence = debrief.gather(self.stack.prometheus.api, self.times, self.plan.fault)
        except KeyboardInterrupt:
            say("\nthe game day is over, without an answer")
            return 130
        finally:
            put_back_undisturbed()
            self._mend()
        return self._tell(evidence)

    def _begin(self):
        with locked(self.lock, "gameday"):
            put_back(self.stack)
            self.record.forget()
            require_whole(self.stack)
            self.times.before = debrief.firing(self.stack.prometheus.api)
            self.record.write()
        latest = time.strftime("%H:%M:%S", time.localtime(self.times.began + self.within))
        say(f"The game day has begun. By {latest} something is broken, or nothing is. Find out: where, and why?")
        if self.times.before:
            say(f"(These alerts fire already, and have nothing to do with it: {', '.join(sorted(self.times.before))}.)")
        say(f"  {self.stack.board.url}   {self.stack.prometheus.api.pages()[0]}   {self.stack.alertmanager.url}")
        say("Press Enter as soon as something looks wrong to you. Then type your answer, COMPONENT CAUSE:\n")
        for line in choices():
            say(line)
        say("\n`none` says that nothing is broken, `quit` gives up. From another terminal: "
            f"./workshop gameday answer{self.stack.option} …")

    # The wait.

    def _hear_until_answered(self):
        end = self.times.began + LIMIT
        while True:
            if self._understood(self.terminal.line(), say) or self._understood(self.record.heard(), self._reply):
                return
            if self.times.broken is None and self.plan.fault and time.time() >= self.times.began + self.plan.moment:
                self._break()
            if not self.stack.prometheus.running:
                raise Failure("Prometheus was ended, and with it the game day", "./workshop up starts it again")
            if time.time() > end:
                say(f"Nobody answered within {LIMIT // 60} minutes.")
                return

    def _reply(self, text):
        """To whoever spoke through the inbox, and to the own terminal."""
        say(text)
        self.record.put_reply(0 if text == NOTED else 1, text)

    def _understood(self, line, tell):
        """Whether the line ends the round."""
        if line is None:
            return False
        words = line.lower().replace(",", " ").split()
        if words[:1] == ["answer"]:
            words = words[1:]
        if not words or words == ["seen"]:
            self.times.seen = self.times.seen or time.time()
            tell(NOTED)
        elif words[0] in GIVE_UP:
            return True
        elif problem := faults.unknown(pair(words)):
            tell(f"{problem}; an answer is COMPONENT CAUSE, such as: frontend crashed")
        elif words[0] == faults.NOTHING and time.time() < self.times.began + self.within:
            tell("it is too early to say that: it may still come")
        else:
            self.answer = pair(words)
            return True
        return False

    def _break(self):
        """Written down before it is done. Whoever saw something until now was mistaken."""
        injection = injection_of(self.plan.fault.name, self.stack)
        with locked(self.lock, "gameday"):
            self.record.write(fault=self.plan.fault.name, note=injection.note())
            self.injection = injection
            injection.begin()
        self.times.broken, self.times.seen = time.time(), None

    def _mend(self):
        left = self.record.read() or {}
        if self.injection:
            self.injection.end()
        if left.get("fault"):
            with locked(self.lock, "gameday"):
                undo(left["fault"], fresh(self.stack), left["note"])
        self.record.forget()

    # The end.

    def _tell(self, evidence):
        status = 0 if faults.verdict(self.plan.fault, self.answer) == faults.RIGHT else 1
        if self.plan.fault and not self.times.broken:
            text, status = EARLY, 1
        else:
            text = debrief.text(self.plan, self.times, self.answer, evidence) + self._keep()
        if self.injection and self.injection.trouble:
            text += f"\n  (What was broken did not last: {self.injection.trouble})"
        say("\n" + text)
        self.record.put_reply(status, text)
        return status

    def _keep(self):
        """Notes the round down for `./workshop check 14`, where the course has begun. Returns a line that says so."""
        tree = Tree(self.stack.root)
        if not tree.exists:
            return ""
        file = tree.path / ROUNDS
        seen = self.answer and round(self.times.detect, 1)
        found = {"seed": self.plan.seed, "answer": list(self.answer or ()), "detected": seen,
                 "localised": self.answer and round(self.times.localise, 1)}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("[\n" + ",\n".join(f"  {json.dumps(each)}" for each in [*rounds(file), found]) + "\n]\n")
        return f"\n  It is noted in {tree.path.name}/{ROUNDS}; ./workshop check 14 looks there."


def rounds(file):
    """Those noted so far; none where the file is no list."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return []
    return content if isinstance(content, list) else []


def fresh(stack):
    """The same copy, as a new command would see it: what was begun with other flags counts as its ordinary self."""
    made = type(stack)(stack.root, stack.dir, stack.port_offset)
    made.mine = stack.mine
    return made


def pair(words):
    """(component, cause); `none` alone says both."""
    return (words[0], faults.NOTHING) if words == [faults.NOTHING] else (words[0], " ".join(words[1:]))


def choices():
    for title, entries in (("COMPONENT", faults.COMPONENTS), ("CAUSE", faults.CAUSES)):
        yield f"  {title}"
        yield from (f"    {name:20} {text}" for name, text in entries.items() if name != faults.NOTHING)


def require_whole(stack):
    """Failure where something that the game needs does not run."""
    missing = [name for name in stack.usual if name != "logkeeper" and not stack.services[name].running]
    if not missing:
        return
    by_hand = [name for name in missing if name in NAMES and stack.services[name].terminal_pid]
    if by_hand:
        raise Failure(f"{', '.join(by_hand)} runs in a terminal, where a game day cannot reach it",
                      f"end it there, then ./workshop up{stack.option}")
    whole = len(missing) > len(stack.usual) // 2
    raise Failure("the workshop does not run" if whole else f"the workshop is not whole: {', '.join(missing)} does not run",
                  f"./workshop up{stack.option} starts it; then play")
