"""What a check says: what it saw, what it expected, and the likely mistake."""

from ..ui import say


class Wrong(Exception):
    """The exercise is not passed. `saw` is one sentence that could stand alone; the rest helps.

    expected   what should have been there            likely     the mistake that most often leads to this
    shown      a line or two to look at: of the code, of the page, of the log
    """

    def __init__(self, saw, expected=None, likely=None, shown=None):
        super().__init__(saw)
        self.saw, self.expected, self.likely, self.shown = saw, expected, likely, shown


def tell_passed(exercise, seen, seconds):
    say(f"passed  exercise {exercise.number}, {exercise.title}  ({seconds:.1f} s)")
    for text in seen:
        say(f"    {text}")


def tell_wrong(exercise, wrong, seen):
    say(f"not yet exercise {exercise.number}, {exercise.title}")
    for text in seen:
        say(f"    good      {text}")
    say(f"    saw       {wrong.saw}")
    for word, text in (("", wrong.shown), ("expected", wrong.expected), ("perhaps", wrong.likely)):
        for line in (text or "").splitlines():
            say(f"    {word:9} {line}")
            word = ""
