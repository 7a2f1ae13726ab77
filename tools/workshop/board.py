"""The board: dashboards in the browser for those without Grafana. A page of ours (board/) and this small server.

It serves the page, the dashboards' JSON, read anew at each request, and the runbooks; and it hands queries on to
Prometheus. It listens on loopback alone, runs no query of its own and writes nothing but uPlot's cache.
"""

import os
import sys

from .service import Service, http_get
from .uplot import CACHE, Library

PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")


class Board(Service):
    name = "board"
    stop_timeout = 3

    def command(self):
        return [sys.executable, "-m", "workshop.boardserver", "--root", self.stack.root, "--port", self.port,
                "--prometheus", self.stack.prometheus.url, *(["--course"] if self.stack.mine else [])]

    def environment(self):
        """uPlot comes from the network, perhaps through the user's proxy."""
        passed = {name: os.environ[name] for name in PROXY_VARIABLES if name in os.environ}
        return passed | {"PYTHONPATH": str(self.stack.root / "tools"), "PYTHONDONTWRITEBYTECODE": "1"}

    def prepare(self):
        """It keeps nothing of its own; what it caches lies in .workshop/cache of the tree."""

    def note(self):
        return super().note() | {"course": self.stack.mine}

    def outdated(self):
        """Whether it shows a student's workshop, and the product's is wanted, or the other way round."""
        record = self.stack.state.all().get(self.name, {})
        return self.running and record.get("course", False) != self.stack.mine

    @property
    def remark(self):
        """What stands beside its address."""
        if Library(self.stack.root / CACHE).here:
            return "dashboards"
        return f"dashboards, without charts: ./workshop logs{self.stack.option} board says why"

    def ready(self):
        return http_get(self.url + "/api/dashboards", 2)[0] == 200

