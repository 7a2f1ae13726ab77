"""Prometheus itself, the exporters that speak for what cannot speak its language, and the keeper of the logs."""

import re
import signal
import sys

from .ports import HOST
from .prometheus import Api
from .service import LOG_LIMIT, Service, http_get


class Prometheus(Service):
    """`prometheus.api` puts questions to it; see prometheus.py."""

    name = "prometheus"
    stop_timeout = 15

    @property
    def api(self):
        return Api(self.url)

    def command(self):
        return ["prometheus", f"--config.file={self._config}", f"--storage.tsdb.path={self.data}",
                "--storage.tsdb.retention.time=2d", f"--web.listen-address={HOST}:{self.port}"]

    @property
    def _config(self):
        return self.stack.dir / "prometheus.yml"

    def prepare(self):
        """Runs with a copy of the committed configuration in which every port is shifted by the offset."""
        super().prepare()
        self._config.write_text(shifted((self.stack.root / "prometheus/prometheus.yml").read_text(),
                                        self.stack.port_offset))

    def ready(self):
        return http_get(self.url + "/-/ready")[0] == 200

    def refresh(self):
        """Has a running one read the configuration again where it changed; True where it did."""
        old = self._config.read_text()
        self.prepare()
        if changed := self._config.read_text() != old:
            self.process.signal(signal.SIGHUP)
        return changed


def shifted(text, offset):
    """The text with the offset added to the port of every loopback address."""
    return re.sub(rf"\b{re.escape(HOST)}:(\d+)", lambda found: f"{HOST}:{int(found[1]) + offset}", text)


class Exporter(Service):
    """An exporter is ready when its own page is."""

    program = ""
    arguments = ()

    def command(self):
        return [self.program, f"--web.listen-address={HOST}:{self.port}", *self.arguments]

    def ready(self):
        return http_get(self.url + "/metrics", 3)[0] == 200


class NodeExporter(Exporter):
    name = "node"
    program = "prometheus-node-exporter"
    arguments = ("--no-collector.systemd",)  # needs a D-Bus, and complains at every scrape where there is none


class PostgresExporter(Exporter):
    name = "postgres-exporter"
    program = "prometheus-postgres-exporter"
    needs = ("postgres",)

    def environment(self):
        return {"DATA_SOURCE_NAME": self.stack.postgres.url + "?sslmode=disable"}


class RedisExporter(Exporter):
    name = "redis-exporter"
    program = "prometheus-redis-exporter"
    needs = ("redis",)

    @property
    def arguments(self):
        return [f"--redis.addr={self.stack.redis.url}"]


class BlackboxExporter(Exporter):
    name = "blackbox"
    program = "prometheus-blackbox-exporter"

    @property
    def arguments(self):
        return [f"--config.file={self.stack.root / 'prometheus/blackbox.yml'}"]


class LogKeeper(Service):
    """Bounds the logs while the workshop runs, see logkeeper.py. It listens nowhere."""

    name = "logkeeper"

    def all_ports(self):
        return {}

    def command(self):
        return [sys.executable, "-m", "workshop.logkeeper", self.stack.logs, LOG_LIMIT]

    def environment(self):
        return {"PYTHONPATH": str(self.stack.root / "tools"), "PYTHONDONTWRITEBYTECODE": "1"}

    def prepare(self):
        """It keeps nothing of its own."""

    def ready(self):
        return self.running
