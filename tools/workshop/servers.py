"""PostgreSQL, Redis and RabbitMQ from Debian's packages, as private instances: own data, own ports, loopback only."""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from . import ports
from .ports import HOST
from .service import Service, http_get
from .ui import Failure


class Postgres(Service):
    """PostgreSQL refuses to run as root, so root runs it as the user postgres that the package made.

    Role demo (password demo) owns the database demo and may read the statistics; it is no superuser, since whoever
    reaches the port could otherwise run commands. The superuser's password is random: `admin_url` holds it.
    It listens on TCP only; the path of a Unix socket may have 107 bytes, and checkouts can lie deeper.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": SIGTERM would wait for every client to leave
    ready_timeout = 60           # after a crash it first replays its log
    user = "postgres"
    settings = {
        "listen_addresses": HOST,
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "64MB",
        "max_wal_size": "256MB",
        "log_line_prefix": "%m [%p] ",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }

    @property
    def url(self):
        return f"postgres://demo:demo@{HOST}:{self.port}/demo"

    @property
    def admin_url(self):
        return f"postgres://postgres:{self._password_file.read_text().strip()}@{HOST}:{self.port}/postgres"

    @property
    def data(self):
        return self.stack.dir / self.name / "data"

    @property
    def _password_file(self):
        return self.stack.dir / self.name / "superuser.password"

    def command(self):
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        return [*self._as_user(), self._program("postgres"), "-D", self.data, "-p", self.port, *options]

    def ready(self):
        """Sends a start-up message: 'R' asks for the password, 'E' means that it still starts."""
        body = b"\0\3\0\0user\0demo\0database\0demo\0\0"
        try:
            with socket.create_connection((HOST, self.port), 1) as peer:
                peer.sendall((len(body) + 4).to_bytes(4, "big") + body)
                return peer.recv(64)[:1] == b"R"  # all of it: an unread answer would be logged as a reset
        except OSError:
            return False

    def prepare(self):
        version = self.data / "PG_VERSION"
        if not version.exists():
            self._create()
        elif version.read_text().strip() not in self._program("postgres").parts:
            raise Failure(f"the data in {self.data} is of PostgreSQL {version.read_text().strip()}, another version is "
                          "installed", "./workshop reset deletes the data")

    def _create(self):
        """Makes the cluster beside its place and moves it in when complete, so that an interrupted one is no trap."""
        home, fresh = self.data.parent, self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        home.mkdir(parents=True, exist_ok=True)
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_hex(16) + "\n")
        if self._other_user():
            shutil.chown(home, self.user, self.user)
            shutil.chown(self._password_file, self.user, self.user)
        self._run("initdb", "-D", fresh, "-U", "postgres", "--pwfile", self._password_file, "-A", "scram-sha-256",
                  "-E", "UTF8", "--locale", "C.UTF-8", "--no-instructions")
        self._run("postgres", "--single", "-D", fresh, "postgres", stdin=(
            "create role demo login password 'demo' in role pg_monitor\n"
            "create database demo owner demo\n"))
        fresh.rename(self.data)

    def _run(self, program, *arguments, stdin=""):
        argv = [str(word) for word in (*self._as_user(), self._program(program), *arguments)]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, env=self._full_environment(), cwd="/",
                              start_new_session=True)
        with open(self.log, "a") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode or "ERROR:" in done.stderr:
            raise Failure(f"{program} failed: {(done.stderr or done.stdout).strip()[-400:]}", f"its log: {self.log}")

    @staticmethod
    def _program(name):
        """The newest version that is installed."""
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
        if not found:
            raise Failure("PostgreSQL is not installed", "./workshop up installs it")
        return found[-1]

    @staticmethod
    def _other_user():
        return os.geteuid() == 0

    def _as_user(self):
        if not self._other_user():
            return []
        prefix = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups"]
        if not all(path.stat().st_mode & 0o001 for path in self.data.parent.resolve().parents):
            # A checkout below /root: the other user could not even reach its own directory there.
            capability = "+" + _reaching_capability()
            prefix += ["--inh-caps", capability, "--ambient-caps", capability]
        return [*prefix, "--"]

    def _wrap(self, argv):
        """Changing the user clears the wish to die with the parent, so it is said after that."""
        if not self.stack.die_with_parent or not self._other_user():
            return super()._wrap(argv)
        cut = argv.index("--") + 1
        return argv[:cut] + super()._wrap(argv[cut:])


def _reaching_capability():
    """The smallest capability of ours that gets past closed directories; Docker leaves root only the second."""
    effective = int(next(line for line in Path("/proc/self/status").read_text().splitlines()
                         if line.startswith("CapEff")).split()[1], 16)
    return "dac_read_search" if effective & 1 << 2 else "dac_override"


class Redis(Service):
    """A cache: what it holds is never worth a write to disk."""

    name = "redis"

    @property
    def url(self):
        return f"redis://{HOST}:{self.port}/0"

    def command(self):
        return ["redis-server", "--bind", HOST, "--port", self.port, "--save", "", "--appendonly", "no",
                "--dir", self.data, "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"]

    def ready(self):
        try:
            with socket.create_connection((HOST, self.port), 1) as peer:
                peer.sendall(b"PING\r\n")
                return peer.recv(5) == b"+PONG"
        except OSError:
            return False


class Epmd(Service):
    """Erlang's name server. RabbitMQ would start one by itself, which nobody would ever end; so this one is ours."""

    name = "epmd"

    def command(self):
        return ["epmd", "-address", HOST, "-port", self.port]


class RabbitMQ(Service):
    """The broker with its metrics and its management page. Starting it starts epmd first; guest/guest may do all."""

    name = "rabbitmq"
    other_ports = ("rabbitmq-ui", "rabbitmq-metrics", "rabbitmq-dist")
    needs = ("epmd",)
    stop_timeout = 20
    ready_timeout = 90
    # Two schedulers that do not spin while idle: the defaults are for a machine that does nothing else.
    erlang = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"

    @property
    def url(self):
        return f"amqp://guest:guest@{HOST}:{self.port}/"

    @property
    def ui_url(self):
        return f"http://{HOST}:{self.all_ports()['rabbitmq-ui']}"

    @property
    def metrics_url(self):
        return f"http://{HOST}:{self.all_ports()['rabbitmq-metrics']}/metrics"

    def command(self):
        # Debian's wrapper in sbin would change to the system's user and data; the script behind it does not.
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"]

    def environment(self):
        at = self.data
        return {
            "RUNNING_UNDER_SYSTEMD": "true",  # makes the script become the server, so that its pid is the server's
            "ERL_EPMD_PORT": str(self.stack.epmd.port),
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_NODENAME": "workshop@localhost",
            "RABBITMQ_DIST_PORT": str(self.all_ports()["rabbitmq-dist"]),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(at / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(at / "none.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(at / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(at / "config"),
            "RABBITMQ_SCHEMA_DIR": str(at / "schema"),
            "RABBITMQ_MNESIA_BASE": str(self._plain / "mnesia"),
            "RABBITMQ_LOG_BASE": str(at / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": self.erlang,
        }

    @property
    def _plain(self):
        """The data directory by a name without spaces: RabbitMQ puts it into a shell's `df` without quotes."""
        if re.fullmatch(r"[\w./+-]+", str(self.data), re.ASCII):
            return self.data
        name = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir(), f"workshop-{os.geteuid()}", name)

    def _link_plain(self):
        if self._plain == self.data:
            return
        self._plain.parent.mkdir(mode=0o700, exist_ok=True)
        if self._plain.parent.stat().st_uid != os.geteuid():
            raise Failure(f"{self._plain.parent} belongs to somebody else", "use a checkout without spaces in its path")
        self._plain.unlink(missing_ok=True)
        self._plain.symlink_to(self.data)

    def _bury(self, family, patience=2):
        status = super()._bury(family, patience)
        if self._plain != self.data:
            self._plain.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # another copy's link may lie there
                self._plain.parent.rmdir()
        return status

    def prepare(self):
        super().prepare()
        self._link_plain()
        port = self.all_ports()
        (self.data / "enabled_plugins").write_text("[rabbitmq_management,rabbitmq_prometheus].\n")
        (self.data / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {HOST}:{self.port}\n"
            f"management.tcp.ip = {HOST}\n"
            f"management.tcp.port = {port['rabbitmq-ui']}\n"
            f"prometheus.tcp.ip = {HOST}\n"
            f"prometheus.tcp.port = {port['rabbitmq-metrics']}\n"
            "log.console = true\n"
            "log.file = false\n")
        self.stack.epmd.start()
        self.stack.epmd.wait_ready()

    def ready(self):
        """The broker greets with Connection.Start; the metrics page is served."""
        try:
            with socket.create_connection((HOST, self.port), 1) as peer:
                peer.sendall(b"AMQP\0\0\x09\x01")
                greeted = peer.recv(1) == b"\1"
        except OSError:
            return False
        return greeted and ports.answers(self.all_ports()["rabbitmq-metrics"])


    def queue_depth(self, queue="task_queue"):
        """Messages ready in the queue, from the metrics page; None where the queue does not exist."""
        status, text = http_get(self.metrics_url + "/detailed?family=queue_coarse_metrics", 3)
        for line in text.splitlines() if status == 200 else ():
            if line.startswith("rabbitmq_detailed_queue_messages_ready{") and f'queue="{queue}"' in line:
                return int(float(line.rsplit(" ", 1)[1]))
        return None
