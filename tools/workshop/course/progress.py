"""How far the student is: mine/.progress.json. Losing it loses nothing but the ticks."""

import json
import time

from ..ui import Failure

FILE = ".progress.json"


class Progress:
    def __init__(self, tree):
        self.file = tree.path / FILE
        try:
            content = json.loads(self.file.read_text())
        except (OSError, ValueError):
            content = {}
        content = content if isinstance(content, dict) else {}
        self._passed, self._solved, self._hints = (_numbers(content.get(key)) for key in ("passed", "solved", "hints"))

    @property
    def passed(self):
        """The numbers of the exercises whose check passed."""
        return set(self._passed)

    @property
    def solved(self):
        """Those that `solve` wrote."""
        return set(self._solved)

    def next(self, every):
        """The first that has neither passed nor been solved for the student, then the first that has not passed; None
        where all have. Who missed an exercise and had it solved goes on behind it."""
        missing = [number for number in every if number not in self._passed]
        return next((number for number in missing if number not in self._solved), missing[0] if missing else None)

    def hints_given(self, number):
        return self._hints.get(number, 0)

    def note_pass(self, number):
        first = number not in self._passed
        self._passed.setdefault(number, int(time.time()))
        self._write()
        return first

    def note_fail(self, number):
        if self._passed.pop(number, None):
            self._write()

    def note_solved(self, number):
        self._solved.setdefault(number, int(time.time()))
        self._write()

    def note_hint(self, number, count):
        self._hints[number] = count
        self._write()

    def _write(self):
        fresh = self.file.with_suffix(".new")
        content = {"passed": self._passed, "solved": self._solved, "hints": self._hints}
        try:
            fresh.write_text(json.dumps(content, indent=1) + "\n")
            fresh.replace(self.file)
        except FileNotFoundError:
            raise Failure(f"{self.file.parent.name}/ is gone: it was moved or deleted meanwhile",
                          "move it back, or make a new one with ./workshop start") from None


def _numbers(found):
    pairs = found.items() if isinstance(found, dict) else ()
    return {int(number): value for number, value in pairs if number.isdigit() and isinstance(value, int)}
