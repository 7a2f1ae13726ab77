"""Tells Prometheus which loads there are: `python3 -m workshop.loadkeeper FILE PORT…`.

What asks a lab for something comes and goes: the load of `./workshop lab` ends after some minutes, and people start
another with `./workshop run traffic`. So FILE, which Prometheus reads whenever it changes, has those of the ports behind
which a `traffic` shows its /metrics now. One that has ended is no target any more, instead of one that is down.
"""

import json
import sys
import time
from pathlib import Path

from .ports import HOST, answers
from .service import http_get

EVERY = 1.0  # seconds


def is_load(port):
    """Whether a `traffic` shows its /metrics there: somebody else's server may have taken the port."""
    return answers(port) and "\ntraffic_" in http_get(f"http://{HOST}:{port}/metrics", 2)[1]


def keep(file, found):
    """Has the file name these ports. It is replaced at once, so that Prometheus never reads half of it."""
    text = json.dumps([{"targets": [f"{HOST}:{port}"]} for port in found]) + "\n"
    if not file.parent.is_dir() or file.exists() and file.read_text() == text:
        return
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)


def main():
    file, numbers = Path(sys.argv[1]), [int(word) for word in sys.argv[2:]]
    while True:
        try:
            keep(file, [port for port in numbers if is_load(port)])
        except OSError as error:
            print(error, flush=True)  # a full disk passes; the next round tries again
        time.sleep(EVERY)


if __name__ == "__main__":
    main()
