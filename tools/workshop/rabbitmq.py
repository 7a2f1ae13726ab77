"""RabbitMQ, and the epmd that it needs, as private instances: own data, own ports, loopback only."""

import contextlib
import hashlib
import os
import re
import socket
import subprocess
import tempfile
from pathlib import Path

from . import ports
from .ports import HOST
from .service import Service, http_get
from .ui import Failure


class Epmd(Service):
    """Erlang's name server. RabbitMQ would start one by itself, which nobody would ever end; so this one is ours."""

    name = "epmd"

    def command(self):
        return ["epmd", "-address", HOST, "-port", self.port]


class RabbitMQ(Service):
    """The broker with its metrics and its management page. Starting it starts epmd first; guest/guest may do all."""

    name = "rabbitmq"
    other_ports = ("rabbitmq-ui", "rabbitmq-metrics", "rabbitmq-dist")
    # epmd is no entry of `needs`: prepare() starts it, so that the broker does not wait behind a slow initdb.
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

    def control(self, *words):
        """rabbitmqctl, on this broker."""
        done = subprocess.run(["/usr/lib/rabbitmq/bin/rabbitmqctl", "--quiet", *words], env=self._full_environment(),
                              capture_output=True, text=True, start_new_session=True)
        if done.returncode:
            raise Failure(f"rabbitmqctl {words[0]} failed: {(done.stdout + done.stderr).strip()[-300:]}")

    def queue_depth(self, queue="task_queue"):
        """Messages ready in the queue, from the metrics page; None where the queue does not exist."""
        status, text = http_get(self.metrics_url + "/detailed?family=queue_coarse_metrics", 3)
        for line in text.splitlines() if status == 200 else ():
            if line.startswith("rabbitmq_detailed_queue_messages_ready{") and f'queue="{queue}"' in line:
                return int(float(line.rsplit(" ", 1)[1]))
        return None
