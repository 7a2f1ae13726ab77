"""The labs as services: small programs of labs/, which run where `up --labs` or `./workshop lab NAME` asked for them.

They are known to every Stack, so that status, logs and down speak of those that run; nothing else starts them. So are
the exporter's stand-in of an old service, and what makes load for a lab: a program that ends by itself.
"""

import sys

from . import ports
from .programs import LOG_FORMAT, Program, fingerprint
from .service import Service, http_get

# Lab → the program's file, its settings in a lab, and further ports. The first port serves; /metrics is on `pages`.
# `load` is what `./workshop lab` starts besides: a binary and its words, of which <url> and <address> are the lab's.
LABS = {
    "person": {"binary": "person",
               "flags": ("--get-delay", "5-50", "--list-delay", "10-100", "--post-delay", "10-100", "--put-delay", "10-100",
                         "--delete-delay", "10-100"),
               "load": ("traffic", "--target", "<url>", "--scenario", "labs/person/scenario.json")},
    "echo": {"binary": "echo", "flags": ("--error-ratio", "0.1", "--delay", "5-50"), "pages": "echo-metrics",
             "load": ("echo_client", "--target", "<address>", "--calls", "0", "--duration", "600", "--concurrency", "100",
                      "--pause", "100-500")},
    "exporter": {"binary": "stats_exporter",
                 "load": ("traffic", "--target", "<source>", "--duration", "600")},
}


class Lab(Program):
    """One lab. Tests give it a label and flags of their own, as to any program."""

    optional = True
    needs_of = {name: () for name in LABS}

    def __init__(self, stack, lab, *flags, **more):
        self.lab = LABS[lab]
        super().__init__(stack, lab, *(flags or self.lab.get("flags", ())), **more)
        self.other_ports = (self.lab["pages"],) if "pages" in self.lab else ()

    @property
    def binary(self):
        return self.stack.root / "build" / self.build / "bin" / self.lab["binary"]

    @property
    def pages(self):
        """Where its /metrics, /health and /ready are."""
        port = ports.number(self.lab["pages"], self.stack.port_offset) if "pages" in self.lab else self.port
        return f"http://{ports.HOST}:{port}"

    @property
    def remark(self):
        """What to open, for people."""
        return f"{self.pages}/metrics" if "pages" not in self.lab else f"{self.url.removeprefix('http://')}  {self.pages}/metrics"

    def environment(self):
        """LISTEN, METRICS_LISTEN where its pages have a port of their own, and the exporter's STATS_URI."""
        where = {"LISTEN": f"{ports.HOST}:{self.port}", "LOG_FORMAT": LOG_FORMAT}
        if "pages" in self.lab:
            where["METRICS_LISTEN"] = self.pages.removeprefix("http://")
        if self.program == "exporter":
            where["STATS_URI"] = f"{self.source.url}/stats"
        return where | self.extra

    @property
    def source(self):
        """Whom the exporter asks: the stand-in where the workshop does not run, or where it was begun with."""
        stands_in = self.stack.prometheus.alone or self.stack.source.running
        return self.stack.source if stands_in else self.stack.frontend

    def note(self):
        return super().note() | {"source": self.environment().get("STATS_URI")}

    def outdated(self):
        """Whether it runs from another binary than there is now, or asks somebody else than it should."""
        record = self.stack.state.all().get(self.name, {})
        return super().outdated() or self.running and record.get("source") != self.environment().get("STATS_URI")

    def ready(self):
        return http_get(self.pages + "/health")[0] == 200

    def metrics(self):
        return http_get(self.pages + "/metrics", 3)[1]


class Source(Service):
    """What the exporter asks where the frontend does not run: an old service, which can be told to misbehave."""

    name = "source"
    optional = True
    stop_timeout = 3

    def command(self):
        return [sys.executable, self.stack.root / "labs/exporter/source.py", "--port", self.port]

    def environment(self):
        return {"PYTHONDONTWRITEBYTECODE": "1"}

    def prepare(self):
        """It keeps nothing."""

    def ready(self):
        return http_get(self.url + "/stats")[0] == 200


class Load(Service):
    """What asks a lab for something, for some minutes; then it has ended, which is no fault."""

    optional = True
    bounded = True
    stop_timeout = 5

    def __init__(self, stack, lab):
        self.lab, self.name = lab, f"load-{lab}"
        super().__init__(stack)  # with a port for its /metrics where it is our traffic; others have none

    def prepare(self):
        """It keeps nothing."""

    def command(self):
        at = {"<url>": self.stack.services[self.lab].url, "<source>": self.stack.source.url}
        at["<address>"] = at["<url>"].removeprefix("http://")
        program, *words = [at.get(word, word) for word in LABS[self.lab]["load"]]
        return [self.stack.root / "build" / self.stack.build / "bin" / program, *words]

    def note(self):
        return super().note() | self._made_of()

    def outdated(self):
        """Whether it runs from another binary, or with other words, than it would be started with now."""
        record = self.stack.state.all().get(self.name, {})
        return self.running and any(record.get(key) != value for key, value in self._made_of().items())

    def _made_of(self):
        binary, *words = self.command()
        return {"binary": fingerprint(binary), "words": words, "files": self._read()}

    def _read(self):
        """The fingerprints of the files that its words name."""
        return [fingerprint(self._workdir() / word) for word in LABS[self.lab]["load"] if word.endswith(".json")]

    def all_ports(self):
        return {self.name: self.port} if self.port else {}

    def _workdir(self):
        return self.stack.root  # scenario files are named from there

    def environment(self):
        return {"LOG_FORMAT": LOG_FORMAT} | ({"LISTEN": f"{ports.HOST}:{self.port}"} if self.port else {})

    def ready(self):
        return self.running


class LoadKeeper(Service):
    """Has Prometheus scrape each load while it runs, and a `./workshop run traffic` too; see loadkeeper.py."""

    name = "loadkeeper"
    optional = True
    stop_timeout = 3

    def command(self):
        names = ("traffic", *(f"load-{lab}" for lab in LABS))
        found = [ports.number(name, self.stack.port_offset) for name in names]
        return [sys.executable, "-m", "workshop.loadkeeper", self.stack.prometheus.loads, *filter(None, found)]

    def environment(self):
        return {"PYTHONPATH": str(self.stack.root / "tools"), "PYTHONDONTWRITEBYTECODE": "1"}

    def prepare(self):
        """It keeps nothing of its own."""

    def all_ports(self):
        return {}

    def ready(self):
        return self.running
