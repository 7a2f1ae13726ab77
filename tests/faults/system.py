"""Backend, frontend and their load in a place, as a fault test breaks them.

    with System(stack, place, tmp_path, wires=Wires) as s:
        with s.load():                        # orders, 200 a second, until the block ends
            s.crash("backend")                # SIGKILL, and started again on the same port
            s.wires["frontend"].rabbitmq.mute()
        s.judge()                             # nothing lost, doubled, altered, or unknown

What the programs counted is summed up across their crashes, as far as it could be read just before each.
"""

import contextlib
import itertools
import random
import socket
import subprocess
import time
from collections import Counter

import pika
import psycopg2
import redis

from ledger import Ledger
from place import Place
from program import running
from until import until
from workshop.service import http_get

RABBITMQCTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
# In the order of their start: the backend makes the tables.
FLAGS = {"backend": ("--generators", "0"), "frontend": ()}

# What shows that a run met the cases it is about.
EVENTS = {
    "redelivered": ("backend", "amqp_delivered_total", {"redelivered": "true"}),
    "duplicate": ("backend", "worker_jobs_total", {"kind": "fruit", "result": "duplicate"}),
    "republished": ("frontend", "amqp_published_total", {"result": "republished"}),
    "returned": ("frontend", "amqp_published_total", {"result": "returned"}),
    "retried": ("backend", "store_retries_total", {}),
}


def control(rabbitmq, *words):
    """rabbitmqctl, on the broker of the tests."""
    done = subprocess.run([RABBITMQCTL, "--quiet", *words], env=rabbitmq._full_environment(), capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lasting_port():
    """A free port that stays free while its program is dead: the kernel gives none below 32768 to an outgoing connection."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", random.randrange(12000, 32000)))
            return probe.getsockname()[1]


class SturdyPlace(Place):
    """A place whose own connections survive a server that was killed."""

    def sql(self, query, *parameters):
        try:
            return super().sql(query, *parameters)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            self._db = psycopg2.connect(self.database_url)
            self._db.autocommit = True
            return super().sql(query, *parameters)

    def waiting(self):
        try:
            return super().waiting()
        except (pika.exceptions.AMQPError, OSError):
            self._amqp = None
            return super().waiting()

    def __exit__(self, *exception):
        with contextlib.suppress(pika.exceptions.AMQPError, OSError):
            if self._amqp:
                self._amqp.close()
        self._amqp = None
        super().__exit__(*exception)


class System:
    """`wires` makes what stands between a program and the servers; without it they are connected directly."""

    def __init__(self, stack, place, directory, generators=0, wires=None):
        self.stack, self.place, self.directory = stack, place, directory
        self.flags = FLAGS | {"backend": ("--generators", generators)}
        self.ledger, self.past, self._loads = Ledger(), Counter(), itertools.count(1)
        self.wires, self.programs, self.ports, self._make_wires = {}, {}, {}, wires
        self._ends = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            for program in FLAGS if self._make_wires else ():
                self.wires[program] = self._make_wires(self.stack)
                ends.callback(self.wires[program].close)
            for program in FLAGS:
                self.start(program, ends=ends)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *exception):
        self._ends.close()

    @property
    def frontend(self):
        return self.programs["frontend"]

    @property
    def backend(self):
        return self.programs["backend"]

    # The programs.

    def start(self, program, ready=True, ends=None):
        """On the same port each time."""
        port = self.ports.setdefault(program, lasting_port())
        self.programs[program] = (ends or self._ends).enter_context(running(
            self.stack, self.place, program, *self.flags[program], wires=self.wires.get(program),
            port=port, ready=ready))

    def crash(self, program, ready=True):
        """Killed, and started again."""
        self.kill(program)
        self.start(program, ready)

    def kill(self, program):
        self.past += self._events(program)
        self.programs[program].crash()

    def _events(self, program):
        if not self.programs[program].running:
            return Counter()
        return Counter({event: self.programs[program].value(series, **labels)
                        for event, (of, series, labels) in EVENTS.items() if of == program})

    def events(self):
        """How often each of EVENTS happened."""
        return self.past + self._events("frontend") + self._events("backend")

    def ready(self):
        return all(http_get(program.url + "/ready")[0] == 200 for program in self.programs.values())

    # The load.

    @contextlib.contextmanager
    def load(self, rate=200, only="fruit_post", **settings):
        """Orders in open loop, whatever becomes of them; yields the Load. Its ledger is part of the judgement."""
        load = Load(self.directory / f"ledger-{next(self._loads)}")
        more = [word for name, value in settings.items() for word in ("--" + name.replace("_", "-"), value)]
        with running(self.stack, self.place, "traffic", "--log-ids", load.path, "--quiet", "--rate", rate, "--only", only,
                     "--timeout", 8, *more, env={"BASE_URL": self.frontend.url}, ready=False) as load.traffic:
            yield load
        self.ledger.add(load.ledger)

    def order(self, identity, fruit="pears", quantity=1):
        """One order by hand, written down as the load's are. The status; 0 where none came."""
        self.ledger.attempt(identity, fruit, quantity)
        try:
            code = self.frontend.order(fruit, quantity, Idempotency_Key=identity).status_code
        except OSError:  # all that requests raises is one
            return 0
        self.ledger.ack(identity, code)
        return code

    # The judgement.

    def settle(self, seconds=30):
        """Waits until all that was confirmed has been worked off."""
        def quiet():
            return (self.place.waiting() == 0 and self.backend.value("amqp_unacked") == 0
                    and self.frontend.value("amqp_unconfirmed") == 0)

        def twice():  # a message may be between two of the places where it is looked for
            return quiet() and not time.sleep(0.1) and quiet()

        until(lambda: self.ready() and twice(), seconds, every=0.1)

    def anomalies(self, **more):
        self.settle()
        return self.ledger.anomalies(self.place.rows(), self.place.dead_letters(), **more)

    def judge(self, *must_have_happened, **more):
        """Fails on any anomaly; and where what the run is about never happened, for then it proves nothing."""
        found = self.anomalies(**more)
        assert not found, {kind: (len(ids), sorted(map(str, ids))[:5]) for kind, ids in found.items()}
        assert len(self.ledger.promised) > 0
        events = self.events()
        missing = [event for event in must_have_happened if not events[event]]
        assert not missing, f"no {missing} happened, only {dict(events)}"

    def redis(self):
        return redis.Redis(port=self.stack.redis.port, db=self.place.number % 15 + 1, socket_timeout=1)


class Load:
    def __init__(self, path):
        self.path, self.traffic = path, None

    @property
    def ledger(self):
        return Ledger.read(self.path)

    def promised(self):
        return len(self.ledger.promised)

    def flows(self, seconds=10, more=20):
        """Returns, after how many seconds, once that many further orders were promised."""
        begin, before = time.monotonic(), self.promised()
        until(lambda: self.promised() >= before + more, seconds)
        return time.monotonic() - begin
