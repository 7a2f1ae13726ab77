"""mine/: the student's tree. It is made from the product's sources without the marked lines; `solve` brings an
exercise's lines into it with a three-way merge, so that what the student wrote elsewhere stays."""

import difflib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from ..ui import Failure
from . import marks

PROGRAMS = ("frontend", "backend")  # what the student edits; all else is built from the product's rooms
OWN = ("exporter",)  # programs that are the student's alone: an exercise's files/ have their beginning
NAME = "mine"
MADE_FROM = ".product"  # in the tree: the product's sources as they were then, for a `git pull` may change them


def sources(root):
    """{path in the tree: text} of the product's files that a student's tree has."""
    return {str(path.relative_to(root)): path.read_text() for program in PROGRAMS
            for path in sorted((Path(root) / program).glob("*.[ch]"))}


def derived(root, solved, product=None):
    """{path: text} of a tree in which these exercises are solved as the product, or another version of it, solves them."""
    product = sources(root) if product is None else product
    return {path: marks.derive(text, solved, path) for path, text in product.items()}


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        self.path = self.root / NAME

    @property
    def exists(self):
        return (self.path / PROGRAMS[0]).is_dir()

    def require(self):
        if not self.exists:
            raise Failure(f"there is no {NAME}/ yet", "./workshop start makes it")
        return self

    def make(self, files):
        """Writes the starter and the files of the exercises: {path: text or bytes}."""
        kept = {f"{MADE_FROM}/{path}": text for path, text in sources(self.root).items()}
        for path, text in {**derived(self.root, ()), **kept, **files}.items():
            _write(self.path / path, text)

    def made_from(self):
        """{path: text} of the product's sources that the tree was made from; today's, where that is not known."""
        return sources(self.path / MADE_FROM) or sources(self.root)

    def missing(self):
        """The product's files that are not in the tree, such as frontend/hello.c."""
        return [path for path in self.made_from() if not (self.path / path).exists()]

    def programs(self):
        """Those that have a source: what there is to build."""
        return [name for name in PROGRAMS + OWN if any((self.path / name).glob("*.c"))]

    def put_aside(self):
        """Renames the tree; returns the new name."""
        number = next(n for n in range(1, 1000) if not (self.root / f"{NAME}-{n}").exists())
        self.path.rename(self.root / f"{NAME}-{number}")
        return f"{NAME}-{number}"

    def read(self, path):
        file = self.path / path
        return file.read_text(errors="replace") if file.exists() else None

    def solve_code(self, number, passed):
        """{path: new text} with the lines of the exercise merged in; Failure naming file and line where that cannot be.
        `passed` says what the tree may have already: it is tried as the merge's base first, for its lines are near. The
        lines are today's; or, where these do not fit, those of the product that the tree was made from."""
        bases = [set(passed), set(range(number)), set()]
        now, then = sources(self.root), self.made_from()
        try:
            return self._solved(now, number, bases)
        except Failure as failure:
            if then == now:
                raise
            return self._solved_as_then(then, number, bases, failure)

    def _solved(self, product, number, bases):
        return {path: self._merge(path, text, number, bases) for path, text in product.items()
                if number in marks.exercises(text, path)}

    def _solved_as_then(self, then, number, bases, failure):
        try:
            return self._solved(then, number, bases)
        except Failure:
            raise Failure(failure.message, f"{failure.hint}. The workshop's own sources have changed since {NAME}/ was made (git "
                          "pull does that): ./workshop start --again puts yours aside and makes a new one, in which solve "
                          "brings what you had") from None

    def _merge(self, path, text, number, bases):
        mine = self.read(path)
        if mine is None:
            return marks.derive(text, set(range(number + 1)), path)
        conflict = None
        for base in bases:
            before, after = (marks.derive(text, solved, path) for solved in (base - {number}, base | {number}))
            merged, line = merge(mine, before, after)
            if line is None:
                return merged
            conflict = conflict or line
        raise Failure(f"cannot bring exercise {number} into {NAME}/{path}: line {conflict} is where its lines belong, and "
                      "you changed it", f"./workshop solve {number} --show prints the lines; put them in by hand, or "
                      f"undo what you changed there. Nothing of {NAME}/ was touched")

    def write(self, files):
        """Writes {path: text}; returns what was there before, to be written again where that was wrong."""
        before = {path: (self.path / path).read_bytes() if (self.path / path).exists() else None for path in files}
        for path, text in files.items():
            _write(self.path / path, text)
        return before


def merge(mine, before, after):
    """(text, None), or (None, line in `mine` of the first conflict)."""
    with tempfile.TemporaryDirectory() as directory:
        names = [Path(directory, name) for name in ("mine", "before", "after")]
        for name, text in zip(names, (mine, before, after)):
            name.write_text(text)
        done = subprocess.run(["git", "merge-file", "-p", "-q", *map(str, names)], capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout, None
    head = done.stdout.split("<<<<<<<")[0]
    return None, _line_in(mine, head)


def _line_in(mine, head):
    """The line of `mine` behind the text that was merged before the conflict. All lines of mine are in it, for a solution
    only adds some."""
    lines, at = mine.split("\n"), 0
    for line in head.splitlines():
        at += at < len(lines) and line == lines[at]
    return at + 1


def solution_lines(root, number):
    """What `solve N --show` prints of the C part: a diff a file, with three lines around each change."""
    shown = []
    for path, text in sources(root).items():
        if number in marks.exercises(text, path):
            before, after = (marks.derive(text, solved, path) for solved in (set(range(number)), set(range(number + 1))))
            shown += difflib.unified_diff(before.split("\n"), after.split("\n"), f"{NAME}/{path}", f"{NAME}/{path}",
                                          lineterm="", n=3)
    return shown


def _write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    if text is None:
        file.unlink(missing_ok=True)
    elif isinstance(text, bytes):
        file.write_bytes(text)
    else:
        file.write_text(text)


def remove(directory):
    shutil.rmtree(directory, ignore_errors=True)


def read_map(file):
    return json.loads(file.read_text()) if file.exists() else {}
