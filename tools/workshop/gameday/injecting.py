"""Each fault for real.

    injection = injection_of(fault.name, stack)
    note = injection.note()      what undoing it must know; to be written down before begin()
    injection.begin()            breaks it
    injection.trouble            what kept a thread of it from going on; None as a rule
    injection.end()              ends what lives in this process
    undo(name, stack, note)      puts back what does not: from the note alone, by whichever process; more than once is no harm

Nothing here is sabotage in the product: settings, signals, flags, and clients beside the workshop's own.
"""

import os
import socket
import threading
from pathlib import Path

from ..ports import HOST
from ..ui import Failure
from .amqp import Consumer
from .guests import Guests
from .libpq import Connection

SLOW_HELLO = "1000-1500"  # ms
LOCKED_S, FREE_S = 2.5, 0.3  # shorter than what makes a program give up a query
CONNECTIONS = 0.86        # of max_connections
CONNECT_EVERY = 0.15      # seconds
GUEST_EVERY = 0.04
THROWN_AWAY = 8           # one of so many that it gets: every second message, those included that it gives back, so one in nine


class Injection:
    def __init__(self, stack):
        self.stack, self.trouble = stack, None
        self._ended, self._thread = threading.Event(), None

    def note(self):
        return {}

    def begin(self):
        """Runs work() in a thread. An injection that sets something once does it here instead."""
        self._thread = threading.Thread(target=self._guarded, daemon=True)
        self._thread.start()

    def end(self):
        self._ended.set()
        if self._thread:
            self._thread.join(10)

    def work(self):
        """Until self._ended."""

    def _guarded(self):
        try:
            self.work()
        except (Failure, OSError) as error:
            self.trouble = str(error)

    @staticmethod
    def undo(stack, note):
        """Nothing outlives the process."""


class SlowDatabase(Injection):
    def work(self):
        connection = Connection(self.stack.postgres.url, "gameday")
        try:
            while not self._ended.wait(FREE_S):
                connection.execute(f"begin; lock table fruits in access exclusive mode; select pg_sleep({LOCKED_S}); commit")
        finally:
            connection.close()


class LostMessages(Injection):
    def work(self):
        with Consumer(HOST, self.stack.rabbitmq.port, "task_queue") as consumer:
            got = 0
            for tag in consumer.deliveries():
                if self._ended.is_set():
                    return
                if tag is not None:
                    got += 1
                    (consumer.requeue if got % THROWN_AWAY else consumer.ack)(tag)


class StalledConsumer(Injection):
    def begin(self):
        self.stack.backend.pause()

    @staticmethod
    def undo(stack, note):
        stack.backend.resume()


class UselessCache(Injection):
    def note(self):
        return {"maxmemory": redis(self.stack, "CONFIG GET maxmemory")[-1]}

    def begin(self):
        redis(self.stack, "CONFIG SET maxmemory 1")

    @staticmethod
    def undo(stack, note):
        if stack.redis.running:
            redis(stack, f"CONFIG SET maxmemory {int(note['maxmemory'])}")


class Cardinality(Injection):
    _guests = None

    def begin(self):
        self._guests = Guests(self.stack.frontend.url).__enter__()
        set_targets(self.stack, [f"{HOST}:{self.stack.traffic.port}", f"{HOST}:{self._guests.port}"])
        super().begin()

    def work(self):
        while not self._ended.wait(GUEST_EVERY):
            self._guests.request()

    def end(self):
        super().end()
        if self._guests:
            self._guests.__exit__()

    @staticmethod
    def undo(stack, note):
        set_targets(stack, [f"{HOST}:{stack.traffic.port}"])


class SlowEndpoint(Injection):
    def note(self):
        return {"mine": "mine" in Path(os.readlink(f"/proc/{self.stack.frontend.pid}/exe")).parts[-2:]}

    def begin(self):
        old, self.stack.mine = self.stack.frontend, self.note()["mine"]
        old.stop()
        self.stack.program("frontend", "--hello-delay", SLOW_HELLO, port=old.port).start().wait_ready()

    @staticmethod
    def undo(stack, note):
        """Where it stopped the frontend and came no further, there is one to start as well."""
        before, stack.mine = stack.mine, note["mine"]
        if stack.rabbitmq.running:
            stack.frontend.restart()
        stack.mine = before


class BrokerAlarm(Injection):
    def begin(self):
        self.stack.rabbitmq.control("set_vm_memory_high_watermark", "0.0001")

    @staticmethod
    def undo(stack, note):
        if stack.rabbitmq.running:
            stack.rabbitmq.control("set_vm_memory_high_watermark", "0.4")


class LeakedConnections(Injection):
    def work(self):
        wanted, connections = int(CONNECTIONS * int(self.stack.postgres.settings["max_connections"])), []
        try:
            while not self._ended.wait(CONNECT_EVERY):
                if len(connections) < wanted:
                    connections.append(Connection(self.stack.postgres.url, "report"))
        finally:
            for connection in connections:
                connection.close()


KINDS = {"slow-database": SlowDatabase, "lost-messages": LostMessages, "stalled-consumer": StalledConsumer,
         "useless-cache": UselessCache, "cardinality": Cardinality, "slow-endpoint": SlowEndpoint,
         "broker-alarm": BrokerAlarm, "leaked-connections": LeakedConnections}


def injection_of(name, stack):
    return KINDS[name](stack)


def undo(name, stack, note):
    KINDS[name].undo(stack, note)


def redis(stack, command):
    """The words of the answer."""
    with socket.create_connection((HOST, stack.redis.port), 5) as peer:
        peer.sendall(command.encode() + b"\r\nQUIT\r\n")
        answer = b"".join(iter(lambda: peer.recv(4096), b"")).decode()
    if answer.startswith("-"):
        raise Failure(f"Redis refuses {command}: {answer.splitlines()[0][1:]}")
    return [line for line in answer.removesuffix("+OK\r\n").splitlines() if not line.startswith(("*", "$"))]


def set_targets(stack, targets):
    """What Prometheus scrapes as the job traffic. It looks at the file by itself."""
    file = stack.dir / "prometheus-config/targets/traffic.json"
    if file.exists():
        text = "[" + ", ".join(f'{{"targets": ["{target}"]}}' for target in targets) + "]\n"
        fresh = file.with_suffix(".new")
        fresh.write_text(text)
        os.replace(fresh, file)
