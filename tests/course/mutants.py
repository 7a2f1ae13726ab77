"""Plausible wrong answers: exercises/NN-name/mutants/NAME.toml.

    mistake = "a gauge where a counter is right"      what went wrong, for whoever reads the test's output
    says = "hello_total is a gauge"                   what the check must say to it, and to no other of the exercise

    [[edit]]                                          a place in the solved tree, which must be there exactly once
    file = "frontend/hello.c"                         (or `all = true`: every occurrence)
    old = "COUNTER(hello_total"
    new = "GAUGE(hello_total"

    [[write]]                                         a whole file, such as an answer
    file = "answers/06/rate.promql"
    text = "hello_total"

    [[remove]]
    file = "answers/06/rate.promql"

`base = "before"` starts from the tree before the exercise, in the place of its solution.

tests/course/right/NAME.toml are the contrary: right answers that are not ours, with `exercise` and `answer` in the place of
`mistake` and `says`.
"""

import tomllib
from pathlib import Path


class Change:
    """What both kinds have: edits of the solved tree."""

    keys = {"edit", "write", "remove"}

    def __init__(self, file):
        self.name, self._content = file.stem, tomllib.loads(file.read_text())
        assert set(self._content) <= self.keys, f"{file}: {set(self._content) - self.keys}"

    def changes(self, read):
        """{path: text or None} against the tree that `read(path)` tells the files of."""
        changed = {}
        for edit in self._content.get("edit", ()):
            path, old = edit["file"], edit["old"]
            text = changed.get(path) or read(path)
            found = text.count(old)
            assert found == 1 or found and edit.get("all"), f"{self.name}: {found} times in {path}: {old}"
            changed[path] = text.replace(old, edit["new"])
        changed |= {write["file"]: write["text"] for write in self._content.get("write", ())}
        return changed | {remove["file"]: None for remove in self._content.get("remove", ())}


class Mutant(Change):
    keys = Change.keys | {"mistake", "says", "base"}

    def __init__(self, file):
        super().__init__(file)
        self.mistake, self.says = self._content["mistake"], self._content["says"]
        self.base = self._content.get("base", "solution")
        assert self.base in ("solution", "before"), f"{file}: {self.base}"


class Right(Change):
    keys = Change.keys | {"answer", "exercise"}

    def __init__(self, file):
        super().__init__(file)
        self.exercise = self._content["exercise"]


def right_answers():
    return [Right(file) for file in sorted(Path(__file__).with_name("right").glob("*.toml"))]


def mutants(exercise):
    return [Mutant(file) for file in sorted(Path(exercise.directory, "mutants").glob("*.toml"))]
