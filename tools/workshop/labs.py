"""The labs as services: small programs of labs/, which run where `up --labs` or `./workshop lab NAME` asked for them.

They are known to every Stack, so that status, logs and down speak of those that run; nothing else starts them.
"""

from . import ports
from .programs import LOG_FORMAT, Program
from .service import http_get
from .ui import Failure

# Lab → the program's file, its settings in a lab, and further ports. The first port serves; /metrics is on `pages`.
LABS = {
    "person": {"binary": "person"},
    "echo": {"binary": "echo", "flags": ("--error-ratio", "0.1"), "pages": "echo-metrics"},
    "exporter": {"binary": "stats_exporter"},
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

    def prepare(self):
        if self.stack.port_offset > ports.MAX_LAB_OFFSET:
            raise Failure(f"--port-offset {self.stack.port_offset} leaves the labs no room: "
                          f"{ports.MAX_LAB_OFFSET} at most", "take a smaller one, or leave out the labs", status=2)

    def environment(self):
        """LISTEN, METRICS_LISTEN where its pages have a port of their own, and the exporter's STATS_URI."""
        where = {"LISTEN": f"{ports.HOST}:{self.port}", "LOG_FORMAT": LOG_FORMAT}
        if "pages" in self.lab:
            where["METRICS_LISTEN"] = self.pages.removeprefix("http://")
        if self.program == "exporter":
            where["STATS_URI"] = f"{self.stack.frontend.url}/stats"
        return where | self.extra

    def ready(self):
        return http_get(self.pages + "/health")[0] == 200

    def metrics(self):
        return http_get(self.pages + "/metrics", 3)[1]
