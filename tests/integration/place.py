"""Where one test happens: a virtual host, a database and a Redis database of its own on the session's servers.

A place also is the other implementation of the workshop: what it publishes, reads and writes, it does with pika,
psycopg2 and redis-py, and without any code of this tree but the schema where a test has no backend to make it.
"""

import itertools
import json
import time
from pathlib import Path

import pika
import psycopg2
import redis
import requests

from proxy import HOST, Proxy

ROOT = Path(__file__).resolve().parents[2]
QUEUE = "task_queue"
FRUITS = ("apples", "oranges", "bananas", "grapes", "pears")

_numbers = itertools.count(1)


class Place:
    def __init__(self, stack):
        self.stack, self.number = stack, next(_numbers)
        self.name = f"place{self.number}"
        self._manage("PUT", f"vhosts/{self.name}")
        self._administer(f"create database {self.name} owner demo")
        self._db = psycopg2.connect(self.database_url)
        self._db.autocommit = True
        self.redis = redis.Redis(HOST, stack.redis.port, db=self.number % 15 + 1)
        self.redis.flushdb()
        self._amqp = self._channel = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self._amqp and self._amqp.is_open:
            self._amqp.close()
        self._db.close()
        self.redis.close()
        self._administer(f"drop database {self.name} with (force)")
        self._manage("DELETE", f"vhosts/{self.name}")

    # Where things are, for the environment of a program.

    @property
    def database_url(self):
        return self._database_url(self.stack.postgres.port)

    def _database_url(self, port):
        return f"postgres://demo:demo@{HOST}:{port}/{self.name}"

    def environment(self, wires=None):
        """DATABASE_URL and so on; through the wires where some are given."""
        ports = wires or Ports(self.stack.rabbitmq, self.stack.postgres, self.stack.redis)
        return {"AMQP_URL": f"amqp://guest:guest@{HOST}:{ports.rabbitmq.port}/{self.name}",
                "DATABASE_URL": self._database_url(ports.postgres.port),
                "REDIS_URL": f"redis://{HOST}:{ports.redis.port}/{self.number % 15 + 1}"}

    # The queue.

    @property
    def channel(self):
        if not self._amqp or not self._amqp.is_open or not self._channel.is_open:
            credentials = pika.PlainCredentials("guest", "guest")
            self._amqp = pika.BlockingConnection(pika.ConnectionParameters(
                HOST, self.stack.rabbitmq.port, self.name, credentials, heartbeat=0))
            self._channel = self._amqp.channel()
            self._channel.queue_declare(QUEUE, durable=True)
        return self._channel

    def publish(self, *bodies, **properties):
        """Bytes as they are, anything else as JSON; what `properties` leave out is left out."""
        for body in bodies:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.channel.basic_publish("", QUEUE, raw, pika.BasicProperties(**{"delivery_mode": 2} | properties))

    def publish_orders(self, orders):
        """[(message id or None, name, quantity)]"""
        for identity, name, quantity in orders:
            self.publish({"fruit": name, "quantity": quantity}, message_id=identity)

    def waiting(self):
        """Messages in the queue that nobody holds. What was published just now may be missing yet."""
        return self.channel.queue_declare(QUEUE, passive=True).method.message_count

    def take(self, count=None, seconds=5):
        """[(body, properties)]: so many messages off the queue, or all that are there now."""
        taken, end = [], time.monotonic() + seconds
        while count is None or len(taken) < count:
            method, properties, body = self.channel.basic_get(QUEUE, auto_ack=True)
            if method:
                taken.append((body, properties))
            elif count is None:
                break
            else:
                assert time.monotonic() < end, f"{len(taken)} of {count} messages after {seconds} s"
                time.sleep(0.01)
        return taken

    # The tables.

    def make_schema(self):
        """For tests without a backend."""
        self.sql((ROOT / "common/contract/schema.sql").read_text())

    def sql(self, query, *parameters):
        """Rows, or None for what has none."""
        with self._db.cursor() as cursor:
            cursor.execute(query, parameters or None)
            return cursor.fetchall() if cursor.description else None

    def transaction(self):
        """A connection of its own, whose transaction the caller ends."""
        return psycopg2.connect(self.database_url)

    def count(self, table="fruits"):
        return self.sql(f"select count(*) from {table}")[0][0] if self.has(table) else 0

    def has(self, table):
        return self.sql("select to_regclass(%s)", table)[0][0] is not None

    def rows(self):
        """[(message id, name, quantity)] in the order in which they were stored."""
        return self.sql("select message_id::text, name, quantity from fruits order by id")

    def dead_letters(self):
        """[(message id, reason, body)] in that order, too."""
        return [(identity, reason, bytes(body)) for identity, reason, body in
                self.sql("select message_id::text, reason, body from dead_letter order by id")]

    # The session's servers.

    def _manage(self, method, path):
        answer = requests.request(method, f"{self.stack.rabbitmq.ui_url}/api/{path}", auth=("guest", "guest"), timeout=10)
        answer.raise_for_status()

    def _administer(self, statement):
        connection = psycopg2.connect(self.stack.postgres.admin_url)
        connection.autocommit = True
        connection.cursor().execute(statement)
        connection.close()


class Ports:
    """Three things with a port; see environment()."""

    def __init__(self, rabbitmq, postgres, redis):
        self.rabbitmq, self.postgres, self.redis = rabbitmq, postgres, redis


class Wires(Ports):
    """A proxy before each server."""

    def __init__(self, stack):
        super().__init__(*(Proxy(server.port) for server in (stack.rabbitmq, stack.postgres, stack.redis)))

    def close(self):
        for wire in (self.rabbitmq, self.postgres, self.redis):
            wire.close()
