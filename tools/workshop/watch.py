"""`python3 -m workshop.watch PROGRAM [OPTIONS]`: builds and runs one program, and does so again whenever a source is saved.

For the development containers (docker-compose.dev.yml). It looks at the files' times several times a second, since
a directory that is mounted from macOS or Windows does not tell of changes. What does not compile is said, and the
program that runs goes on. Several may watch one tree: the builds wait for each other.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

from . import build
from .programs import fingerprint
from .ui import Failure, complain, signals_interrupt, step

ROOT = Path(__file__).resolve().parents[2]
EVERY = 0.3  # seconds
ROOMS = ("common", "cmake")


def sources(name):
    """path → time of all that the program is made of."""
    files = [ROOT / "CMakeLists.txt", ROOT / "CMakePresets.json"]
    for room in (*ROOMS, name):
        files += (path for path in (ROOT / room).rglob("*") if path.suffix in (".c", ".h", ".sql", ".txt", ".cmake"))
    return {path: path.stat().st_mtime_ns for path in files if path.exists()}


def built(name):
    """Whether it could be built; why not is said."""
    try:
        build.build(ROOT, "release", name)
        return True
    except Failure as failure:
        complain(failure)
        return False


class Runner:
    """The program, and the binary that it was started from."""

    def __init__(self, name, options):
        self.name, self.options = name, options
        self.process, self.binary = None, None

    @property
    def path(self):
        return ROOT / "build/release/bin" / self.name

    def start(self):
        self.binary = fingerprint(self.path)
        self.process = subprocess.Popen([self.path, *self.options])

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def renew(self):
        """Starts it anew where its binary changed."""
        if self.binary != fingerprint(self.path):
            step(f"starting {self.name} anew" if self.process else f"starting {self.name}")
            self.stop()
            self.start()


def watch(name, options):
    runner, seen = Runner(name, options), None
    try:
        while True:
            now = sources(name)
            if now != seen and built(name):
                runner.renew()
            seen = now
            if runner.process and runner.process.poll() is not None:
                return runner.process.returncode  # it ended by itself; the container starts again
            time.sleep(EVERY)
    finally:
        runner.stop()


def main(arguments):
    if not arguments or not (ROOT / arguments[0] / "main.c").exists():
        complain(Failure("say which program: python3 -m workshop.watch frontend|backend|traffic [OPTIONS]"))
        return 2
    signals_interrupt()
    try:
        return watch(arguments[0], arguments[1:])
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
