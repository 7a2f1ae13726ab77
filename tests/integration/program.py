"""The programs as a test runs them: WORKSHOP_BUILD=asan takes them from build/asan/bin, WORKSHOP_BIN from anywhere."""

import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

from place import ROOT
from workshop.programs import Program
from workshop.service import http_get

BIN = Path(os.environ.get("WORKSHOP_BIN") or ROOT / "build" / os.environ.get("WORKSHOP_BUILD", "release") / "bin")
EXIT_LIMIT_S = 8
REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:", "Assertion")

# Where a sanitizer reports, it ends the program with a status that none of ours has.
SANITIZERS = {"ASAN_OPTIONS": "exitcode=99:abort_on_error=0", "LSAN_OPTIONS": "exitcode=98",
              "UBSAN_OPTIONS": "print_stacktrace=1:exitcode=97", "TSAN_OPTIONS": "exitcode=96"}

_numbers = itertools.count(1)
_local = threading.local()


def sanitized():
    """Whether times are those of a sanitizer's build, which tell nothing."""
    return b"__asan_init" in (BIN / "frontend").read_bytes()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Judged:
    """What a test wants of a service: requests, metrics, a judgement on how it ended. Goes before the service's class.

    `exit_status` is what end() demands, None for whatever; `may_complain` lets ERROR lines pass in its log.
    """

    ready_timeout = 20

    def __init__(self, stack, program, *flags, port=None, env=None):
        super().__init__(stack, program, *flags, label=f"{program}-{next(_numbers)}", port=port or free_port(), env=env)
        self.exit_status, self.may_complain, self._told = 0, False, False

    def listening(self):
        return http_get(self.url + "/health")[0] == 200

    # Requests. Each thread has connections of its own.

    def request(self, method, path, timeout=15, **more):
        if not hasattr(_local, "session"):
            _local.session = requests.Session()
            _local.session.trust_env = False  # a proxy of the user's is not meant here
        return _local.session.request(method, self.url + path, timeout=timeout, **more)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def order(self, fruit="pears", quantity=3, **headers):
        """POST /fruit; header names with underscores for dashes."""
        return self.request("POST", "/fruit", json={"fruit": fruit, "quantity": quantity},
                            headers={name.replace("_", "-"): value for name, value in headers.items()})

    # Metrics.

    def families(self):
        return {family.name: family for family in text_string_to_metric_families(self.get("/metrics").text)}

    def samples(self):
        """{(name, frozenset of labels): value}"""
        return {(sample.name, frozenset(sample.labels.items())): sample.value
                for family in self.families().values() for sample in family.samples}

    def value(self, name, **labels):
        """The sum over the samples of that name which bear these labels; fails where there is none."""
        lines = [line for line in self.get("/metrics").text.splitlines() if line.startswith((name + " ", name + "{"))]
        found = [sample.value for family in text_string_to_metric_families("\n".join(lines) + "\n")
                 for sample in family.samples if labels.items() <= sample.labels.items()]
        assert found, f"{self.name} has no {name} with {labels}"
        return sum(found)

    # Ending.

    def signal(self, number):
        self._told = self._told or number in (signal.SIGTERM, signal.SIGINT)
        self.process.signal(number)

    def crash(self):
        """SIGKILL, after which end() has nothing to judge."""
        self.exit_status = None
        self.kill()

    def wait_exit(self, seconds=EXIT_LIMIT_S):
        try:
            return self.process.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs {seconds} s later:\n{self.log_tail()}") from None

    def end(self):
        """SIGTERM where the test sent none yet, and what is expected of every end."""
        if not self._told:
            self.signal(signal.SIGTERM)
        try:
            status = self.wait_exit()
        finally:
            self.stop(0.1)  # takes it off the stack's list, and insists where it must
        said = self.log_text()
        assert not [report for report in REPORTS if report in said], said[-6000:]
        if self.exit_status is not None:
            assert status == self.exit_status, f"{self.name} ended with {status}:\n{self.log_tail()}"
        assert self.may_complain or not re.search(r"^\S+ ERROR ", said, re.M), self.log_tail()


class Tested(Judged, Program):
    """One of the three programs."""

    @property
    def binary(self):
        return BIN / self.program

    def environment(self):
        return {"LISTEN": f"127.0.0.1:{self.port}", "LOG_FORMAT": "text"} | SANITIZERS | self.extra


@contextlib.contextmanager
def running(stack, place, program, *flags, wires=None, ready=True, env=None, **more):
    """with running(stack, place, "frontend", "--hello-delay", "5") as frontend: …"""
    tested = Tested(stack, program, *flags, env=place.environment(wires) | (env or {}), **more)
    tested.start()
    try:
        if ready:
            tested.wait_ready()
        yield tested
    finally:
        tested.end()


def parallel(count, function):
    """[function(0), …] from so many threads at once."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(function, range(count)))
