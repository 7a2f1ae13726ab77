"""What every server and program of the workshop can do.

    s.start()            starts it; does not wait. Nothing happens where it runs already
    s.wait_ready(30)     returns when it can be used; Failure (with the end of its log) where it ends or takes too long
    s.ready()            one quick look
    s.stop(10)           asks it to end, insists after 10 s, returns the exit status where that is known
    s.kill()             SIGKILL, children too: a crash
    s.pause() s.resume() SIGSTOP and SIGCONT, children too: a server that hangs
    s.restart()          stop, start, wait_ready
    s.running s.pid s.port s.url
    s.log                path of its log file; s.log_text() its content; s.log_tail(20) the last lines

Data and logs lie under the stack's state directory. A service is created by its Stack and reached as an
attribute of it. A subclass says `name`, `port_name`, `command()`, `ready()` and what else it differs in.
"""

import os
import re
import shutil
import signal
import time
import urllib.error
import urllib.request

from . import ports
from .process import Process
from .ui import Failure, in_one_piece

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the user's proxy knows nothing of our loopback
LOST_PORT = re.compile(r"eaddrinuse|port_already_used|address already in use", re.I)  # as Erlang, and as everybody else, says it
LOG_LIMIT = 10 << 20  # bytes; a longer log is cut, see logkeeper.py


def http_get(url, timeout=1.0):
    """(status, body) of a GET; (0, reason) where nothing answers."""
    try:
        with _direct.open(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)


class Service:
    name = ""
    port_name = ""            # its main port in ports.PORTS
    other_ports = ()          # further ports it listens on
    needs = ()                # names of services that must be ready before it starts
    after = ()                # names of services that it waits for where they start at the same time
    stop_signal = signal.SIGTERM
    stop_timeout = 10
    ready_timeout = 30
    bounded = False           # whether it ends by itself, when it has done its work
    optional = False          # whether it starts only where it is asked for by its name

    def __init__(self, stack):
        self.stack = stack
        self.port = ports.number(self.port_name or self.name, stack.port_offset)
        self.process = stack.state.process(self.name)

    # What a subclass says about itself.

    def command(self):
        """The argument list to run."""
        raise NotImplementedError

    def environment(self):
        """Variables on top of the bare environment that servers get."""
        return {}

    def prepare(self):
        """Makes what must exist before the start: directories, configuration files."""
        self.data.mkdir(parents=True, exist_ok=True)

    def ready(self):
        return ports.answers(self.port)

    def note(self):
        """What goes into its record in the state file besides pid and start time."""
        return {"port": self.port}

    @property
    def url(self):
        return f"http://{ports.HOST}:{self.port}"

    def outdated(self):
        """Whether it runs, and would be started otherwise now: from another binary, or with another task."""
        return False

    # What all of them have.

    @property
    def data(self):
        return self.stack.dir / self.name

    @property
    def log(self):
        return self.stack.logs / f"{self.name}.log"

    @property
    def running(self):
        return self.process is not None and self.process.alive

    @property
    def pid(self):
        return self.process.pid if self.running else None

    @property
    def returncode(self):
        return self.process.returncode if self.process else None

    def all_ports(self):
        """Name → number of every port it listens on."""
        offset = self.stack.port_offset
        return {self.name: self.port} | {name: ports.number(name, offset) for name in self.other_ports}

    def start(self):
        if self.running:
            return self
        self.stack.make_dirs()
        self.prepare()
        _bound(self.log)
        begin = self.log.stat().st_size if self.log.exists() else 0
        argv = [str(word) for word in self.command()]
        if not shutil.which(argv[0]):
            raise Failure(f"{self.name}: there is no {argv[0]}", "./workshop up installs and builds what is missing")
        with in_one_piece():  # what runs is always on record
            self.process = Process.spawn(self._wrap(argv), self.log, self._full_environment(), self._workdir())
            self.stack.state.put(self.name, self.process, log_from=begin, **self.note())
        return self

    def wait_ready(self, timeout=None):
        begin = time.monotonic()
        while not self.came_up(time.monotonic() - begin, timeout):
            time.sleep(0.05)
        return self

    def came_up(self, seconds, timeout=None):
        """Whether it is ready, `seconds` after its start; Failure where it cannot be any more."""
        limit = timeout or self.ready_timeout
        if self.running and self.ready():
            return True
        if not self.running:
            raise self._lost_port() or self.ended("ended while it started")
        if seconds > limit:
            raise Failure(f"{self.name} is not ready after {limit} s{self._last_words()}", f"its log: {self.log}")
        return False

    def _lost_port(self):
        """The Failure of one that ended because somebody else took a port meanwhile; None where that was not it."""
        taken = [(name, port) for name, port in self.all_ports().items() if port and not ports.is_free(port)]
        if not taken or not LOST_PORT.search(self._last_words(lines=200)):
            return None
        name, port = taken[0]
        return Failure(f"{self.name} could not start: port {port} ({name}) is taken by {ports.holder(port)}",
                       f"end that one, or use other ports: --port-offset {ports.suggested_offset()}")

    def ended(self, what):
        """The Failure of one that does not run any more: how it ended, and what it said last."""
        how = self.process.how_it_ended if self.process else ""
        return Failure(f"{self.name} {what}{how}{self._last_words()}",
                       f"./workshop logs{self.stack.option} {self.name} shows more of its log, {self.log}")

    def stop(self, timeout=None):
        self.terminate()
        return self.finish(timeout)

    def restart(self, timeout=None):
        self.stop()
        self.start()
        return self.wait_ready(timeout)

    def terminate(self):
        """The first half of stop: asks it to end. Lets several services end side by side."""
        if self.running:
            self.process.signal(self.stop_signal)
            self.resume()  # one that is paused would not hear it

    def finish(self, timeout=None):
        """The second half of stop: waits, and kills what does not end by itself."""
        if self.process is None:
            return None
        family = self.process.descendants()
        self.process.wait(timeout or self.stop_timeout)
        return self._bury(family)

    def kill(self):
        if self.process is None:
            return None
        self._signal_all(signal.SIGSTOP)  # first hold all of them, so that no child is born meanwhile
        family = self.process.descendants()
        return self._bury(family, patience=0)

    def pause(self):
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_tail(self, lines=20):
        return "\n".join(self.log_text().splitlines()[-lines:])

    # Below: only for this file.

    def _bury(self, family, patience=2):
        """Ends the process and its children for certain. Children get `patience` seconds to notice by themselves."""
        self.process.signal(signal.SIGKILL)
        self.process.wait(5)
        for child in family:
            if not child.wait(patience):
                child.signal(signal.SIGKILL)
                child.wait(2)
        status = self.process.returncode
        self.stack.state.forget(self.name)
        return status

    def _signal_all(self, number):
        if self.running:
            self.process.signal(number)
            for child in self.process.descendants():
                child.signal(number)

    def _wrap(self, argv):
        """Where the stack is a test's, the process dies with the test, even one that is killed."""
        if not self.stack.die_with_parent:
            return argv
        return ["setpriv", "--pdeathsig", self.stop_signal.name[3:], "--", *argv]

    def _full_environment(self):
        """A bare environment: PGHOST, RABBITMQ_… or a proxy of the user's must not reach the servers."""
        bare = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                "HOME": str(self.data)}
        return bare | self.environment()

    def _workdir(self):
        return self.data if self.data.is_dir() else self.stack.root

    def _last_words(self, lines=8):
        """The end of the log since the last start; of all of it where it was cut meanwhile."""
        text = self.log.read_bytes() if self.log.exists() else b""
        begin = self.stack.state.all().get(self.name, {}).get("log_from", 0)
        said = text[begin if begin <= len(text) else 0:].decode(errors="replace").splitlines()
        tail = "\n".join(said[-lines:])
        return ":\n    " + tail.replace("\n", "\n    ") if tail else ""


def _bound(log):
    """Puts a long log of earlier runs aside as NAME.log.1."""
    try:
        if os.path.getsize(log) > LOG_LIMIT:
            os.replace(log, f"{log}.1")
    except FileNotFoundError:
        pass
