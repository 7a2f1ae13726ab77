"""frontend, backend and traffic as services: built from this tree, told by their environment where the servers are."""

import hashlib
import os
from pathlib import Path

from . import ports
from .ports import HOST
from .service import Service, http_get

NAMES = ("frontend", "backend", "traffic")
STUDENTS = ("frontend", "backend")  # those that a student edits, in mine/
DELAY = "100-500"  # ms: the time that a request or a job pretends to work, so that there is something to see

LOG_FORMAT = "text"  # people read these logs; a program whose log is neither a terminal nor told writes JSON

# What `up` and `run` add to a program's own defaults, which have no delays.
WORKSHOP_FLAGS = {"frontend": {"--hello-delay": DELAY}, "backend": {"--job-delay": DELAY}, "traffic": {}}


def defaults(name, given=()):
    """The workshop's flags for the program, save those given already."""
    chosen = {flag: value for flag, value in WORKSHOP_FLAGS[name].items()
              if not any(word == flag or word.startswith(flag + "=") for word in given)}
    return [word for pair in chosen.items() for word in pair]


def fingerprint(path):
    """A hash of the file's content; None where it does not exist."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
    except FileNotFoundError:
        return None


class Program(Service):
    """One of the three. A test makes its own with stack.program(name, *flags, label=, port=, env=, build=).

    Without a label it takes the place of the program that `up` would start, on that one's port. With a label it is
    one more beside it, known by that name, on a free port. `env` adds to its environment; `build` is the preset
    whose binary it runs.
    """

    stop_timeout = 10
    needs_of = {"frontend": ("postgres", "redis", "rabbitmq"), "backend": ("postgres", "redis", "rabbitmq"),
                "traffic": ("frontend",)}

    def __init__(self, stack, program, *flags, label=None, port=None, env=None, build=None):
        self.program, self.name, self.port_name = program, label or program, program
        self.flags, self.extra, self.build = flags, env or {}, build or stack.build
        self.needs = self.needs_of[program]
        if self.name == "frontend":
            self.after = ("backend",)  # which makes the tables; sooner, the frontend warns that there are none
        super().__init__(stack)
        self.port = port or (ports.free_port() if label else self.port)

    @property
    def mine(self):
        """Whether the student's takes the place of the product's (tools/workshop/course)."""
        return self.stack.mine and self.name in STUDENTS

    @property
    def binary(self):
        directory = self.stack.root / "build" / self.build / "bin"
        return directory / "mine" / self.program if self.mine else directory / self.program

    def command(self):
        return [self.binary, *self.flags]

    def prepare(self):
        """It keeps nothing on disk."""

    def environment(self):
        return self.stack.program_environment() | {"LISTEN": f"{HOST}:{self.port}", "LOG_FORMAT": LOG_FORMAT} | self.extra

    def note(self):
        return super().note() | {"binary": fingerprint(self.binary)}

    def outdated(self):
        """Whether it runs from another binary than the one that is there now."""
        record = self.stack.state.all().get(self.name)
        return self.running and record is not None and record.get("binary") != fingerprint(self.binary)

    @property
    def terminal_pid(self):
        """Of one that `./workshop run` made of itself, known by its port and its binary; None where there is none."""
        pid = None if self.running else ports.holder_pid(self.port)
        try:
            binary = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)") if pid else None
        except OSError:
            return None
        return pid if binary == str(self.binary) else None

    def ready(self):
        page = "/metrics" if self.program == "traffic" else "/ready"
        if self.mine and self.program == "backend" and not ports.answers(self.port):
            return self.stack.postgres.fresh_rows() > 0  # at the course's start it has no server
        return http_get(self.url + page)[0] == 200

    def alive(self):
        """Whether it answers at all, whatever its dependencies do."""
        return ports.answers(self.port)

    def metrics(self):
        """The text of its /metrics."""
        return http_get(self.url + "/metrics", 3)[1]

    def sample(self, name):
        """The value of one line of /metrics, named with its labels as they stand there; None where it is missing."""
        for line in self.metrics().splitlines():
            if line.startswith(name + " "):
                return float(line[len(name) + 1:].split()[0])
        return None
