"""PostgreSQL from Debian's packages as a private instance: own data, own port, loopback only."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from .ports import HOST
from .service import Service
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

    def fresh_rows(self):
        """How many fruits were stored in the last two seconds; 0 where there is no table."""
        done = subprocess.run([str(self._program("psql")), "-XAtq", self.url, "-c",
                               "select count(*) from fruits where created_at > now() - interval '2 seconds'"],
                              capture_output=True, text=True, start_new_session=True)
        return int(done.stdout) if done.returncode == 0 else 0

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
