"""What is said on the terminal, and Failure: a problem with the sentence that says what to do next."""

import contextlib
import os
import re
import signal
import sys
import time

_begin = time.monotonic()
_copy = {"option": ""}
# A command in a sentence, up to where it ends, that does not say yet which copy it is for. These few have no copies.
_COMMAND = re.compile(r"\./workshop (?!test\b|bench\b|help\b|dashboards\b|rules\b)([a-z]+)\b(?![^\n,;:|)`]*--port-offset)")


class Failure(Exception):
    """Ends a command with one message. `hint` says what to do next; `status` is the exit status."""

    def __init__(self, message, hint="", status=1):
        super().__init__(message if not hint else f"{message}\n  → {hint}")
        self.message, self.hint, self.status = message, hint, status


def lead_to(option):
    """From here on each ./workshop command that is said bears the option of this copy, so that it works as it stands."""
    _copy["option"] = option


def led(text):
    return _COMMAND.sub(rf"./workshop \1{_copy['option']}", text) if _copy["option"] else text


def say(text=""):
    write(sys.stdout, led(text) + "\n")


def write(stream, text):
    """Whoever read may have left (`| head`, a closed terminal), which is no reason to leave work half done."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def step(text):
    """A line of progress, with the seconds since the command began."""
    say(f"[{time.monotonic() - _begin:5.1f} s] {text}")


def complain(failure):
    write(sys.stderr, led(f"workshop: {failure}\n"))


class LiveLine:
    """Progress of a long step: on a terminal one line that is overwritten; elsewhere a line every few seconds. Nothing
    at all of a step that is over within `patience` seconds."""

    EVERY = 5.0

    def __init__(self, patience=0.0):
        self.tty = sys.stdout.isatty()
        self.last, self.begin = 0.0, time.monotonic() + patience

    def show(self, text):
        if time.monotonic() < self.begin:
            return
        if self.tty:
            write(sys.stdout, "\r\033[K" + f"          {text}"[:100])
        elif time.monotonic() - self.last >= self.EVERY:
            step(f"  {text[:100]}")
            self.last = time.monotonic()

    def clear(self):
        if self.tty:
            write(sys.stdout, "\r\033[K")


_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_held = {"depth": 0, "came": False}


def signals_interrupt():
    """SIGTERM and SIGHUP end a command as Ctrl-C does, so that what was begun is always put back."""

    def interrupt(number, frame):
        if _held["depth"]:
            _held["came"] = True
        else:
            raise KeyboardInterrupt

    for number in _INTERRUPTS:
        signal.signal(number, interrupt)


@contextlib.contextmanager
def in_one_piece():
    """Inside, an interruption waits for the end. Blocking the signals would do, but children inherit that."""
    _held["depth"] += 1
    try:
        yield
    finally:
        _held["depth"] -= 1
    if _held["came"] and not _held["depth"]:
        _held["came"] = False
        raise KeyboardInterrupt


def put_back_undisturbed():
    """From here to the end of the command, a further Ctrl-C only says that putting things back is under way."""
    for number in _INTERRUPTS:
        signal.signal(number, lambda number, frame: say("still putting things back; a moment"))


def too_late_to_interrupt():
    """The command is over; a late signal must not spoil its exit status."""
    for number in _INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)
