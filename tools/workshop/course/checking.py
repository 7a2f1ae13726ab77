"""One check: what it can ask for, and how it is run. The top of the package shows a check."""

import contextlib
import json
import os
import shutil
import tempfile
import time
import urllib.parse
from pathlib import Path

from .. import packages, ports
from ..prometheus import Api
from ..service import http_get
from ..state import locked
from ..ui import Failure, step
from . import compiling
from .place import Place
from .report import Wrong
from .running import Running
from .tree import NAME, PROGRAMS, Tree

SERVERS = ("postgres", "redis", "rabbitmq")
BARE = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "LOG_FORMAT": "json"}
NEEDED = {"git": "git"}


class Check:
    def __init__(self, stack, exercise, lock):
        self.stack, self.exercise, self.root = stack, exercise, stack.root
        self.tree = Tree(self.root).path
        self.seen = []
        self._lock, self._ends, self._place, self._scratch = lock, contextlib.ExitStack(), None, None
        self._compiled = set()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._ends.close()

    # What a check says.

    def saw(self, text):
        self.seen.append(text)

    # The student's files.

    def answer(self, path):
        """The text of an answer file, stripped; Wrong where there is none."""
        file = self.tree / path
        if not file.is_file():
            raise Wrong(f"there is no {NAME}/{path}", expected="a file with your answer",
                        likely=f"./workshop exercise {self.exercise.number} says what belongs there")
        text = file.read_text(errors="replace").strip()
        if not text:
            raise Wrong(f"{NAME}/{path} is empty", expected="your answer in it")
        return text

    # Programs.

    def mine(self, name, *flags, env=None, ready=True):
        """A program of the student's, built and started in this check's place. `ready` may be a function that says when
        it can be used; False does not wait."""
        self.compile(name)
        return self._program(name, compiling.binary(self.root, name), flags, env, ready, f"{NAME}/{name}")

    def product(self, name, *flags, env=None, ready=True):
        """The same of the product."""
        if not self._compiled:
            compiling.compile_product(self.root, self.stack.logs / "apt.log")
            self._compiled.add("product")
        binary = self.root / "build" / compiling.PRESET / "bin" / name
        return self._program(f"the product's {name}", binary, flags, env, ready, None)

    def compile(self, *programs):
        """Builds these of mine/, once a check; the frontend and the backend at once, for that is no slower."""
        wanted = {*PROGRAMS, *programs} - self._compiled
        if wanted:
            compiling.compile_mine(self.root, sorted(wanted), self.stack.logs / "apt.log")
            self._compiled |= wanted

    def _program(self, name, binary, flags, env, ready, tree):
        port = ports.free_port()
        environment = self.place.environment() | {"LISTEN": f"{ports.HOST}:{port}"} | (env or {})
        made = self.spawn(name, [binary, *flags], environment, port)
        made.where = tree
        if ready is True:
            made.wait_ready(lambda: _is_ready(made, cache="REDIS_URL" not in (env or {})))
        elif ready:
            made.wait_ready(lambda: ready(made))
        return made

    def spawn(self, name, argv, env=None, port=None):
        label = name.replace("the product's ", "product-").replace("/", "-").replace(" ", "-")
        log = self.stack.logs / f"check-{label}.log"
        made = Running(name, argv, log, BARE | (env or {}), port)
        self._ends.callback(made.end)
        return made

    # Servers and places.

    def servers(self, *names):
        """Starts those of the stack that do not run."""
        if self._down(names):
            with locked(self._lock, "check"):
                self._start(self._down(names))
        return self.stack

    def _down(self, names):
        """Those that do not run. Another command may have started some meanwhile."""
        for service in self.stack.services.values():
            service.process = service.process or self.stack.state.process(service.name)
        return [name for name in names if not self.stack.services[name].running]

    def _start(self, names):
        if not names:
            return
        packages.ensure(packages.RUN, self.stack.logs / "apt.log")
        for name, port, holder in self.stack.taken_ports(self.stack.with_needs(names)):
            raise Failure(f"port {port} ({name}) is taken by {holder}",
                          "end that one (./workshop down, where it is a workshop in containers), or use other ports: "
                          f"./workshop --port-offset {ports.suggested_offset()} check {self.exercise.number}")
        step(f"starting {', '.join(names)}; they stay up, ./workshop down{self.stack.option} ends them")
        self.stack.start(*names)

    @property
    def place(self):
        if self._place is None:
            self.servers(*SERVERS)
            self._place = self._ends.enter_context(Place(self.stack))
        return self._place

    @property
    def scratch(self):
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="workshop-check-"))
            self._ends.callback(shutil.rmtree, self._scratch, ignore_errors=True)
        return self._scratch

    def prometheus(self, targets, rules=None, interval="1s", data=None):
        """An Api of a Prometheus of its own, which scrapes {job: url} and has those rule files. A URL may name another
        page than /metrics, with a query; a job may have several, in a list; and lines of configuration besides:
        {job: (url, lines)}. `data` is a directory with what it knows from the start."""
        directory, port = Path(tempfile.mkdtemp(prefix="prometheus-", dir=self.scratch)), ports.free_port()
        (directory / "prometheus.yml").write_text(_configuration(targets, rules or (), interval))
        made = self.spawn("prometheus", ["prometheus", f"--config.file={directory}/prometheus.yml",
                                         f"--storage.tsdb.path={data or directory / 'data'}", f"--web.listen-address={ports.HOST}:{port}",
                                         "--enable-feature=exemplar-storage", "--log.level=warn"], port=port)
        made.wait_ready(lambda: http_get(made.url + "/-/ready")[0] == 200, 20)
        return Api(made.url)

    def until(self, function, seconds, wrong):
        end = time.monotonic() + seconds
        while not (found := function()):
            if time.monotonic() > end:
                raise wrong() if callable(wrong) else wrong
            time.sleep(0.02)
        return found


def _is_ready(running, cache):
    """`cache`: it is there as well, without which the program would be ready too."""
    status, body = http_get(running.url + "/ready")
    return status == 200 and not (cache and '"redis":"down"' in body)


def _configuration(targets, rules, interval):
    lines = ["global:", f"  scrape_interval: {interval}", f"  scrape_timeout: {interval}", f"  evaluation_interval: {interval}"]
    if rules:
        lines += ["rule_files:", *(f"  - {os.fspath(rule)}" for rule in rules)]
    lines.append("scrape_configs:")
    for job, target in targets.items():
        urls, more = target if isinstance(target, tuple) else (target, ())
        several = [urllib.parse.urlsplit(url) for url in ([urls] if isinstance(urls, str) else urls)]
        parts = several[0]
        lines += [f"  - job_name: {job}", f"    metrics_path: {parts.path or '/metrics'}",
                  f"    params: {json.dumps(urllib.parse.parse_qs(parts.query))}",
                  "    static_configs:", f"      - targets: {json.dumps([each.netloc for each in several])}", *(f"    {line}" for line in more)]
    return "\n".join(lines) + "\n"


def run(stack, exercise, lock):
    """(Wrong or None, what was seen, seconds)"""
    begin, wrong = time.monotonic(), None
    with Check(stack, exercise, lock) as check:
        try:
            exercise.check(check)
        except Wrong as found:
            wrong = found
    return wrong, check.seen, time.monotonic() - begin
