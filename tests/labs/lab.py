"""A lab as a test runs it: WORKSHOP_BUILD=asan takes it from build/asan/bin, WORKSHOP_BIN from anywhere."""

import contextlib
import os

from program import BIN, SANITIZERS, Judged, free_port
from workshop.labs import Lab

LONG = os.environ.get("WORKSHOP_LABS") == "long"


class TestedLab(Judged, Lab):
    """On ports of its own. `url` serves, `pages` has /metrics and /health: the same, but for echo."""

    __test__ = False  # no test, whatever pytest thinks of its name

    def __init__(self, stack, lab, *flags, port=None, env=None):
        self._pages_port = free_port()
        super().__init__(stack, lab, *(flags or ("--log-level", "info")), port=port, env=env)

    @property
    def binary(self):
        return BIN / self.lab["binary"]

    @property
    def pages(self):
        return f"http://127.0.0.1:{self._pages_port}" if "pages" in self.lab else self.url

    def environment(self):
        return super().environment() | SANITIZERS | self.extra


@contextlib.contextmanager
def running(stack, lab, *flags, ready=True, **more):
    """with running(stack, "exporter", "--stats-uri", url) as exporter: …"""
    tested = TestedLab(stack, lab, *flags, **more)
    tested.start()
    try:
        if ready:
            tested.wait_ready()
        yield tested
    finally:
        tested.end()
