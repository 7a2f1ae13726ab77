"""A copy of this checkout in build/course/, with a mine/ and a build of its own, in which ./workshop runs as a student
runs it. It is kept from run to run, so that only what changed is built again; each of pytest's workers has one."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from workshop.course import catalogue  # noqa: E402
from workshop.course.tree import Tree, derived  # noqa: E402

# Lines of exercise 1, which most tests of a student's mishaps change.
HELLO, FRUIT = "frontend/hello.c", "frontend/fruit_get.c"
COUNT = "    counter_inc(&hello_total);\n"
DECLARATION = 'COUNTER(hello_total, "hello_total", "Total number of hello requests.");\n'

LEFT_OUT = {"build", ".git", ".workshop", "mine", "__pycache__", ".pytest_cache"}


def mirror(source, target):
    """Makes `target` like `source`, and leaves alone what is the same already."""
    target.mkdir(parents=True, exist_ok=True)
    names = {entry.name for entry in source.iterdir() if entry.name not in LEFT_OUT and not entry.name.startswith("mine-")}
    for entry in target.iterdir():
        if entry.name not in names | LEFT_OUT:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for name in names:
        here, there = source / name, target / name
        if here.is_dir():
            mirror(here, there)
        elif not there.exists() or not filecmp.cmp(here, there, shallow=False) or _mode(here) != _mode(there):
            shutil.copy(here, there)


def _mode(path):
    return path.stat().st_mode & 0o777


class Copy:
    def __init__(self):
        self.path = ROOT / "build/course" / os.environ.get("PYTEST_XDIST_WORKER", "tree")
        mirror(ROOT, self.path)
        shutil.rmtree(self.path / "mine", ignore_errors=True)
        self._clear()
        self.stack = None
        self.tree = Tree(self.path)

    def _clear(self):
        """Ends what an earlier run left, because it was killed, and deletes its data."""
        self.port_offset = None
        for left in (self.path / ".workshop").glob("offset-*"):
            self.run("reset", "--port-offset", left.name.removeprefix("offset-"))

    def run(self, *words, timeout=120, offset=True):
        """(exit status, output) of ./workshop with these words, as a process."""
        more = ("--port-offset", str(self.port_offset)) if offset and self.port_offset else ()
        done = subprocess.run([str(self.path / "workshop"), *words, *more], cwd=self.path, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert "Traceback" not in done.stdout, done.stdout
        return done.returncode, done.stdout

    def exercises(self):
        return catalogue.exercises(self.path)

    def solved_up_to(self, number):
        """{path: text or bytes} of a tree whose exercises before `number` are solved as `solve` does it."""
        files = dict(derived(self.path, range(number)))
        for entry in self.exercises().values():
            files |= entry.files()
            if entry.number < number:
                files |= entry.solution()
        return files

    def set_tree(self, files):
        """Makes mine/ hold these files and no others, without touching those that are so already."""
        for path in [path for path in self.tree.path.rglob("*") if path.is_file()] if self.tree.path.exists() else ():
            if str(path.relative_to(self.tree.path)) not in files:
                path.unlink()
        wanted = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self.tree.write({path: raw for path, raw in wanted.items() if not _holds(self.tree.path / path, raw)})


def _holds(file, raw):
    return file.exists() and file.read_bytes() == raw


def edit(copy, path, old, new):
    text = copy.tree.read(path)
    assert text.count(old) == 1
    copy.tree.write({path: text.replace(old, new)})


def done(copy, *numbers, kind="passed"):
    """Has the record of progress say so."""
    (copy.tree.path / ".progress.json").write_text(json.dumps({kind: dict.fromkeys(map(str, numbers), 1)}))


def form():
    """short or long"""
    return os.environ.get("WORKSHOP_COURSE", "short")
