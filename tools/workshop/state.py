"""What runs, written to state.json the moment it starts; and the lock that keeps two commands apart.

A record of an earlier boot is void: pids and start times begin anew.
"""

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path

from .process import Process
from .ui import Failure, say


def _boot():
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class State:
    """Component name → {pid, start, port, binary}, kept in one JSON file."""

    def __init__(self, path):
        self.path = Path(path)

    def all(self):
        try:
            content = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise Failure(f"cannot read {self.path}: {error}", "./workshop reset makes a new one") from None
        return content["components"] if content.get("boot") == _boot() else {}

    def process(self, name):
        """The recorded process, which may have ended since; None where nothing is recorded."""
        record = self.all().get(name)
        return Process(record["pid"], record["start"]) if record else None

    def put(self, name, process, **more):
        self._write(self.all() | {name: {"pid": process.pid, "start": process.start, **more}})

    def forget(self, name):
        components = self.all()
        if components.pop(name, None):
            self._write(components)

    def _write(self, components):
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"boot": _boot(), "components": components}, indent=1))
        fresh.replace(self.path)  # at once, so that a reader never sees half a file


@contextlib.contextmanager
def locked(path, what):
    """Only one command at a time holds the lock. Others say whom they wait for. The kernel drops it with the process."""
    with _acquire(path) as file:
        file.truncate(0)
        file.write(f"./workshop {what} (pid {os.getpid()})")
        file.flush()
        yield


def _acquire(path):
    """The locked file. Whoever had it may have deleted it meanwhile (reset does): then the name is a new one's."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+")
        except PermissionError:
            raise Failure(f"{path.parent} belongs to another user", "use the same user as before (with sudo?)") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait(file)
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()


def _wait(file, limit=300):
    file.seek(0)
    other = file.read() or "another ./workshop"
    say(f"{other} is at work; waiting for it (Ctrl-C to give up)")
    end = time.monotonic() + limit
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise Failure(f"{other} has been at work for {limit} s", "end it, then try again") from None
            time.sleep(0.2)
