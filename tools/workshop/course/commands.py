"""start, exercise, check, hint, solve and watch: the words of the command line that make the course."""

import time
from pathlib import Path

from .. import packages, ports
from ..onshow import appeared, hidden
from ..ui import Failure, say, step
from . import catalogue, checking, compiling
from .progress import Progress
from .report import Wrong, tell_passed, tell_wrong
from .tree import NAME, Tree, derived, solution_lines

WATCH_S = 0.3  # between two looks at the files


class Course:
    def __init__(self, stack, lock):
        self.stack, self.root, self.lock = stack, stack.root, lock
        self.tree = Tree(self.root)
        self.exercises = catalogue.exercises(self.root)

    @property
    def progress(self):
        return Progress(self.tree)

    def chosen(self, word, otherwise="next"):
        """The exercise named, or the one where the student stands."""
        if word is not None:
            return catalogue.find(self.root, word)
        number = self.progress.next(self.exercises) if self.exercises else None
        if number is None:
            raise Failure("every exercise is passed: there is none to go on with" if self.exercises else
                          "there are no exercises", "./workshop exercise 0 shows the first, and so on", status=1)
        return self.exercises[number]


def start(course, again=False):
    if course.tree.exists and not again:
        return _put_back(course)
    packages.ensure(packages.RUN, course.stack.logs / "apt.log")
    if course.tree.path.exists():
        _tell_aside(course.tree.put_aside())
    course.tree.make(_files(course))
    say(f"made {NAME}/: the frontend and the backend of this workshop, without their metrics. It is yours to edit.")
    step("building it once, so that the checks are quick")
    compiling.compile_mine(course.root, course.tree.programs(), course.stack.logs / "apt.log")
    say()
    say("  ./workshop exercise     what to do, one exercise after the other")
    say("  ./workshop check        whether you have done it      ./workshop watch   the same on each save")
    say("  ./workshop hint         when you are stuck            ./workshop solve N when you want to see it done")


def _files(course):
    """{path: bytes} of what the exercises put into a new tree."""
    return {path: text for exercise in course.exercises.values() for path, text in exercise.files().items()}


def _tell_aside(name):
    say(f"the old tree is now {name}/, with all that you did and your progress")
    say(f"  mv {NAME} {NAME}-new && mv {name} {NAME}     would bring it back")


def _put_back(course):
    """Files that were deleted come back, as the exercises that are done left them; all others stay."""
    done = course.progress.passed | course.progress.solved
    wanted = derived(course.root, done, course.tree.made_from()) | _files(course)
    missing = {path: text for path, text in wanted.items() if not (course.tree.path / path).exists()}
    if not missing:
        number = course.progress.next(course.exercises)
        raise Failure(f"{NAME}/ exists already, with your work in it",
                      (f"./workshop exercise {number} goes on; " if number is not None else "")
                      + "./workshop start --again puts it aside and makes a new one")
    course.tree.write(missing)
    say(f"put back what was missing, and left the rest: {', '.join(f'{NAME}/{path}' for path in sorted(missing))}")
    if any(path.endswith(".c") for path in missing):
        say(f"a file of C has the lines of the exercises that are done: {', '.join(map(str, sorted(done))) or 'none yet'}")
    return 0


def exercise(course, word=None):
    """The list where no exercise is named and the student has not begun; else the text."""
    if word is None:
        _list(course)
        if not course.tree.exists:
            say("\n./workshop start makes the tree to work in")
            return 0
        say()
    _text(course, course.chosen(word))
    return 0


def _list(course):
    progress = course.progress
    now = progress.next(course.exercises)
    for number, entry in course.exercises.items():
        mark = "solved" if number in progress.solved else "passed"
        state = mark if number in progress.passed else "next" if number == now and course.tree.exists else ""
        say(f"  {state:7} {number:2}  {entry.title}")


def _text(course, entry):
    say(ports.shifted(entry.text.rstrip(), course.stack.port_offset))


def check(course, word=None):
    """0 where the exercise is passed, 1 where it is not."""
    course.tree.require()
    entry = course.chosen(word)
    wrong, seen, seconds = checking.run(course.stack, entry, course.lock)
    if wrong:
        course.progress.note_fail(entry.number)
        tell_wrong(entry, wrong, seen)
        for sentence in _first(course, entry):
            say(f"    first     {sentence}")
        _offer_hint(course, entry)
        return 1
    before = hidden(course.root)
    course.progress.note_pass(entry.number)
    tell_passed(entry, seen, seconds)
    _tell_appeared(course, before)
    _tell_next(course)
    return 0


def _first(course, entry):
    """What to do before it: a sentence for each exercise that it builds on, and that is not done."""
    done = course.progress.passed | course.progress.solved
    return [f"exercise {entry.number} builds on exercise {number}, which has not passed yet: ./workshop check {number}"
            for number in entry.needs if number not in done]


def _offer_hint(course, entry):
    if course.progress.hints_given(entry.number) < len(entry.hints):
        say(f"    stuck?    ./workshop hint {entry.number}")


def _tell_appeared(course, before):
    if new := appeared(course.root, before):
        say(f"to compare with, there is now {new}")


def _tell_next(course):
    number = course.progress.next(course.exercises)
    say(f"next: exercise {number}, {course.exercises[number].title}: ./workshop exercise {number}" if number is not None
        else "that was the last one: every exercise is passed")


def hint(course, word=None):
    course.tree.require()
    entry = course.chosen(word)
    progress, hints = course.progress, entry.hints
    given = min(progress.hints_given(entry.number) + 1, len(hints))
    for number, text in enumerate(hints[:given], 1):
        say(f"{number}. {text}")
    progress.note_hint(entry.number, given)
    say(f"({given} of {len(hints)}" + ("; the same command gives the next)" if given < len(hints) else
                                        f"; ./workshop solve {entry.number} --show prints the answer)"))
    return 0


def solve(course, word, show=False):
    entry = catalogue.find(course.root, word)
    if show:
        return _show(course, entry)
    course.tree.require()
    if entry.number in course.progress.passed - course.progress.solved:
        say(f"exercise {entry.number} has passed already, with lines of your own, which stay; "
            f"./workshop solve {entry.number} --show prints ours")
        return 0
    files = course.tree.solve_code(entry.number, course.progress.passed) | entry.solution()
    files = {path: text for path, text in files.items() if course.tree.read(path) != _as_text(text)}
    if not files:
        say(f"{NAME}/ has the solution of exercise {entry.number} already")
        return 0
    _keep_answers(course, _write_what_compiles(course, entry, files), entry)
    ahead = hidden(course.root)
    course.progress.note_solved(entry.number)
    say(f"exercise {entry.number} is in {', '.join(f'{NAME}/{path}' for path in files)}")
    for sentence in _first(course, entry):
        say(sentence)
    _tell_appeared(course, ahead)
    say(f"./workshop check {entry.number} shows that it passes")
    return 0


def _write_what_compiles(course, entry, files):
    """Writes them, and returns what was there before; which is there again where the tree does not compile with them."""
    before = course.tree.write(files)
    try:
        compiling.compile_mine(course.root, course.tree.programs(), course.stack.logs / "apt.log")
    except Wrong as wrong:
        course.tree.write(before)
        raise Failure(f"with the lines of exercise {entry.number}, {wrong.saw}; so {NAME}/ was left as it was",
                      "\n  → ".join(_first(course, entry)) or
                      f"take out what you wrote for it, or compare: ./workshop solve {entry.number} --show") from None
    except BaseException:  # Ctrl-C, too
        course.tree.write(before)
        raise
    return before


def _as_text(text):
    return text.decode(errors="replace") if isinstance(text, bytes) else text


def _keep_answers(course, before, entry):
    """An answer of the student's that the solution takes the place of stays beside it."""
    for path in entry.solution():
        old = before.get(path)
        if old and old.strip() and old != entry.files().get(path):
            (course.tree.path / (path + ".yours")).write_bytes(old)
            say(f"your own answer is now {NAME}/{path}.yours")


def _show(course, entry):
    for line in solution_lines(course.root, entry.number):
        say(line)
    for path, text in entry.solution().items():
        say(f"--- {NAME}/{path}\n{_as_text(text).rstrip()}")
    return 0


def watch(course, word=None):
    """Checks once, and again whenever a file of mine/ was saved. Ctrl-C ends it."""
    course.tree.require()
    course.chosen(word)
    try:
        _watch(course, word)
    except KeyboardInterrupt:
        return 0


def _watch(course, word):
    before = None
    while True:
        now = _stamps(course.tree.path)
        if now != before:
            before = now
            say(f"--- {time.strftime('%H:%M:%S')} {'-' * 60}")
            entry = course.chosen(word)
            try:
                check(course, entry.number)
            except Failure as failure:
                say(str(failure))
            say(f"watching {NAME}/; Ctrl-C ends it")
        time.sleep(WATCH_S)


def _stamps(directory):
    return {path: path.stat().st_mtime_ns for path in Path(directory).rglob("*")
            if path.is_file() and not path.name.startswith(".") and path.exists()}
