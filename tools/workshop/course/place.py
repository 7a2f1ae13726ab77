"""Where one check happens: a virtual host, a database and a Redis database of its own on the running servers.

Places are numbered; a lock says which numbers are in use. What an earlier check left in one, because it was killed, is
deleted before it is used again. Everything goes through the servers' own interfaces: RabbitMQ's management, psql, Redis's
protocol; so a student's machine needs no Python package.
"""

import base64
import fcntl
import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from ..ports import HOST
from ..postgres import Postgres
from ..ui import Failure

QUEUE = "task_queue"
FRUITS = ("apples", "oranges", "bananas", "grapes", "pears")
NUMBERS = range(1, 16)  # Redis has the databases 0 to 15, and 0 is the workshop's
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Place:
    def __init__(self, stack):
        self.stack = stack
        self._lock = self.number = None

    def __enter__(self):
        self.number, self._lock = _take_number(self.stack.dir)
        self.name = f"check{self.number}"
        _side_by_side(self._make_vhost, self._make_tables, lambda: self.redis("FLUSHDB"))
        return self

    def __exit__(self, *exception):
        try:
            _side_by_side(lambda: self._manage("DELETE", f"vhosts/{self.name}"), self._drop_database)
        except (Failure, OSError):
            pass  # the next to use the number deletes it
        self._lock.close()

    def environment(self):
        """What tells a program of it."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": f"redis://{HOST}:{self.stack.redis.port}/{self.number}",
                "AMQP_URL": f"amqp://guest:guest@{HOST}:{self.stack.rabbitmq.port}/{self.name}"}

    @property
    def database_url(self):
        return f"postgres://demo:demo@{HOST}:{self.stack.postgres.port}/{self.name}"

    # The database.

    def sql(self, statement):
        """The rows, each a list of texts."""
        return _psql(self.database_url, statement)

    def rows(self):
        """How many fruits are stored."""
        return int(self.sql("select count(*) from fruits")[0][0])

    def insert(self, fruit, quantity, seconds_ago=0):
        """A row, as old as that."""
        self.sql(f"insert into fruits (name, quantity, created_at) values ('{fruit}', {quantity}, "
                 f"now() - interval '{seconds_ago} seconds')")

    def _make_tables(self):
        self._drop_database()
        _psql(self.stack.postgres.admin_url, f"create database {self.name} owner demo")
        self.sql((self.stack.root / "common/contract/schema.sql").read_text())

    def _drop_database(self):
        _psql(self.stack.postgres.admin_url, f"drop database if exists {self.name} with (force)")

    # The broker.

    def publish(self, body, queue=QUEUE, **properties):
        """A message: bytes as they are, anything else as JSON. Properties as the management names them."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._manage("POST", f"exchanges/{self.name}/amq.default/publish",
                     {"routing_key": queue, "properties": {"delivery_mode": 2} | properties,
                      "payload": base64.b64encode(raw).decode(), "payload_encoding": "base64"})

    def declare_queue(self, queue=QUEUE):
        self._manage("PUT", f"queues/{self.name}/{queue}", {"durable": True})

    def take(self, count=1000):
        """Messages off the queue, as texts."""
        found = self._manage("POST", f"queues/{self.name}/{QUEUE}/get",
                             {"count": count, "ackmode": "ack_requeue_false", "encoding": "auto"})
        return [message["payload"] for message in found or ()]

    def _make_vhost(self):
        self._manage("DELETE", f"vhosts/{self.name}")
        self._manage("PUT", f"vhosts/{self.name}", {})

    def _manage(self, method, path, body=None):
        """JSON back, None where there is nothing: 404 is no error."""
        request = urllib.request.Request(f"{self.stack.rabbitmq.ui_url}/api/{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode())
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        request.add_header("Content-Type", "application/json")
        try:
            with _direct.open(request, timeout=10) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise Failure(f"RabbitMQ's management answers {error.code} to {method} {path}",
                          "./workshop logs rabbitmq may say why") from None
        except OSError as error:
            raise Failure(f"RabbitMQ's management does not answer: {error}",
                          f"./workshop up{self.stack.option} --stack-only starts what does not run") from None
        return json.loads(text) if text else None

    # The cache.

    def redis(self, *words):
        """The answer to one command: text, number, None."""
        with socket.create_connection((HOST, self.stack.redis.port), 5) as peer, peer.makefile("rb") as answers:
            peer.sendall(_command("SELECT", str(self.number)) + _command(*words))
            _reply(answers)
            return _reply(answers)


def _take_number(directory):
    (directory / "places").mkdir(parents=True, exist_ok=True)
    for number in NUMBERS:
        file = open(directory / "places" / str(number), "w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return number, file
        except BlockingIOError:
            file.close()
    raise Failure(f"{len(NUMBERS)} checks run already", "wait until one has ended")


def _side_by_side(*tasks):
    errors = []

    def run(task):
        try:
            task()
        except (Failure, OSError) as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _psql(url, statement):
    argv = [str(Postgres._program("psql")), "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-f", "-", url]
    end = time.monotonic() + 10
    while True:
        done = subprocess.run(argv, input=statement + ";\n", capture_output=True, text=True, start_new_session=True)
        if done.returncode == 0:
            return [line.split("\t") for line in done.stdout.split("\n")[:-1]]
        if "being accessed by other users" not in done.stderr or time.monotonic() > end:
            raise Failure(f"PostgreSQL refuses: {done.stderr.strip()[-300:]}", "./workshop logs postgres may say why")


def _command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(raw), raw) for raw in (str(w).encode() for w in words))


def _reply(answers):
    line = answers.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind == b"-":
        raise Failure(f"Redis refuses: {rest.decode(errors='replace')}")
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if int(rest) < 0 else answers.read(int(rest) + 2)[:-2].decode(errors="replace")
    if kind == b"*":
        return [_reply(answers) for _ in range(int(rest))]
    return rest.decode(errors="replace")
