"""All services of one running copy of the workshop, in the order of their dependencies.

    stack = Stack(root, state_dir, port_offset=0, build="release", die_with_parent=False)
    stack.postgres, stack.redis, stack.epmd, stack.rabbitmq, stack.prometheus,
    stack.alertmanager, stack.notifications, stack.board,
    stack.node, stack.postgres_exporter, stack.redis_exporter, stack.blackbox, stack.logkeeper
    stack.frontend, stack.backend, stack.traffic           as `up` runs them
    stack.person, stack.echo, stack.exporter               the labs, which are started by name alone
    stack.start(*names)          starts them and what they need, waits until all are ready
    stack.program(name, *flags)  one more program, not started yet; see programs.Program
    stack.program_environment()  DATABASE_URL and so on, for a process that a test starts by itself
    stack.down()                 ends everything, programs first; stack.delete_data()

Two stacks never meet when their state directories and port offsets differ. `die_with_parent` is for tests: what
they start ends with them, however they end.
"""

import contextlib
import shutil
import time
from pathlib import Path

from . import ports
from .alertmanager import Alertmanager, Notifications
from .board import Board
from .exporters import BlackboxExporter, LogKeeper, NodeExporter, PostgresExporter, Prometheus, RedisExporter
from .labs import LABS, Lab, Load, LoadKeeper, Source
from .postgres import Postgres
from .process import Process
from .programs import NAMES, Program, defaults
from .rabbitmq import Epmd, RabbitMQ
from .redis import Redis
from .state import State
from .ui import Failure

# RabbitMQ takes longest to start, so it comes first.
SERVERS = (Epmd, RabbitMQ, Postgres, Redis, Notifications, Alertmanager, Prometheus, NodeExporter,
           BlackboxExporter, PostgresExporter, RedisExporter, LogKeeper, Board)

# What goes down one group after the other: who sends work, who takes it, who keeps it.
DOWN_FIRST = ("traffic", "exporter", "person", "echo", "frontend", "backend")
DOWN_LAST = ("epmd",)


def state_dir(root, port_offset):
    """Where the data of a copy lies: .workshop/, or .workshop/offset-N/."""
    base = Path(root) / ".workshop"
    return base / f"offset-{port_offset}" if port_offset else base


def running_copies(root):
    """The port offsets of all copies of which something runs."""
    return [offset for offset in sorted([0, *_offsets(root)])
            if any(Process(c["pid"], c["start"]).alive for c in State(state_dir(root, offset) / "state.json").all().values())]


def _offsets(root):
    for directory in (Path(root) / ".workshop").glob("offset-*"):
        if directory.name.removeprefix("offset-").isdigit():
            yield int(directory.name.removeprefix("offset-"))


def option(port_offset):
    """The words that lead a further command to the same copy."""
    return f" --port-offset {port_offset}" if port_offset else ""


def _until_reaped(processes, limit=1.0):
    """Waits for init to clear away the dead, so that a look at the process list right after shows none."""
    end = time.monotonic() + limit
    while any(process.listed for process in processes) and time.monotonic() < end:
        time.sleep(0.02)


def _holder(service, port):
    by_hand = isinstance(service, Program) and service.terminal_pid
    return ports.holder(port) + (": you run it in a terminal, end it there with Ctrl-C" if by_hand else "")


class Stack:
    def __init__(self, root, directory=None, port_offset=0, build="release", die_with_parent=False):
        self.root, self.port_offset = Path(root).resolve(), port_offset
        self.dir = Path(directory).resolve() if directory else state_dir(self.root, port_offset)
        self.build, self.die_with_parent = build, die_with_parent
        self.mine = False
        self.labs = ()  # those that this command starts
        self.logs = self.dir / "logs"
        self.state = State(self.dir / "state.json")
        self.services = {}
        for kind in SERVERS:
            self._add(kind(self))
        for name in NAMES:
            self._add(Program(self, name, *defaults(name)))
        self._add(Source(self))
        self._add(LoadKeeper(self))
        for name in LABS:
            self._add(Lab(self, name))
            self._add(Load(self, name))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.down()

    def _add(self, service):
        self.services[service.name] = service
        setattr(self, service.name.replace("-", "_"), service)
        return service

    def program(self, program, *flags, **more):
        """A program with its own flags; label, port, env, build as in programs.Program. Ends with down()."""
        service = Program(self, program, *flags, **more)
        old = self.services.get(service.name)
        if old is not None and old.running:
            raise Failure(f"{service.name} runs already", "give this one another label, and another port")
        return self._add(service)

    def program_environment(self):
        return {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url, "AMQP_URL": self.rabbitmq.url,
                "BASE_URL": self.frontend.url}

    @property
    def option(self):
        return option(self.port_offset)

    def make_dirs(self):
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
        except PermissionError:
            raise Failure(f"{self.dir} belongs to another user", "use the same user as before (with sudo?)") from None

    def start(self, *names, tell=lambda service, seconds: None):
        """Each starts as soon as what it needs is ready, side by side with the others. `tell` hears of each."""
        waiting, starting = self.with_needs(names or self.usual), {}
        while waiting or starting:
            pending = {service.name for service in waiting} | set(starting)
            for service in [s for s in waiting if pending.isdisjoint((*s.needs, *s.after))]:
                waiting.remove(service)
                starting[service.name] = time.monotonic()
                service.start()
            for name in [n for n in starting if self.services[n].came_up(time.monotonic() - starting[n])]:
                tell(self.services[name], time.monotonic() - starting.pop(name))
            time.sleep(0.02)
        return self

    @property
    def labs_watched(self):
        """Those that run, or did until they died, and those that are to."""
        return {name for name in LABS if name in self.labs or name in self.state.all()}

    @property
    def usual(self):
        """The names of what runs where nothing is chosen."""
        return [name for name, service in self.services.items() if not service.optional]

    def with_needs(self, names):
        """The services named and all that they need, in the order in which `services` has them."""
        wanted, new = set(), list(names)
        while new:
            name = new.pop()
            if name not in wanted:
                wanted.add(name)
                new += self.services[name].needs
        return [service for name, service in self.services.items() if name in wanted]

    def taken_ports(self, services):
        """[(component, port, who has it)] for the ports that services which do not run would need."""
        return [(name, port, _holder(service, port)) for service in services if not service.running
                for name, port in service.all_ports().items() if not ports.is_free(port)]

    def down(self, names=None):
        """Ends the named services, or all, those of earlier commands included. Returns the names of those it ended."""
        self._adopt()
        chosen = [s for s in self.services.values() if s.process and (names is None or s.name in names)]
        groups = self._down_order(chosen)
        ended = [service.name for group in groups for service in group if service.running]
        for group in groups:
            for service in group:
                service.terminate()
            for service in group:
                service.finish()
        _until_reaped([service.process for service in chosen])
        return ended

    def _adopt(self):
        """Takes in programs that the state file knows and this object does not, such as a test's."""
        for name in self.state.all():
            if name not in self.services:
                kind = next((program for program in NAMES if name.startswith(program)), None)
                self._add(Program(self, kind or "frontend", label=name))

    @staticmethod
    def _down_order(services):
        def program(service):
            return getattr(service, "program", "") if isinstance(service, Program) else ""

        groups = [[s for s in services if isinstance(s, Load)]]
        groups += [[s for s in services if program(s) == first] for first in DOWN_FIRST]
        services = [s for s in services if s not in groups[0]]
        groups.append([s for s in services if not program(s) and s.name not in DOWN_LAST])
        groups.append([s for s in services if s.name in DOWN_LAST])
        return groups

    def delete_data(self):
        """Removes the state directory. The one without an offset holds those of other copies, which stay, and what was
        fetched from the network for all of them."""
        for entry in self.dir.iterdir() if self.dir.exists() else ():
            if entry.name.startswith(("offset-", "lock", "cache")):
                continue
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        with contextlib.suppress(OSError):  # not empty, or not there
            self.dir.rmdir()
