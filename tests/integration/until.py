"""Waiting for what comes soon, without sleeping longer than needed."""

import time


def until(what, seconds=10, every=0.02):
    """Calls `what` until it returns something true, which is handed back; fails after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"not within {seconds} s; the last look gave {found!r}"
        time.sleep(every)
    return found


def stays(what, seconds=0.5, every=0.05):
    """Checks that `what` is true all that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert what()
        time.sleep(every)
