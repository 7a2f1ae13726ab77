"""What is said on the terminal, and Failure: a problem with the sentence that says what to do next."""

import contextlib
import signal
import sys
import time

_begin = time.monotonic()


class Failure(Exception):
    """Ends a command with one message. `hint` says what to do next; `status` is the exit status."""

    def __init__(self, message, hint="", status=1):
        super().__init__(message if not hint else f"{message}\n  → {hint}")
        self.message, self.hint, self.status = message, hint, status


def say(text=""):
    print(text, flush=True)


def step(text):
    """A line of progress, with the seconds since the command began."""
    say(f"[{time.monotonic() - _begin:5.1f} s] {text}")


def complain(failure):
    print(f"workshop: {failure}", file=sys.stderr, flush=True)


class LiveLine:
    """Progress of a long step: on a terminal one line that is overwritten; elsewhere a line every few seconds."""

    EVERY = 5.0

    def __init__(self):
        self.tty = sys.stdout.isatty()
        self.last = 0.0

    def show(self, text):
        if self.tty:
            sys.stdout.write("\r\033[K" + f"          {text}"[:100])
            sys.stdout.flush()
        elif time.monotonic() - self.last >= self.EVERY:
            step(f"  {text[:100]}")
            self.last = time.monotonic()

    def clear(self):
        if self.tty:
            sys.stdout.write("\r\033[K")
            sys.stdout.flush()


def signals_interrupt():
    """SIGTERM and SIGHUP end a command as Ctrl-C does, so that what was begun is always put back."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


@contextlib.contextmanager
def undisturbed():
    """Inside, further Ctrl-C only say that putting things back is under way."""

    def answer(number, frame):
        say("still putting things back; a moment")

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, answer) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)
