"""Prometheus itself, the exporters that speak for what cannot speak its language, and the keeper of the logs."""

import shutil
import signal
import subprocess
import sys

from . import classroom, targets
from .onshow import hidden
from .ownrules import own_rules
from .ports import HOST
from .prometheus import Api
from .service import LOG_LIMIT, Service, http_get
from .ui import Failure


class Prometheus(Service):
    """`prometheus.api` puts questions to it; see prometheus.py."""

    name = "prometheus"
    stop_timeout = 15
    alerts = "classroom"  # which of the directories in prometheus/rules/ it follows
    alone = False         # whether it is there for labs that run without the workshop

    @property
    def api(self):
        return Api(self.url)

    def command(self):
        return ["prometheus", f"--config.file={self._config / 'prometheus.yml'}", f"--storage.tsdb.path={self.data}",
                "--storage.tsdb.retention.time=2d", f"--web.listen-address={HOST}:{self.port}",
                "--enable-feature=exemplar-storage",
                # What is sent before Alertmanager was discovered is lost, and would be sent again after a minute.
                "--rules.alert.resend-delay=15s"]

    @property
    def _config(self):
        return self.stack.dir / "prometheus-config"

    @property
    def loads(self):
        """The file of what asks labs for something."""
        return self._config / targets.LOADS

    def prepare(self):
        """Runs with a copy of the committed configuration, beside targets with this copy's ports."""
        super().prepare()
        self.loads.unlink(missing_ok=True)  # of an earlier run
        self._configure()

    def _configure(self):
        """Tried beside the one in use first: a running Prometheus would say in its log alone what it does not take."""
        candidate = self.stack.dir / "prometheus-config.new"
        own = {} if self.alone else own_rules(self.stack.root)
        ahead = hidden(self.stack.root).rules if self.stack.mine else ()
        words = self.stack.port_offset, self.alerts, own, self.stack.labs_watched, self.alone, ahead
        write_config(self.stack.root, candidate, *words)
        _check(candidate)
        return write_config(self.stack.root, self._config, *words)

    def ready(self):
        return http_get(self.url + "/-/ready")[0] == 200

    def refresh(self):
        """Has a running one read the configuration again where it changed; True where it did."""
        if changed := self._configure():
            self.process.signal(signal.SIGHUP)
        return changed


def _check(directory):
    """Failure, in promtool's words, where Prometheus would refuse the configuration."""
    if not shutil.which("promtool"):
        return
    done = subprocess.run(["promtool", "check", "config", directory / "prometheus.yml"], capture_output=True, text=True)
    if done.returncode:
        words = [line.strip() for line in done.stderr.replace(f"{directory}/", "").splitlines() if "FAILED" not in line]
        raise Failure("Prometheus's configuration is wrong: " + " ".join(filter(None, words)),
                      "correct it in prometheus/, or the rules in tools/workshop/rules.py and run ./workshop rules")


def write_config(root, directory, offset=0, alerts="classroom", more=(), labs=(), alone=False, without=()):
    """Makes of `directory` what a native Prometheus reads: the committed configuration and rules, with targets on
    loopback, and more files: {name: text}. True where that changed something. `labs` are those that are scraped;
    `alone` leaves out what is of the workshop, which does not run then, and `without` rules by their files' names."""
    source = root / "prometheus"
    wanted = {"prometheus.yml": (source / "prometheus.yml").read_text()} | targets.files(offset, labs, alone)
    wanted["targets/class.json"] = "[]\n" if alone else classroom.targets(root)
    rules = (source / "rules" / alerts).glob("labs.yml" if alone else "*.yml")
    wanted |= {f"rules/{file.name}": file.read_text() for file in sorted(rules) if file.stem not in without}
    wanted |= dict(more) | ({} if (directory / targets.LOADS).exists() else {targets.LOADS: "[]\n"})
    old = {str(file.relative_to(directory)): file for file in directory.rglob("*.*") if file.is_file()}
    changed = {name: text for name, text in wanted.items() if name not in old or old[name].read_text() != text}
    for name, text in changed.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    gone = {name for name in old.keys() - wanted.keys() if not name.startswith("targets/loads.")}  # loadkeeper's
    for name in gone:
        old[name].unlink()
    return bool(changed or gone)


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
