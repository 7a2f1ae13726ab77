"""Known trouble on top of the known load, so that the panels which show 0 in health have something to show.

    with Trouble(stack) as trouble: ... some seconds ...; trouble.done["404"] counts what was done so far

Beside the programs that run: a frontend without servers and one that is too slow, each with its own users; a load on a
server that never answers; a backend whose batches fail on purpose and that deletes early; a target that is not there. Each
round, twice a second, somebody asks for nonsense, sends nonsense, logs in with a wrong password and so on.
"""

import collections
import contextlib
import json
import signal
import socket
import threading
import time
import uuid

import pika
import psycopg2
import redis
import requests
from place import QUEUE

from workshop.ports import HOST

PAUSE = 0.5      # s between two rounds
STRANDED = 700   # messages in a queue of the same name in another vhost, where nobody takes them
USERS = 3        # of the frontend without servers, and again of the slow one
FLOOD = 20       # requests a second at the server that never answers
UNANSWERED = 4   # of them at most
REFUSED = 424242  # a quantity that PostgreSQL refuses here
NOWHERE = {"DATABASE_URL": f"postgres://demo:demo@{HOST}:1/demo", "REDIS_URL": f"redis://{HOST}:1",
           "AMQP_URL": f"amqp://{HOST}:1"}


class Trouble:
    def __init__(self, stack):
        self.stack, self.done, self.over = stack, collections.Counter(), threading.Event()
        self.failed = []  # what went wrong in a thread; the test looks at it
        self._undo = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._database()
            self._programs()
            self._targets()
            self._configuration()
            self._strand()
            for work in (self._ask, self._ask_badly, self._publish, self._consume, self._connect, self._cache, self._wait,
                         self._roll_back, self._lock, self._deadlock):
                self._thread(work)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.over.set()
        self._undo.close()

    def counts(self, stack):
        """What was done, and what the users of the two bad frontends got, by those users' own count."""
        found = {f"did_{what}": count for what, count in self.done.items()}
        for name, endpoint, method, code in (("cut", "/hello", "GET", 503), ("cut", "/fruit", "GET", 503),
                                             ("cut", "/fruit", "POST", 503), ("slow", "/hello", "GET", 200)):
            found[f"{name} {method} {endpoint}"] = stack.services[f"traffic-{name}"].sample(
                f'traffic_requests_total{{scenario="default",method="{method}",endpoint="{endpoint}",code="{code}"}}')
        return found

    def _thread(self, work):
        def guarded():
            try:
                work()
            except Exception as error:  # noqa: BLE001 - told by the test, which would otherwise wait for nothing
                self.failed.append(f"{work.__name__}: {error!r}")

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        self._undo.callback(thread.join, 10)

    def _rounds(self):
        while not self.over.wait(PAUSE):
            yield

    # What is there besides.

    def _programs(self):
        stack = self.stack
        hole = self._undo.enter_context(socket.create_server((HOST, 0), backlog=64))
        cut = stack.program("frontend", label="frontend-cut", env=NOWHERE)
        slow = stack.program("frontend", "--hello-delay", "900-900", label="frontend-slow")
        cut.ready = slow.ready = cut.alive  # the one is never ready, the other answers once it is asked
        slow.ready = slow.alive
        users = ("--users", str(USERS), "--pause", "200-400")
        started = [
            cut, slow,
            stack.program("backend", "--db-fault-ratio", "0.3", "--generators", "0", "--retention", "2",
                          label="backend-faulty"),
            stack.program("traffic", *users, label="traffic-cut", env={"BASE_URL": cut.url}),
            stack.program("traffic", *users, "--only", "hello", label="traffic-slow", env={"BASE_URL": slow.url}),
            stack.program("traffic", "--rate", str(FLOOD), "--max-in-flight", str(UNANSWERED), "--timeout", "1",
                          label="traffic-lost", env={"BASE_URL": f"http://{HOST}:{hole.getsockname()[1]}"}),
        ]
        for service in started:
            service.start()
            self._undo.callback(service.stop)
        for service in started:
            service.wait_ready(10)

    def _targets(self):
        """Has Prometheus find them, and a backend that is not there."""
        for job in ("frontend", "backend", "traffic"):
            file = self.stack.dir / f"prometheus-config/targets/{job}.json"
            old = file.read_text()
            ports = [service.port for name, service in self.stack.services.items() if name.startswith(f"{job}-")]
            new = [{"targets": [f"{HOST}:{port}" for port in ports + [1] * (job == "backend")]}]
            file.write_text(json.dumps(json.loads(old) + new))
            self._undo.callback(file.write_text, old)

    def _configuration(self):
        """Makes a mistake in it, which Prometheus reads and refuses."""
        file, prometheus = self.stack.dir / "prometheus-config/prometheus.yml", self.stack.prometheus
        old = file.read_text()

        def put(text):
            file.write_text(text)
            prometheus.process.signal(signal.SIGHUP)

        put(old + "nonsense: true\n")
        self._undo.callback(put, old)

    def _database(self):
        with self._sql() as cursor:
            cursor.execute(f"alter table fruits add constraint trouble check (quantity <> {REFUSED}) not valid")
            cursor.execute("create table a (id int primary key); create table b (); insert into a values (1), (2)")
        self._undo.callback(self._mend_database)

    def _mend_database(self):
        with self._sql() as cursor:
            cursor.execute("alter table fruits drop constraint trouble; drop table a; drop table b")

    @contextlib.contextmanager
    def _sql(self, autocommit=True):
        connection = psycopg2.connect(self.stack.postgres.url)
        connection.autocommit = autocommit
        with connection.cursor() as cursor:
            yield cursor
        connection.close()

    # What is done in rounds.

    def _ask(self):
        url, form = self.stack.frontend.url, {"Content-Type": "application/json"}
        with requests.Session() as session:
            for _ in self._rounds():
                answers = [session.get(f"{url}/nowhere"), session.post(f"{url}/hello"),
                           session.post(f"{url}/fruit", data="{", headers=form), session.post(f"{url}/fruit", data="a")]
                self.done.update(str(answer.status_code) for answer in answers)

    def _ask_badly(self):
        for _ in self._rounds():
            with socket.create_connection((HOST, self.stack.frontend.port), 5) as peer:
                peer.sendall(b"NONSENSE\r\n\r\n")
                peer.recv(100)
            self.done["no HTTP"] += 1

    def _amqp(self, vhost="/", password="guest"):
        return pika.BlockingConnection(pika.ConnectionParameters(
            HOST, self.stack.rabbitmq.port, vhost, pika.PlainCredentials("guest", password), heartbeat=0))

    def _strand(self):
        vhosts = f"{self.stack.rabbitmq.ui_url}/api/vhosts/trouble"
        requests.put(vhosts, auth=("guest", "guest"), timeout=5).raise_for_status()
        self._undo.callback(requests.delete, vhosts, auth=("guest", "guest"), timeout=5)
        with self._amqp("trouble") as connection:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True)
            for _ in range(STRANDED):
                channel.basic_publish("", QUEUE, b'"hello"')

    def _publish(self):
        """What comes twice, what nobody understands, what the database refuses, and what has no queue to go to."""
        with self._amqp() as connection:
            channel, lost = connection.channel(), connection.channel()
            for _ in self._rounds():
                orders = {"duplicate": b'{"fruit":"pears","quantity":1}', "unknown": b"nonsense",
                          "unknown fruit": b'{"fruit":"stones","quantity":1}',
                          "refused": b'{"fruit":"pears","quantity":%d}' % REFUSED}
                for what, body in orders.items():
                    self._send(channel, body, 2 if what == "duplicate" else 1)
                    self.done[what] += 1
                lost.basic_publish("", "nowhere", b"", mandatory=True)
                lost.basic_publish("", "nowhere", b"")
                self.done["astray"] += 1

    @staticmethod
    def _send(channel, body, times):
        properties = pika.BasicProperties(delivery_mode=2, message_id=str(uuid.uuid4()))
        for _ in range(times):
            channel.basic_publish("", QUEUE, body, properties)

    def _consume(self):
        """Takes a message and gives it back unfinished."""
        with self._amqp() as connection:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=1)

            def give_back(_, method, *__):
                self.over.wait(PAUSE)
                channel.basic_nack(method.delivery_tag, requeue=True)
                self.done["given back"] += 1

            channel.basic_consume(QUEUE, give_back)
            while not self.over.is_set():
                connection.process_data_events(0.1)

    def _connect(self):
        for _ in self._rounds():
            with contextlib.suppress(pika.exceptions.AMQPError):
                self._amqp(password="wrong")
            self.done["wrong password"] += 1
            self._amqp().close()
            self.done["login"] += 1

    def _cache(self):
        with redis.Redis(HOST, self.stack.redis.port) as client:
            for _ in self._rounds():
                client.get("trouble")  # finds that the last one's time is over
                client.set("trouble", 1, px=100)
                self.done["expired"] += 1
                with contextlib.suppress(redis.ResponseError):
                    client.execute_command("get")
                self.done["rejected"] += 1

    def _wait(self):
        with redis.Redis(HOST, self.stack.redis.port) as client:
            while not self.over.is_set():
                client.blpop("never", timeout=5)

    def _roll_back(self):
        with self._sql(autocommit=False) as cursor:
            for _ in self._rounds():
                cursor.execute("select 1")
                cursor.connection.rollback()

    def _lock(self):
        with self._sql(autocommit=False) as cursor:
            cursor.execute("lock table b in access exclusive mode")
            self.over.wait()

    def _deadlock(self):
        """Two change the same two rows in opposite order. PostgreSQL finds out after a second, and ends one of them."""
        def change(first, then):
            with self._sql(autocommit=False) as cursor, contextlib.suppress(psycopg2.errors.DeadlockDetected):
                cursor.execute("select from a where id = %s for update", (first,))
                meeting.wait()
                cursor.execute("select from a where id = %s for update", (then,))

        while not self.over.wait(PAUSE):
            meeting = threading.Barrier(2)
            pair = [threading.Thread(target=change, args=order) for order in ((1, 2), (2, 1))]
            for one in pair:
                one.start()
            for one in pair:
                one.join()
